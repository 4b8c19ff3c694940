"""make test-docs: what the documentation says of itself and of nginx holds.

usage: check.py NGINX MODULE SOURCE     the server, the module, and nginx's source (for conf/mime.types and its like)

- Each link to a file or heading of the repository leads somewhere. Those to other sites are counted, and not followed.
- Each block marked `nginx` passes `nginx -t` without a warning: as it is where it has a `http` block, otherwise within
  the frame that its first directive needs. `localised` is all that is changed in it; keys and certificates that it
  names are made. A block of another language must not hold directives of the module.
- docs/directives.md has each directive of src/conf.rs, with syntax, default, context and an example. nginx takes the
  example in the contexts that are named, and in no other; and takes the default.
- docs/directives.md and docs/troubleshooting.md name the reasons of media-token, all of them and no others, and
  docs/troubleshooting.md each message: with which a configuration is refused or warned of, or in the log.
"""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from markdown_it import MarkdownIt
from mdit_py_plugins.anchors import anchors_plugin

ROOT = Path(__file__).resolve().parents[2]
DIRECTIVES = Path("docs/directives.md")
TROUBLESHOOTING = Path("docs/troubleshooting.md")
# The heading there below which they are explained.
MESSAGES = "Messages"
FIRST_PORT, PORTS = 24160, 20

# What is not ours, or was made from it.
NOT_OURS = {"build", "target", "node_modules", "venv"}

# Where a block stands that is no complete configuration, by its first directive; all others stand in a location.
FRAME_OF = {
    "main": {"load_module", "env", "user", "worker_processes", "events"},
    "http": {"geo", "limit_req_zone", "log_format", "map", "proxy_cache_path", "server", "split_clients", "upstream"},
    "server": {"error_page", "listen", "location", "rewrite", "server_name"},
}
GUARD = "crossdomain_media https://www.example.com;\ncrossdomain_media_key frame.key id=frame;"
SERVER = "listen 80; server_name media.example.org;"
FRAMES = {
    "main": "{block}\nevents {{}}\nhttp {{ }}",
    "http": "events {{}}\nhttp {{\n{guard}\n{block}\n}}",
    "server": "events {{}}\nhttp {{\n{guard}\nserver {{\n{server}\n{block}\n}} }}",
    "location": "events {{}}\nhttp {{\n{guard}\nserver {{\n{server}\nlocation /media/ {{\n{block}\n}} }} }}",
}

# All places where a directive might be allowed, with the names that nginx's documentation has for them. What is guarded
# needs a key.
KEY = "crossdomain_media_key frame.key;"
CONTEXTS = {
    "main": f"%s events {{}} http {{ {KEY} }}",
    "events": f"events {{ %s }} http {{ {KEY} }}",
    "http": f"events {{}} http {{ {KEY} %s }}",
    "server": f"events {{}} http {{ {KEY} server {{ listen 80; %s }} }}",
    "location": f"events {{}} http {{ {KEY} server {{ listen 80; location / {{ %s }} }} }}",
    "limit_except": f"events {{}} http {{ {KEY} server {{ listen 80; location / {{ limit_except GET {{ %s }} }} }} }}",
    "if in server": f"events {{}} http {{ {KEY} server {{ listen 80; if ($arg_a) {{ %s }} }} }}",
    "if in location": f"events {{}} http {{ {KEY} server {{ listen 80; location / {{ if ($arg_a) {{ %s }} }} }} }}",
    "upstream": f"events {{}} http {{ {KEY} upstream u {{ server 127.0.0.1; %s }} }}",
}

problems = []
counts = Counter()


def problem(place, text):
    problems.append(f"{place}: {text}")


# Markdown


class References(HTMLParser):
    """What the HTML within a document refers to."""

    def __init__(self, html):
        super().__init__()
        self.found = []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.found += [value for name, value in attributes if name in ("href", "src")]


@cache
def parsed(path):
    """GitHub's way of naming headings is the plugin's."""
    markdown = MarkdownIt("commonmark").enable("table").use(anchors_plugin, max_level=6)
    return markdown.parse((ROOT / path).read_text())


def documents():
    for folder, folders, files in os.walk(ROOT):
        folders[:] = sorted(name for name in folders if name not in NOT_OURS and not name.startswith("."))
        yield from (Path(folder, name).relative_to(ROOT) for name in sorted(files) if name.endswith(".md"))


def line_of(token):
    return token.map[0] + 1 if token.map else 0


def references(path):
    """Where each link and image leads, and the line of its paragraph."""
    for token in parsed(path):
        if token.type == "html_block":
            yield from ((found, line_of(token)) for found in References(token.content).found)
        for child in token.children or ():
            named = child.attrs.get("href") or child.attrs.get("src")
            if named is not None:
                yield named, line_of(token)
            if child.type == "html_inline":
                yield from ((found, line_of(token)) for found in References(child.content).found)


@cache
def anchors(path):
    return {token.attrs["id"] for token in parsed(path) if token.type == "heading_open"}


def text_of(inline):
    return "".join(child.content for child in inline.children if child.type in ("text", "code_inline"))


def sections(path):
    """The tokens below each heading up to the next one, with the heading's level and text."""
    tokens, title, level, begun = parsed(path), "", 0, 0
    for number, token in enumerate(tokens):
        if token.type == "heading_open":
            yield level, title, tokens[begun:number]
            level, title, begun = int(token.tag[1:]), text_of(tokens[number + 1]), number + 3
    yield level, title, tokens[begun:]


def section(path, wanted):
    """All below the heading `wanted`, with what is below its own headings."""
    found, inside = [], None
    for level, title, tokens in sections(path):
        if inside is not None and level <= inside:
            break
        if title == wanted:
            inside = level
        if inside is not None:
            found += tokens
    return found


def rows(tokens):
    """The cells of each row of the tables, as inline tokens."""
    row = None
    for token in tokens:
        if token.type == "tr_open":
            row = []
        elif token.type == "inline" and row is not None:
            row.append(token)
        elif token.type == "tr_close":
            yield row
            row = None


def codes(inline):
    return [child.content for child in inline.children if child.type == "code_inline"]


def check_links(path):
    for reference, line in references(path):
        url = urlsplit(reference)
        if url.scheme or url.netloc:
            counts["links to other sites, not followed"] += 1
            continue
        counts["links within the repository"] += 1
        target = (ROOT / path).parent / unquote(url.path) if url.path else ROOT / path
        place = f"{path}:{line}"
        if not target.exists():
            problem(place, f"{reference}: no such file")
        elif not target.resolve().is_relative_to(ROOT):
            problem(place, f"{reference}: outside the repository")
        elif url.fragment and (
            target.suffix != ".md" or url.fragment not in anchors(target.resolve().relative_to(ROOT))
        ):
            problem(place, f"{reference}: no such heading")


# nginx


@cache
def private_key(kind):
    return {
        "rsa": lambda: rsa.generate_private_key(65537, 2048),
        "ec": lambda: ec.generate_private_key(ec.SECP256R1()),
        "ed25519": ed25519.Ed25519PrivateKey.generate,
    }[kind]()


def public_pem(kind):
    encoding, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    return private_key(kind).public_key().public_bytes(encoding, form)


def jwks():
    """A set with one key."""
    numbers = private_key("ec").public_key().public_numbers()
    x, y = (base64.urlsafe_b64encode(number.to_bytes(32)).rstrip(b"=").decode() for number in (numbers.x, numbers.y))
    key = {"kty": "EC", "crv": "P-256", "kid": "docs", "alg": "ES256", "use": "sig", "x": x, "y": y}
    return json.dumps({"keys": [key]}).encode()


@cache
def certificate():
    """For each name that a block gives one to."""
    name, now = x509.Name([]), datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, private_key("ec").public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    signed = builder.sign(private_key("ec"), hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM)


def certificate_key():
    form = serialization.PrivateFormat.PKCS8
    return private_key("ec").private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def key_file(name, parameters):
    """What a file has to hold that is named as a key with these parameters."""
    values = dict(word.partition("=")[::2] for word in parameters)
    if values.get("format") == "cloudfront":
        return public_pem("rsa")
    if name.endswith(".json"):
        return jwks()
    if name.endswith(".pem"):
        return public_pem({"ES256": "ec", "EdDSA": "ed25519", "Ed25519": "ed25519"}.get(values.get("alg"), "rsa"))
    secret = bytes(range(64))[: 32 if "derived" in values else 64]
    return {
        "hex": secret.hex().encode(),
        "base64": base64.b64encode(secret),
        "base64url": base64.urlsafe_b64encode(secret),
    }.get(values.get("encoding"), f"of {name}: {secret.hex()[:64]}\n".encode())


def named_files(conf, source):
    """The files that a configuration names and nginx reads."""
    conf = re.sub(r"#.*", "", conf)
    for name, parameters in re.findall(r"\bcrossdomain_media_key\s+([^\s;]+)([^;]*);", conf):
        yield name, key_file(name, parameters.split())
    for name in re.findall(r"\bcrossdomain_media_revoked\s+([^\s;]+);", conf):
        yield name, b""
    for name in re.findall(r"\bssl_certificate_key\s+([^\s;]+);", conf):
        yield name, certificate_key()
    for name in re.findall(r"\b(?:\w+_)?ssl(?:_client|_trusted)?_certificate\s+([^\s;]+);", conf):
        yield name, certificate()
    for name in re.findall(r"^\s*include\s+([^\s;*]+);", conf, re.M):
        yield name, (source / "conf" / Path(name).name).read_bytes()


def localised(conf, module):
    """All that is changed of a block before nginx reads it: the module's file, folders of a system, and ports."""
    conf = re.sub(
        r"^load_module\s+\S*ngx_http_crossdomain_media_module\.so;", f"load_module {module};", conf, flags=re.M
    )
    conf = re.sub(r"/(?:etc|var/cache|var/log)/nginx\b/?", "./", conf)
    ports = {}

    def listen(found):
        port = ports.setdefault(found[2], FIRST_PORT + len(ports))
        assert port < FIRST_PORT + PORTS, "more ports than this test has"
        return f"{found[1]}127.0.0.1:{port}"

    return re.sub(r"(\blisten\s+)([^\s;]+)", listen, conf)


class Nginx:
    def __init__(self, binary, module, source, folder):
        self.binary, self.module, self.source, self.folder = binary, module, source, folder

    def test(self, conf):
        """What `nginx -t` says against a configuration; nothing if it takes it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder / "logs").mkdir(parents=True)
        conf = localised(conf, self.module)
        for name, content in named_files(conf, self.source):
            file = self.folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
            file.chmod(0o600)
        (self.folder / "nginx.conf").write_text(conf)
        own = "" if re.search(r"^\s*pid\s", conf, re.M) else "pid nginx.pid;"
        command = [self.binary, "-t", "-p", self.folder, "-c", "nginx.conf", "-e", "error.log", "-g", own]
        tested = subprocess.run(command, capture_output=True, text=True)
        said = [line for line in tested.stderr.splitlines() if re.search(r"\[(?:warn|error|crit|alert|emerg)\]", line)]
        assert said or tested.returncode == 0, tested.stderr
        return "; ".join(said)


def first_directive(block):
    return re.sub(r"#.*", "", block).split(None, 1)[0].rstrip(";")


def framed(block):
    name = first_directive(block)
    frame = next((frame for frame, names in FRAME_OF.items() if name in names), "location")
    # In the main context the module is what the block is about.
    load = "" if frame == "main" else "load_module ngx_http_crossdomain_media_module.so;\n"
    return frame, load + FRAMES[frame].format(block=block, guard=GUARD, server=SERVER)


def check_blocks(path, nginx):
    for token in parsed(path):
        if token.type not in ("fence", "code_block"):
            continue
        place, block = f"{path}:{line_of(token)}", token.content
        if token.info.split()[:1] != ["nginx"]:
            # What the tool prints is compared by its own tests.
            is_output = path.name == "cli.md" and token.info == "text"
            if not is_output and re.search(r"^\s*crossdomain_media\w*\s[^\n]*;", block, re.M):
                problem(place, "directives in a block that is not marked as nginx")
            continue
        if re.search(r"^http\s*\{", block, re.M):
            counts["complete configurations"] += 1
            said = nginx.test(block)
        else:
            frame, conf = framed(block)
            counts[f"fragments, in {frame}"] += 1
            said = nginx.test(conf)
        if said:
            problem(place, said)


# The reference


def source(path):
    """Without comments and tests."""
    text = (ROOT / path).read_text().partition("#[cfg(test)]")[0]
    return re.sub(r"^\s*//.*\n", "", text, flags=re.M)


def table_of_directives():
    return re.findall(r'ngx_string!\("(crossdomain_media\w*)"\)', source("src/conf.rs"))


def check_directive(name, nginx):
    tokens = section(DIRECTIVES, name)
    place = f"{DIRECTIVES}: {name}"
    if not tokens:
        problem(place, "no section")
        return
    cells = {text_of(row[0]): row[1] for row in rows(tokens) if len(row) == 2}
    for row in ("Syntax", "Default", "Context"):
        if row not in cells:
            problem(place, f"no {row}")
            return
    if not any(re.fullmatch(rf"{name}(?: .+)?;", code, re.S) for code in codes(cells["Syntax"])):
        problem(place, "the syntax is another directive's")
    blocks = "\n".join(token.content for token in tokens if token.type == "fence" and token.info.startswith("nginx"))
    examples = re.findall(rf"^\s*({name}(?:\s[^;{{]*)?;)", blocks, re.M)
    if not examples:
        problem(place, "no example")
        return
    # What comes behind a semicolon is about parts of the directive.
    named, _, _ = cells["Context"].content.partition(";")
    contexts = set(re.findall(r"`([^`]+)`", named))
    for unknown in contexts - CONTEXTS.keys():
        problem(place, f"{unknown}: not a context that this test knows")
    counts["directives"] += 1
    load = f"load_module {nginx.module};\n"
    for context, frame in CONTEXTS.items():
        counts["directives in contexts"] += 1
        said = [nginx.test(load + frame % f"\n{example}\n") for example in examples]
        if context in contexts and all(said):
            problem(place, f"not taken in {context}: {said[0]}")
        if context not in contexts and not all("directive is not allowed here" in line for line in said):
            problem(place, f"taken in {context}, which is not named")
    for code in codes(cells["Default"]):
        context = next((context for context in ("location", "server", "http") if context in contexts), "main")
        said = nginx.test(load + CONTEXTS[context] % f"\n{code}\n") if code.endswith(";") else "no directive"
        if said:
            problem(place, f"default: {said}")


def check_directives(nginx):
    known = table_of_directives()
    counts["names in the directive table"] = len(known)
    for name in known:
        check_directive(name, nginx)
    for _, title, _ in sections(DIRECTIVES):
        if title.startswith("crossdomain_media") and title not in known:
            problem(f"{DIRECTIVES}: {title}", "no directive of src/conf.rs")


def compare(place, what, written, real):
    for name in sorted(set(real) - set(written)):
        problem(place, f"{what} {name} is missing")
    for name in sorted(set(written) - set(real)):
        problem(place, f"{what} {name} is not in the code")
    for name, times in Counter(written).items():
        if times > 1:
            problem(place, f"{what} {name} is there {times} times")


def check_reasons():
    _, _, reasons = source("media-token/src/decision.rs").partition("impl Reason")
    reasons = re.findall(r'Self::\w+ => "(\w+)"', reasons.partition("impl Status")[0])
    counts["reasons"] = len(reasons)
    headings = [
        title for level, title, _ in sections(TROUBLESHOOTING) if level == 3 and re.fullmatch(r"[a-z_]+", title)
    ]
    compare(TROUBLESHOOTING, "the reason", headings, reasons)
    table = [codes(row[0])[0] for row in rows(section(DIRECTIVES, "Reasons")) if codes(row[0])]
    compare(DIRECTIVES, "the reason", table, reasons)


# In a Rust string, what is filled in later.
PLACEHOLDER = r"\{[^{}]*\}"


def literals(text):
    """The strings of Rust source, as a reader sees them."""
    for found in re.findall(r'"((?:[^"\\]|\\.)*)"', text, re.S):
        yield re.sub(r"\\(\s+|.)", lambda escape: "" if escape[1].isspace() else escape[1], found)


def messages():
    """Each text that refuses a configuration or warns of it, of error types and setters, and each of the log."""
    for path in sorted((ROOT / "media-token/src").rglob("*.rs")):
        for attribute in re.findall(r"#\[error\((.*?)\)\]\s", source(path), re.S):
            yield next(literals(attribute))
    texts = [source("src/conf.rs")]
    for path in sorted((ROOT / "src").glob("*.rs")):
        texts += re.findall(r"ngx_log_error!\((.*?)\n\s*\);", source(path), re.S)
    for text in literals("\n".join(texts)):
        if len(re.sub(PLACEHOLDER, "", text).split()) >= 3:
            yield re.sub(r"^crossdomain_media\w*: ", "", text)


def check_messages():
    """The codes in the tables below one heading; three dots stand for anything, and the directive is left out."""
    place = f"{TROUBLESHOOTING}: {MESSAGES}"
    real = {text for text in messages() if re.search(r"\w", re.sub(PLACEHOLDER, "", text))}
    counts["messages"] = len(real)
    written = [code for row in rows(section(TROUBLESHOOTING, MESSAGES)) for code in codes(row[0])]
    said = set()
    for code in written:
        pattern = re.compile(".*".join(map(re.escape, code.split("..."))))
        found = {text for text in real if pattern.fullmatch(re.sub(PLACEHOLDER, "...", text))}
        if not found:
            problem(place, f"nothing says {code}")
        said |= found
    for text in sorted(real - said):
        problem(place, f"not explained: {text}")


def main(binary, module, nginx_source):
    with tempfile.TemporaryDirectory() as folder:
        nginx = Nginx(binary.resolve(), module.resolve(), nginx_source.resolve(), Path(folder, "nginx"))
        for path in documents():
            counts["documents"] += 1
            check_links(path)
            check_blocks(path, nginx)
        check_directives(nginx)
    check_reasons()
    check_messages()
    for what, number in counts.items():
        print(f"{number:6}  {what}")
    for text in problems:
        print(text, file=sys.stderr)
    expected = ("documents", "links within the repository", "complete configurations", "directives", "reasons")
    empty = [what for what in expected if not counts[what]]
    if empty or problems:
        sys.exit(f"error: {len(problems)} problems" + "".join(f"; no {what} found" for what in empty))


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*map(Path, sys.argv[1:]))
