"""make test-panics: no request can reach code that ends the worker, but what is allowed below, each with its reason.

usage: panics.py MODULE ARCHIVE     the module, and the archive of the same build: what the linker made the module of

The archive still has a section for each function and each table, and a relocation for each reference from one to
another, so what can be reached from the handlers that nginx calls for a request is known without reading
instructions: a function by a call, a jump or its address; a table by its address, and all that stands in it. Objects
that are made when the configuration is read bring tables of functions that requests call: each such table counts as
reached, too. A place that leads to a panic, an abort or a trap is then traced, through what was inlined, to the code
that is to blame: the innermost that is not the standard library's. The module is read for that, and it must have each
of these functions in the same size, so that what is shown holds for the module that is shipped.

Not shown: that stacks and memory suffice, that loops end, and that what is allowed does not happen.
"""

import re
import subprocess
import sys
from collections import defaultdict, deque
from io import BytesIO
from pathlib import Path

from elftools.elf.elffile import ELFFile
from elftools.elf.relocation import RelocationSection

ROOT = Path(__file__).resolve().parent.parent
CRATE = "ngx_http_crossdomain_media_module"

# What is `extern "C"` in src/, by file and name: what nginx calls for a request ...
REQUEST = {
    "access::handler",
    "filter::filter",
    "metrics::handler",
    "postread::handler",
    "preaccess::handler",
    "request::state_of_a_request",
    "variables::get",
}
# ... and when it reads a configuration, or gives one up.
CONFIGURATION = {
    "conf::create_location",
    "conf::create_main",
    "conf::drop_conf",
    "conf::merge_location",
    "conf::setter",
    "metrics::init",
    "module::init_filter",
    "module::init_guard",
    "variables::add",
}

# The tables of the two modules and what they lead to: of these, requests read an index.
TABLES = re.compile(
    rf"^(?:{CRATE}|ngx_http_crossdomain_media_filter_module|{CRATE}::(?:module::\w+_CONTEXT|conf::COMMANDS))$"
)

# What does not return.
MEMORY = re.compile(r"alloc::raw_vec::(?:handle_error|capacity_overflow)|alloc::alloc::handle_alloc_error")
FATAL = re.compile(
    rf"{MEMORY.pattern}|^core::panicking::|^(?:core|alloc|std)::.*(?:_fail|_failed|::fail|panic_\w+|do_panic\w*)(?:::.*)?$"
    r"|^<(?:core|alloc|std)::.*>::.*(?:_fail|_failed)(?:::.*)?$"
    r"|^std::process::(?:abort|exit)|rust_begin_unwind|^(?:abort|exit|_exit|raise|__assert_fail|__stack_chk_fail)$"
)
TRAPS = re.compile(r"^(?:ud1|ud2|brk|udf|hlt)$")

# Other crates; what names none of them is the standard library's.
CRATES = set(re.findall(r'^name = "(.*)"$', (ROOT / "Cargo.lock").read_text(), re.MULTILINE))
FOREIGN = re.compile(r"(?<![\w:])(" + "|".join(name.replace("-", "_") for name in CRATES) + ")::")
STANDARD_FILE = re.compile(r"^/rustc/|^/rust/deps/|/lib/rustlib/src/|^\?\?")

# Tables of methods that are called where the table is taken, and never later.
PASSING = re.compile(r"core::fmt::|core::any::Any|serde_core::de::Expected|drop_in_place")

# What may be reached all the same, and why that is no way for a request to end the worker. By what is to blame: a crate,
# or what our own code calls. An entry that nothing needs fails the check, too.
OUT_OF_MEMORY = "in libraries: memory that Rust cannot have ends the worker, while nginx's pools answer 500 (t/faults.t)"
ALLOWED_CRATES = {
    "aws-lc": "asserts what its own C code relies on, and aborts when the system has no lock or no random bytes for it;"
    " its tables also hold the making of keys and signatures, which nothing here calls",
    "aws-lc-rs": "slices and unwraps by lengths that it has set itself; keys are checked when the configuration is read",
    "base64": "writes and reads by lengths that it has computed itself from those of its input",
    "hashbrown": "in regex-automata, a table of more entries than fit into memory",
    "ipnet": "writes an address into a buffer of the longest one's length",
    "memchr": "searches within the bounds that it was given",
    "percent-encoding": "splits a slice where it has just looked at a byte",
    "regex": "reads and runs a signed token's pattern (cdniuc, regex:), which is limited in size and depth",
    "regex-automata": "as regex",
    "regex-syntax": "as regex",
    "serde_core": "describes what was expected, of at least one thing",
    "serde_json": "reads by a position that it has compared with the end",
    "sha2": "takes whole blocks of what it was given",
}
# Where our own code takes memory past nginx's pools, by file and function, and what bounds how much that is: a length
# that is none would end the worker like memory that cannot be had.
ALLOWED_HEAP = {
    r"hand_over\.rs (?:cookies|hand_token_over|set_cookie)\b": "a cookie has at most 4096 bytes",
    r"format/cloudfront\.rs \{closure#0\}": "the names of CloudFront's cookies",
    r"format/minted\.rs mint\b": "a token of ours, of a folder and a subject that the request has brought",
    r"cloudfront/resource\.rs (?:covers|new|reach)\b": "a signed resource and a URL, as long as nginx lets them be",
    r"metrics\.rs (?:read|show|sorted|write)\b": "the counters, as many as the operator has given zones room for, when somebody"
    " asks for them; what is needed is reserved before, and where that fails the answer is 500",
    r"jwt/coverage\.rs (?:normal_uri|normalise_escapes|parse)\b": "a signed claim and a URL, as long as nginx lets them be",
}
ALLOWED_CALLS = {
    r"write_fmt|format_inner|ToString|to_string|spec_to_string": "panic when a value cannot be written though the"
    " writer takes it; numbers, texts and our own types can",
    r"core::str::pattern::": "search within the bounds of the text",
    r"IpAddr as core::str::traits::FromStr": "reads digits within the bounds of the text",
}


class Graph:
    """What refers to what. A node is a section of an object, or the name of what another library has."""

    def __init__(self, archive):
        self.edges = defaultdict(list)
        self.sections = {}
        self.symbols = defaultdict(list)
        self.globals = {}
        self.data = {}
        self.starts = {}
        for number, data in enumerate(members(archive)):
            self.add(number, ELFFile(BytesIO(data)))
        plain = demangle({name for symbols in self.symbols.values() for name, *_ in symbols})
        self.names = {node: plain[symbols[0][0]] for node, symbols in self.symbols.items()}
        self.by_name = defaultdict(set)
        for node, symbols in self.symbols.items():
            for name, *_ in symbols:
                self.by_name[plain[name]].add(node)

    def add(self, number, elf):
        table = elf.get_section_by_name(".symtab")
        symbols = list(table.iter_symbols()) if table else []
        wide = elf.get_section_by_name(".symtab_shndx")
        target = {}
        for index, symbol in enumerate(symbols):
            section = symbol["st_shndx"]
            if section == "SHN_XINDEX":
                section = wide.get_section_index(index)
            if section == "SHN_UNDEF":
                target[index] = symbol.name
            elif isinstance(section, int):
                node = target[index] = (number, section)
                kind = symbol["st_info"]["type"]
                if symbol.name and kind not in ("STT_SECTION", "STT_FILE"):
                    is_function = kind == "STT_FUNC"
                    self.symbols[node].append((symbol.name, is_function, symbol["st_value"], symbol["st_size"]))
                if symbol["st_info"]["bind"] != "STB_LOCAL":
                    self.globals.setdefault(symbol.name, node)
        # How a stack is unwound, which nothing does; where constants lie, which refer to nothing.
        unread = (".eh_frame", ".gcc_except_table")
        for index, section in enumerate(elf.iter_sections()):
            if section["sh_flags"] & 2:
                self.sections[number, index] = section.name
                if section.name.startswith((".rodata", ".data.rel.ro")):
                    self.data[number, index] = section.data()
            if isinstance(section, RelocationSection):
                at = (number, section["sh_info"])
                if at in self.sections and not self.sections[at].startswith(unread):
                    for relocation in section.iter_relocations():
                        node = target.get(relocation["r_info_sym"])
                        if node is not None:
                            self.edges[at].append((node, relocation["r_offset"]))
                            self.starts[at] = relocation["r_addend"]

    def out(self, node):
        for target, offset in self.edges.get(node, ()):
            yield (self.globals.get(target, target) if isinstance(target, str) else target), offset

    def name(self, node):
        if isinstance(node, str):
            return node
        return self.names.get(node, self.sections[node])

    def file_of_panic(self, node, offset):
        """The source file that a panic there would name: that of the last core::panic::Location taken before."""
        file = ""
        for target, at in sorted(self.out(node), key=lambda edge: edge[1]):
            data = self.data.get(target, b"")
            if offset - 64 < at < offset and len(data) == 24 and len(self.edges[target]) == 1:
                text, start = self.edges[target][0][0], self.starts[target]
                name = self.data.get(text, b"")[start : start + int.from_bytes(data[8:16], sys.byteorder)]
                file = name.decode(errors="replace") if name.endswith(b".rs") else file
        return file or "??"

    def is_code(self, node):
        return not isinstance(node, str) and self.sections[node].startswith(".text")

    def reach(self, roots, stops=lambda name: False):
        """The nodes that can be reached, each with the one that it was reached from."""
        reached = dict.fromkeys(roots)
        queue = deque(reached)
        while queue:
            node = queue.popleft()
            for target, _ in self.out(node):
                name = self.name(target)
                if target not in reached and not FATAL.search(name) and not stops(name):
                    reached[target] = node
                    queue.append(target)
        return reached


def members(archive):
    """The objects in it (ar(5))."""
    data = archive.read_bytes()
    assert data.startswith(b"!<arch>\n"), f"{archive}: no archive"
    at = 8
    while at < len(data):
        size = int(data[at + 48 : at + 58])
        body = data[at + 60 : at + 60 + size]
        at += 60 + size + size % 2
        if body.startswith(b"\x7fELF"):
            yield body


def demangle(names):
    """Rust's names without their hashes."""
    names = sorted(names)
    output = subprocess.run(
        ["c++filt", "--format=rust"], input="\n".join(names), text=True, capture_output=True, check=True
    ).stdout
    plain = (re.sub(r"::h[0-9a-f]{16}\b|\[[0-9a-f]{8,16}\]", "", name) for name in output.split("\n"))
    return dict(zip(names, plain, strict=False))


def die(text):
    sys.exit(f"error: {text}")


def handlers(graph):
    """The nodes of the handlers that nginx calls for a request. Every handler must be known here."""
    declared = set()
    for file in sorted((ROOT / "src").glob("*.rs")):
        declared |= {f"{file.stem}::{name}" for name in re.findall(r'extern "C" fn (\w+)', file.read_text())}
    if unknown := declared - REQUEST - CONFIGURATION:
        die(f"say in {Path(__file__).name} when nginx calls {', '.join(sorted(unknown))}")
    if gone := (REQUEST | CONFIGURATION) - declared:
        die(f"not in src/: {', '.join(sorted(gone))}")
    roots = set()
    for handler in REQUEST:
        module, name = handler.split("::")
        pattern = re.compile(rf"^{CRATE}::{module}::(?:\w+::)*{name}$")
        found = {node for plain, nodes in graph.by_name.items() if pattern.search(plain) for node in nodes}
        if not found:
            die(f"the archive has no {handler}")
        roots |= found
    return roots


def kept_tables(graph):
    """Tables of functions that code which reads a configuration takes, and may leave in what it makes."""
    start = {node for name in ("ngx_modules", CRATE) for node in graph.by_name[name]}
    kept = set()
    for node in graph.reach(start):
        if isinstance(node, str) or graph.is_code(node) or TABLES.search(graph.name(node)):
            continue
        functions = [graph.name(target) for target, _ in graph.out(node) if graph.is_code(target)]
        # Where a switch jumps to, in the one function that has it.
        if graph.sections[node].startswith(".rodata") and len(set(functions)) == 1:
            continue
        if any(not PASSING.search(name) for name in functions):
            kept.add(node)
    return kept


class Module:
    """The linked module: where its functions are, and what was inlined where."""

    def __init__(self, path):
        self.path = path
        self.functions = defaultdict(set)
        with path.open("rb") as file:
            table = ELFFile(file).get_section_by_name(".symtab")
            if not table:
                die(f"{path} has no symbols")
            for symbol in table.iter_symbols():
                if symbol["st_info"]["type"] == "STT_FUNC":
                    self.functions[symbol.name].add((symbol["st_value"], symbol["st_size"]))

    def address(self, symbols, offset):
        """Of a place in a section of the archive."""
        functions = [symbol for symbol in symbols if symbol[1]]
        for name, _, start, size in functions:
            if len(functions) == 1 or start <= offset < start + size:
                for address, linked in self.functions[name]:
                    if linked == size:
                        return address + offset - start
        names = ", ".join(name for name, *_ in functions)
        die(f"{self.path.name} and the archive are of different builds: {names}")

    def traps(self):
        """Instructions that end the process, but those behind a call that does not return."""
        found = defaultdict(list)
        process = subprocess.Popen(
            ["objdump", "--disassemble", "--no-show-raw-insn", str(self.path)], stdout=subprocess.PIPE, text=True
        )
        name = before = ""
        for line in process.stdout:
            if match := re.match(r"([0-9a-f]+) <(.*)>:$", line):
                name, before = match[2], ""
            elif match := re.match(r" *([0-9a-f]+):\t(\S+)", line):
                if TRAPS.search(match[2]) and not before.startswith(("call", "bl")):
                    found[name].append(int(match[1], 16))
                before = match[2]
        if process.wait():
            die("objdump failed")
        return found

    def frames(self, addresses):
        """For each, the functions and files that stand there, the innermost first."""
        output = subprocess.run(
            ["addr2line", "--functions", "--inlines", "--addresses", f"--exe={self.path}"],
            input="\n".join(map(hex, addresses)),
            text=True,
            capture_output=True,
            check=True,
        ).stdout
        places = []
        for block in re.split(r"^0x[0-9a-f]+\n", output, flags=re.MULTILINE)[1:]:
            lines = block.splitlines()
            places.append(list(zip(lines[::2], lines[1::2], strict=True)))
        plain = demangle({function for place in places for function, _ in place})
        return [[(plain[function], file) for function, file in place] for place in places]


def crate_of(file, name):
    """Whose code a file is; without one, whose function."""
    if "/aws-lc/" in file:
        return "aws-lc"
    if match := re.search(r"/registry/src/[^/]+/(.+?)-\d+\.\d[^/]*/", file):
        return match[1]
    if not STANDARD_FILE.search(file):
        return "our own"
    mentioned = {name.replace("_", "-") for name in FOREIGN.findall(name)}
    for crate in CRATES:
        if crate.replace("_", "-") in mentioned:
            return "our own" if crate in (CRATE, "media-token") else crate
    return "aws-lc" if "::" not in name else "the standard library"


def standard(graph, node):
    """Whether a function is the standard library's; what has no name is a table of whoever refers to it."""
    name = graph.name(node)
    return not graph.is_code(node) or ("::" in name and not FOREIGN.search(name))


def dangerous_calls(graph, reached):
    """Functions of the standard library that may end the process: for want of memory only, or otherwise."""
    inner = {node for node in reached if not isinstance(node, str) and standard(graph, node)}
    callers = defaultdict(set)
    memory, other = set(), set()
    for node in inner:
        for target, _ in graph.out(node):
            callers[target].add(node)
            name = graph.name(target)
            if FATAL.search(name):
                (memory if MEMORY.search(name) else other).add(node)
    for found in (memory, other):
        queue = deque(found)
        while queue:
            for caller in callers[queue.popleft()] - found:
                found.add(caller)
                queue.append(caller)
    return inner, memory, other


def places_of_death(graph, linked, reached):
    """(function, address in the module, what ends the process, the file that it would name) for code not of the standard library."""
    inner, memory, other = dangerous_calls(graph, reached)
    traps = linked.traps()
    for node in reached:
        if isinstance(node, str) or not graph.is_code(node):
            continue
        for name, is_function, *_ in graph.symbols[node]:
            if is_function:
                yield from ((node, address, "a trap", "??") for address in traps.get(name, ()))
        if node in inner:
            continue
        for target, offset in graph.out(node):
            name = graph.name(target)
            if MEMORY.search(name) or (target in memory and target not in other):
                what = "memory"
            elif FATAL.search(name) or target in other:
                what = name if graph.is_code(target) or isinstance(target, str) else "a value's formatting"
            else:
                continue
            yield node, linked.address(graph.symbols[node], offset), what, graph.file_of_panic(node, offset)


def chain(graph, reached, node):
    steps = []
    while node is not None:
        steps.append(graph.name(node))
        node = reached[node]
    return " <- ".join(steps)


def main(module, archive):
    graph = Graph(archive)
    linked = Module(module)
    roots = handlers(graph)
    reached = graph.reach(roots | kept_tables(graph), TABLES.search)
    places = list(places_of_death(graph, linked, reached))
    used = defaultdict(int)
    bad = 0
    for (node, _, what, named), stack in zip(places, linked.frames([place[1] for place in places]), strict=True):
        function, file = next(
            (frame for frame in stack if not STANDARD_FILE.search(frame[1])), (graph.name(node), "??")
        )
        # Where code of several places has become one, there is no line, and a file that need not be the right one.
        if file.endswith(":?") and not STANDARD_FILE.search(named):
            file = named
        crate = crate_of(file, graph.name(node))
        if what == "memory" and crate == "our own":
            place = f"{file.rsplit(':', 1)[0]} {function}"
            rule = next((known for known in ALLOWED_HEAP if re.search(known, place)), "")
        elif what == "memory":
            rule = OUT_OF_MEMORY
        elif crate in ALLOWED_CRATES:
            rule = crate
        else:
            rule = next((call for call in ALLOWED_CALLS if crate == "our own" and re.search(call, what)), "")
        used[rule] += 1
        if not rule:
            bad += 1
            print(f"{function}, {file} ({crate}): {what}\n    {chain(graph, reached, node)}", file=sys.stderr)
    print(f"{len(reached)} functions and tables can be reached by requests; of the places that end the worker")
    allowed = ALLOWED_CRATES | ALLOWED_HEAP | ALLOWED_CALLS
    for rule in (OUT_OF_MEMORY, *allowed):
        reason = allowed.get(rule)
        print(f"  {used[rule]:5}  {f'{rule}: {reason}' if reason else rule}")
    stale = [rule for rule in allowed if not used[rule]]
    if stale:
        print(f"nothing needs to be allowed {', '.join(stale)}", file=sys.stderr)
    if bad or stale:
        die(f"{bad} places that are not allowed")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*map(Path, sys.argv[1:]))
