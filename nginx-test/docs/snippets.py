"""make test-docs: docs/getting-started does what it says. Each page is followed from its first line to its last, in a
folder of its own, against the real nginx and module:

- A block behind a line that ends in "`NAME`:" is written to that file.
- A block `sh` is run. Each of its commands has to succeed.
- A block `console` has commands behind `$ `; each has to print what stands below it, where `...` is anything.
- The table behind which a comment `mistakes` stands has three columns: mistake, answer and reason. Line for line the
  comment makes these mistakes, each in a fresh copy of the folder, and sets `url`, which has to be answered with that
  status for that reason. Where "`nginx -t` fails", it has to say what stands in the third column.

A block of another kind is an error: nothing is passed over. The commands of README.md are the beginning of each page.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
MODULE = "ngx_http_crossdomain_media_module.so"
PAGES = ROOT / "docs" / "getting-started"

# What is other here than in the pages, in files, commands and outputs: nginx's port, and the application's.
PORTS = {"8080": "24140", "8081": "24141"}

# For a command, or a server to come up: other tests may have the machine for themselves for some minutes.
SECONDS = 300


class Untrue(Exception):
    """A page says what is not so."""


def expect(holds, what):
    if not holds:
        raise Untrue(what)


@dataclass
class Step:
    """What one block of a page asks for."""

    line: int
    kind: str
    text: str
    rows: list[tuple[str, str]] = field(default_factory=list)


def substituted(text):
    return re.sub(rf"\b({'|'.join(PORTS)})\b", lambda found: PORTS[found[0]], text)


def steps(page):
    """The blocks of a page in order."""
    lines = iter(enumerate(substituted(page.read_text()).splitlines(), 1))
    before, table, found = "", [], []
    for number, line in lines:
        if line.startswith("```"):
            language = line.removeprefix("```")
            named = re.search(r"`([\w.-]+)`:$", before)
            if language not in ("sh", "console"):
                expect(named, f"{page.name}:{number}: a block that is neither a file nor commands")
                language = named[1]
            found.append(Step(number, language, until("```", lines)))
        elif line == "<!-- mistakes":
            # Below the heading and its line.
            rows = [tuple(cell.replace("`", "").strip() for cell in row.split("|")[2:4]) for row in table[2:]]
            found.append(Step(number, "mistakes", until("-->", lines), rows))
        else:
            expect(not line.lstrip().startswith("```"), f"{page.name}:{number}: an indented block")
            if line.startswith("|"):
                table = [*table, line] if before.startswith("|") else [line]
            before = line or before
    return found


def until(end, lines):
    text = []
    for _, line in lines:
        if line == end:
            return "\n".join(text) + "\n"
        text.append(line)
    raise Untrue(f"no {end} at the end")


def commands(block):
    """The commands of a `console` block, each with the lines that it prints."""
    found = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            expect(found, f"no command before: {line}")
            found[-1][1].append(line)
    return found


class Shell:
    """One bash for a whole page: its functions, variables and jobs live on from block to block."""

    def __init__(self, folder):
        self.script = folder / "command"
        environment = {
            "PATH": f"{BUILD / 'venv' / 'bin'}:{BUILD / 'node'}:{os.environ['PATH']}",
            "HOME": str(folder),
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self.process = subprocess.Popen(
            ["bash", "--norc"],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self.lines = Queue()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def run(self, text):
        """What it prints, and its status."""
        self.script.write_text(text)
        mark = f"\t{time.monotonic_ns()} "
        self.process.stdin.write(f". '{self.script}' </dev/null; printf '\\n{mark}%d\\n' $?\n")
        self.process.stdin.flush()
        output = ""
        while True:
            try:
                line = self.lines.get(timeout=SECONDS)
            except Empty:
                raise Untrue(f"no end after {SECONDS} s: {text}\n{output}") from None
            expect(line is not None, f"the shell has ended: {text}\n{output}")
            if line.startswith(mark):
                return output.removesuffix("\n"), int(line.removeprefix(mark))
            output += line

    def succeed(self, text):
        output, status = self.run(text)
        expect(status == 0, f"status {status}: {text}\n{output}")
        return output

    def end(self):
        """It, and what it has started in the background."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", int(port)), timeout=10).close()
    except OSError:
        return False
    return True


def await_port(port, open_, what):
    deadline = time.monotonic() + SECONDS
    while listens(port) != open_:
        expect(time.monotonic() < deadline, f"port {port}: {what}")
        time.sleep(0.05)


def same(expected, printed):
    pattern = re.escape(expected).replace(re.escape("..."), ".*")
    return re.fullmatch(pattern, printed) is not None


class Reader:
    """Does what a page says, and remembers what came of it."""

    def __init__(self, folder):
        self.folder = folder
        self.shell = Shell(folder)
        self.printed = []

    def follow(self, page):
        for step in steps(page):
            try:
                self.take(step)
            except Untrue as untrue:
                raise Untrue(f"{page.name}:{step.line}: {untrue}{self.log()}") from None

    def take(self, step):
        if step.kind == "sh":
            self.commands(step.text)
        elif step.kind == "console":
            for command, expected in commands(step.text):
                self.compare(command, expected)
        elif step.kind == "mistakes":
            self.mistakes(step)
        else:
            file = self.here() / step.kind
            expect(not file.exists(), f"{step.kind}: a second file of that name")
            file.write_text(step.text)

    def here(self):
        return Path(self.shell.succeed("pwd").strip())

    def commands(self, text):
        self.shell.succeed(f"set -e\n{text}\nset +e")
        # A reader who has started a server is not faster than it.
        if text.rstrip().endswith("&"):
            await_port(PORTS["8081"], True, "the application does not listen")

    def compare(self, command, expected):
        output, _ = self.shell.run(command + "\n")
        printed = [line.rstrip() for line in output.splitlines()]
        as_expected = len(printed) == len(expected) and all(map(same, expected, printed))
        expect(as_expected, "\n".join([command, "expected:", *expected, "printed:", *printed]))
        self.printed += printed

    def mistakes(self, step):
        done = step.text.splitlines()
        expect(len(done) == len(step.rows) == 3, f"{len(step.rows)} mistakes in the table, {len(done)} in the comment")
        folder = self.here()
        for number, (command, (answer, reason)) in enumerate(zip(done, step.rows, strict=True)):
            copy = folder.with_name(f"mistake-{number}")
            shutil.copytree(folder, copy, symlinks=True, ignore=shutil.ignore_patterns("*.log", "*.pid"))
            self.shell.succeed(f"cd '{copy}' && unset url && {command}")
            if answer == "nginx -t fails":
                output, status = self.shell.run("nginx -t -p . -c nginx.conf\n")
                expect(status != 0 and reason in output, f"{command}\nexpected: {reason}\nprinted: {output}")
                continue
            self.shell.succeed("nginx -p . -c nginx.conf")
            self.compare('ask "$url" | cut -d " " -f 1', [answer])
            self.compare("why", [f"crossdomain_media: ..., reason: {reason}, ..."])
            self.shell.succeed("nginx -p . -c nginx.conf -s stop")
            await_port(PORTS["8080"], False, "nginx does not stop")
        self.shell.succeed(f"cd '{folder}'")

    def log(self):
        """The end of what servers have logged."""
        text = ""
        for log in sorted(self.folder.glob("build/*/*.log")):
            lines = log.read_text(errors="replace").splitlines()
            lines = [line for line in lines if "[notice]" not in line and "keepalive" not in line]
            text += "\n".join(["", f"{log.parent.name}/{log.name}:", *lines[-12:]])
        return text

    def end(self):
        self.shell.end()
        for file in self.folder.glob("build/*/nginx.pid"):
            with contextlib.suppress(ProcessLookupError, ValueError):
                os.kill(int(file.read_text()), signal.SIGTERM)
        for port in PORTS.values():
            await_port(port, False, "what the page has started does not end")


@pytest.fixture
def reader(tmp_path):
    """In a folder that has `build` as the repository has it."""
    for port in PORTS.values():
        assert not listens(port), f"port {port} is in use"
    build = tmp_path / "build"
    build.mkdir()
    (build / MODULE).symlink_to(BUILD / MODULE)
    # Root's worker would otherwise be `nobody`, who may not read this folder.
    user = "-g 'user root root;'" if os.geteuid() == 0 else ""
    (build / "nginx").write_text(f"#!/bin/sh\nexec '{BUILD / 'nginx'}' {user} \"$@\"\n")
    (build / "nginx").chmod(0o755)
    # npm looks for packages in each folder above.
    (tmp_path / "node_modules").symlink_to(BUILD / "node" / "node_modules")
    reader = Reader(tmp_path)
    yield reader
    reader.end()


def follow(reader, page):
    """None, or what is not so."""
    try:
        reader.follow(PAGES / "README.md")
        reader.follow(page)
        for port in PORTS.values():
            await_port(port, False, f"{page.name} does not stop what it has started")
    except Untrue as untrue:
        return str(untrue)
    return None


STACKS = sorted(page for page in PAGES.glob("*.md") if page.name != "README.md")


@pytest.mark.parametrize("page", [pytest.param(page, id=page.stem) for page in STACKS])
def test_the_page_does_what_it_says(page, reader):
    wrong = follow(reader, page)
    if wrong:
        pytest.fail(wrong, pytrace=False)
    # And says what it has to: a token that grants, none, one that has expired, and a forged one.
    printed = "\n".join(reader.printed)
    for said in (r"^200$", r"^302 http://www\.localhost", r"reason: token_expired", r"^403$", r"reason: bad_signature"):
        assert re.search(said, printed, re.MULTILINE), f"{page.name} does not show {said}"


BREAKS = {
    "the code of a file": ("openssl dgst -sha256 -hmac", "openssl dgst -sha512 -hmac", "expected:\n200\n"),
    "a configuration": ("public_key.pem format=cloudfront", "jwt.key format=cloudfront", "crossdomain_media_key"),
    "a command": ("openssl pkey -in private_key.pem", "openssl pkey -in key.pem", "No such file"),
    "an output": ("For Alice.\n```\n\nWhat", "For Bob.\n```\n\nWhat", "printed:\nFor Alice."),
    "a number of outputs": ("200\n200\n200\n", "200\n200\n", "printed:\n200\n200\n200"),
    "the reason of a mistake": ("| `wrong_path` |", "| `unsafe_path` |", "reason: wrong_path"),
    "the status of a mistake": ("| `403` | `wrong_path` |", "| `302` | `wrong_path` |", "printed:\n403"),
    "a mistake that is none": ("s/&Hash-Algorithm", "s/&Hash_Algorithm", "printed:\n200"),
    "a block of no kind": ("`cloudfront.sh`:", "`cloudfront.sh`.", "neither a file nor commands"),
}


@pytest.mark.parametrize("broken", BREAKS)
def test_a_broken_page_is_noticed(broken, reader, tmp_path):
    old, new, said = BREAKS[broken]
    text = (PAGES / "shell.md").read_text()
    assert text.count(old) == 1, old
    page = tmp_path / "shell.md"
    page.write_text(text.replace(old, new))
    wrong = follow(reader, page)
    assert wrong is not None, "it is not"
    assert said in wrong


def test_the_index_lists_each_page():
    listed = re.findall(r"^- \[.+?\]\((.+?)\)", (PAGES / "README.md").read_text(), re.MULTILINE)
    assert sorted(listed) == [page.name for page in STACKS]


def test_the_packages_are_those_that_are_tested():
    """What a page has its reader install is what make test-docs has installed."""
    requirements = (ROOT / "nginx-test" / "requirements.txt").read_text()
    known = {
        "pip": {line.partition("==")[0].lower() for line in requirements.splitlines() if "==" in line},
        "npm": set(json.loads((ROOT / "nginx-test" / "node" / "package.json").read_text())["dependencies"]),
    }
    named = [
        (tool, package)
        for page in STACKS
        for tool, packages in re.findall(r"`(pip|npm) install ([^`]+)`", page.read_text())
        for package in packages.split()
    ]
    assert {tool for tool, _ in named} == set(known)
    for tool, package in named:
        assert package.lower() in known[tool], f"{tool} install {package}"
