"""make test-docs: nginx does with the configurations of docs/migration.md what the page says of them.

The blocks are those of the page, by section and order, behind `localised`. A claim is a function that lets the real
nginx answer requests and compares; CLAIMS has them by section. BREAKS has changes to the page, each of which has to
make its claim untrue: by another answer, named by the words that `same` was called with.
"""

import base64
import contextlib
import hashlib
import http.client
import os
import re
import signal
import socket
import ssl
import subprocess
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import check
import jwt
import pytest
from botocore.signers import CloudFrontSigner
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from django.core.signing import BadSignature, TimestampSigner, b62_encode

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
MODULE = BUILD / "ngx_http_crossdomain_media_module.so"
PAGE = ROOT / "docs" / "migration.md"
PORT, APPLICATION_PORT = 25200, 25201

# For a server to come up, or a program to end: other tests may have the machine for themselves for some minutes.
SECONDS = 300

# How long what is signed lives: no test takes that long, even where it is held up.
LIFE = 86400

HOST = f"media.example.org:{PORT}"
SITE = f"https://{HOST}"
HOME = "https://www.example.com"
FILES = {"media/a.txt": b"the file a", "media/b c.txt": b"the file b c", "a.txt": b"the file of the root"}

# The languages of the blocks of each section.
BLOCKS = {
    "On a live site": ["nginx", "sh"],
    "From secure_link": ["nginx", "nginx", "php"],
    "From auth_request": ["nginx", "nginx", "nginx"],
    "From X-Accel-Redirect": ["nginx", "nginx", "nginx"],
    "From CloudFront": ["nginx"],
}

FRAME = """load_module {module};
pid nginx.pid;
error_log error.log notice;
events {{}}
http {{
access_log off;
client_body_temp_path tmp;
proxy_temp_path tmp;
fastcgi_temp_path tmp;
uwsgi_temp_path tmp;
scgi_temp_path tmp;
default_type text/plain;
add_header X-Status $crossdomain_media_status always;
add_header X-Reason $crossdomain_media_reason always;
{block}
}}
"""
# What a block stands in that is only a location.
SERVER = """server {{
listen 443 ssl;
server_name media.example.org;
ssl_certificate media.crt;
ssl_certificate_key media.key;
{block}
}}
"""


class Untrue(Exception):
    """The page says what is not so."""


def same(what, found, expected):
    if found != expected:
        raise Untrue(f"{what}: {found!r}, and not {expected!r}")


# The page


class Page:
    """Blocks and inline code by section."""

    def __init__(self, path):
        self.blocks, self.codes = {}, {}
        for _, title, tokens in check.sections(path):
            self.blocks[title] = [(token.info, token.content) for token in tokens if token.type == "fence"]
            self.codes[title] = [code for token in tokens if token.type == "inline" for code in check.codes(token)]

    def block(self, section, language, number=0):
        found = [text for info, text in self.blocks.get(section, ()) if info == language]
        if number >= len(found):
            raise Untrue(f"{section}: no block {number} of {language}")
        return found[number]

    def code(self, section, pattern):
        """The only inline code that this is the form of."""
        found = {code for code in self.codes.get(section, ()) if re.fullmatch(pattern, code, re.S)}
        same(f"{section}: inline code {pattern}", len(found), 1)
        return found.pop()


def location(block, name="location /media/"):
    """The lines within a location."""
    found = re.search(rf"^( *){re.escape(name)} \{{\n(.*?)^\1\}}\n", block, re.M | re.S)
    if found is None:
        raise Untrue(f"no {name} in:\n{block}")
    return found[2]


def extended(block, lines, name="location /media/"):
    """With these lines at the end of a location."""
    inside = location(block, name)
    same(f"{name} is there once", block.count(inside), 1)
    return block.replace(inside, f"{inside}{lines}\n")


def without(block, pattern):
    """Without the only line that this is the form of."""
    changed, number = re.subn(rf"^ *{pattern}\n", "", block, flags=re.M)
    same(f"lines {pattern}", number, 1)
    return changed


# The servers


@dataclass
class Asked:
    """A request that the application has seen."""

    target: str
    headers: dict


class Application(ThreadingHTTPServer):
    """The upstream of the page. What it answers, a claim says; it remembers what it was asked."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self):
        super().__init__(("127.0.0.1", APPLICATION_PORT), Handler)
        self.asked = []
        self.answer = lambda _: (500, {})


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        asked = Asked(self.path, {name.lower(): value for name, value in self.headers.items()})
        self.server.asked.append(asked)
        status, headers = self.server.answer(asked)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@dataclass
class Answer:
    status: int
    headers: dict = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def place(self):
        return self.headers.get("location")

    @property
    def verdict(self):
        """Status and reason of the decision; empty where there was none."""
        return f"{self.headers.get('x-status', '')} {self.headers.get('x-reason', '')}".strip()


class Site:
    """nginx with a configuration, the folder that it runs in, and the application behind it."""

    def __init__(self, folder, application):
        self.folder, self.application, self.process = folder, application, None
        (folder / "logs").mkdir()
        for name, content in FILES.items():
            file = folder / "srv" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)

    def localised(self, block):
        """All that is changed of a block: ports, and the folder of the files."""
        block = block if re.search(r"^server \{", block, re.M) else SERVER.format(block=block)
        for old, new in (
            (r"\blisten(\s+)443\b", rf"listen\g<1>127.0.0.1:{PORT}"),
            (r"\b127\.0\.0\.1:8000\b", f"127.0.0.1:{APPLICATION_PORT}"),
            (r"(\s)/srv\b", rf"\g<1>{self.folder / 'srv'}"),
        ):
            block = re.sub(old, new, block)
        return FRAME.format(module=MODULE.resolve(), block=block)

    def configure(self, block, after=""):
        """Writes the files; `after` is another's block, with the files that it names."""
        conf = self.localised(block)
        for name, content in check.named_files(conf + after, BUILD / "nginx-source"):
            (self.folder / name).write_bytes(content)
            (self.folder / name).chmod(0o600)
        (self.folder / "nginx.conf").write_text(conf)

    def serve(self, block):
        """From here on, this configuration; a new server."""
        self.end()
        self.application.asked.clear()
        assert not self.accepts(), f"port {PORT} is in use"
        self.configure(block)
        # Root's worker would otherwise be `nobody`, who may not read this folder.
        user = "user root root; " if os.geteuid() == 0 else ""
        command = [BUILD / "nginx", "-p", self.folder, "-c", "nginx.conf", "-e", "error.log"]
        self.process = subprocess.Popen(
            [*command, "-g", f"{user}daemon off;"], stderr=subprocess.PIPE, text=True, errors="replace"
        )
        self.await_("nginx does not listen", self.listens)

    def listens(self):
        if self.process.poll() is not None:
            raise Untrue(f"nginx does not start: {self.process.stderr.read()}")
        return self.accepts()

    @staticmethod
    def accepts():
        try:
            socket.create_connection(("127.0.0.1", PORT), timeout=SECONDS).close()
        except ConnectionRefusedError:
            return False
        return True

    def reload(self, block):
        """As `nginx -s reload`: the old workers have ended when this returns."""

        def ended():
            return len(re.findall(r"worker process \d+ exited", (self.folder / "error.log").read_text()))

        before = ended()
        self.configure(block)
        self.process.send_signal(signal.SIGHUP)
        self.await_("nginx does not reload", lambda: ended() > before)

    def await_(self, what, holds):
        deadline = time.monotonic() + SECONDS
        while not holds():
            if time.monotonic() > deadline:
                raise Untrue(f"{what}: {(self.folder / 'error.log').read_text()[-2000:]}")
            time.sleep(0.02)

    def get(self, target, **headers):
        """What a viewer is answered."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection("127.0.0.1", PORT, timeout=SECONDS, context=context)
        with contextlib.closing(connection):
            connection.request("GET", target, headers={"Host": HOST, "Connection": "close", **headers})
            response = connection.getresponse()
            headers = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, headers, response.read())

    def run(self, *command, **options):
        """What a program prints in the folder; its home has what the self-signed certificate asks of curl."""
        (self.folder / ".curlrc").write_text("insecure\nsilent\n")
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "LC_ALL": "C.UTF-8"}
        ran = subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=SECONDS, **options
        )
        if ran.returncode != 0:
            raise Untrue(f"status {ran.returncode}: {command}: {ran.stdout}{ran.stderr}")
        return ran.stdout

    def secret(self, name):
        """The key as both sides know it."""
        return (self.folder / name).read_text().removesuffix("\n")

    def end(self):
        if self.process is not None:
            self.process.terminate()
            self.process.communicate(timeout=SECONDS)
            self.process = None


@pytest.fixture
def site(tmp_path):
    application = Application()
    thread = threading.Thread(target=application.serve_forever, args=(0.05,))
    thread.start()
    site = Site(tmp_path, application)
    try:
        yield site
    finally:
        site.end()
        application.shutdown()
        thread.join()
        application.server_close()


# What applications sign. The keys are made by `named_files`.


def forged(url):
    """With another last character but one: not all bits of the last one count."""
    return url[:-2] + ("A" if url[-2] != "A" else "B") + url[-1]


def in_time(seconds, ask):
    """What that comes to in less than this: the machine may have other things to do for some minutes."""
    while True:
        begun = time.monotonic()
        found = ask()
        if time.monotonic() - begun < seconds:
            return found


def django_url(site, path, age=-LIFE):
    """As django-crossdomainmedia signs it. Dated ahead, which neither side minds, it outlasts a break of the test."""
    signer = django_signer(site)
    signer.timestamp = lambda: b62_encode(int(time.time()) - age)
    return f"{path}?token={signer.sign(path).removeprefix(path + ':')}"


def django_signer(site):
    return TimestampSigner(key=site.secret("secret_key"), fallback_keys=())


def jwt_url(site, path, life=LIFE, **claims):
    claims = {"path": path, "exp": int(time.time()) + life, **claims}
    return f"{path}?token={jwt.encode(claims, site.secret('jwt.key'), 'HS256')}"


def unpadded(digest):
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def md5_url(path, life=LIFE, between=""):
    """As nginx documents it for secure_link_md5 "$secure_link_expires$uri a-secret"."""
    expires = int(time.time()) + life
    md5 = unpadded(hashlib.md5(f"{expires}{path}{between} a-secret".encode()).digest())
    return f"{path}?md5={md5}&expires={expires}"


def private_pem():
    form = serialization.PrivateFormat.PKCS8
    pem = check.private_key("rsa").private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    return pem.decode()


def cloudfront_url(url, key_id, life=LIFE, policy=None):
    """The request target of a URL that botocore has signed."""
    private = check.private_key("rsa")
    signer = CloudFrontSigner(key_id, lambda text: private.sign(text, padding.PKCS1v15(), hashes.SHA1()))
    end = datetime.now(UTC) + timedelta(seconds=life)
    if policy is not None:
        signed = signer.generate_presigned_url(url, policy=signer.build_policy(policy, end))
    else:
        signed = signer.generate_presigned_url(url, date_less_than=end)
    return signed.removeprefix(SITE)


# The claims, by section


def dry_run_decides_and_serves(page, site):
    block = page.block("On a live site", "nginx")
    site.serve(block)
    path = "/media/a.txt"
    urls = {
        "granted valid": [django_url(site, path)] * 3,
        "missing no_token": [path] * 4,
        "expired token_expired": [django_url(site, path, age=3600)] * 2,
        "invalid bad_signature": [forged(django_url(site, path))],
    }
    for verdict, targets in urls.items():
        for target in targets:
            answer = site.get(target)
            same(f"{verdict} in a dry run", (answer.status, answer.body), (200, FILES["media/a.txt"]))
    number = sum(map(len, urls.values()))
    file = site.folder / "logs" / "media.log"
    # A line is written when the viewer may have read the response already.
    site.await_("lines of the log", lambda: file.read_text().count("\n") == number)
    log = file.read_text().splitlines()
    form = r'\S+T\S+ "GET (\S+) HTTP/1\.1" (\d+) (\w+ \w+)'
    found = [re.fullmatch(form, line) for line in log]
    same("the log's lines", all(found), True)
    same("the log's verdicts", [line[3] for line in found], [verdict for verdict in urls for _ in urls[verdict]])
    same("the log's statuses", {line[2] for line in found}, {"200"})
    tokens = [target.partition("=")[2] for targets in urls.values() for target in targets if "=" in target]
    same("a token in the log", [line for line in log if any(token in line for token in tokens)], [])
    counted = site.run("sh", "-c", page.block("On a live site", "sh")).splitlines()
    expected = sorted(f"{len(targets)} {verdict}" for verdict, targets in urls.items())
    same("what awk counts", [line.strip() for line in counted], expected)


def one_line_and_a_reload(page, site):
    block = page.block("On a live site", "nginx")
    site.serve(block)
    same("in a dry run", site.get("/media/a.txt").status, 200)
    site.reload(without(block, r"crossdomain_media_dry_run on;"))
    answer = site.get("/media/a.txt")
    same("without the dry run", (answer.status, answer.place), (302, f"{HOME}/media/a.txt"))
    same("a token without the dry run", site.get(django_url(site, "/media/a.txt")).status, 200)
    same("what would break", site.get(forged(django_url(site, "/media/a.txt"))).status, 403)
    site.reload(block)
    same("back in the dry run", site.get("/media/a.txt").status, 200)


def secure_link_before(page, site):
    site.serve(page.block("From secure_link", "nginx", 0))
    path = "/media/a.txt"
    answer = site.get(md5_url(path))
    same("a link with an MD5", (answer.status, answer.body), (200, FILES["media/a.txt"]))
    same("no link", site.get(path).status, 403)
    same("another path's link", site.get(md5_url("/media/b.txt").replace("b.txt", "a.txt")).status, 403)
    same("an expired link", site.get(md5_url(path, life=-600)).status, 410)


def php_url(page, site, path, life=LIFE):
    """What the page's function makes."""
    code = page.block("From secure_link", "php") + "echo media_url($argv[1], (int) $argv[2], $argv[3]);"
    return site.run("php", "-r", code, "--", path, str(int(time.time()) + life), site.secret("jwt.key"))


def secure_link_after(page, site):
    block = page.block("From secure_link", "nginx", 1)
    site.serve(block)
    path = "/media/a.txt"
    answer = site.get(php_url(page, site, path))
    same("what PHP has signed", (answer.status, answer.verdict), (200, "granted valid"))
    same("the file", answer.body, FILES["media/a.txt"])
    other = php_url(page, site, "/media/b.txt").replace("b.txt", "a.txt")
    same("another path", site.get(other).verdict, "invalid wrong_path")
    same("forged", site.get(forged(php_url(page, site, path))).status, 403)
    for target, what in ((path, "missing no_token"), (php_url(page, site, path, -600), "expired token_expired")):
        answer = site.get(target)
        same(f"{what} after", (answer.status, answer.place, answer.verdict), (302, HOME + path, what))
    old = md5_url(path)
    answer = site.get(old)
    same("an old link", (answer.status, answer.place, answer.verdict), (302, HOME + old, "missing no_token"))


def secure_link_statuses(page, site):
    codes = [page.code("From secure_link", rf"crossdomain_media_on {what} \d+;") for what in ("missing", "expired")]
    site.serve(extended(page.block("From secure_link", "nginx", 1), "\n".join(codes)))
    same("403 as before", site.get("/media/a.txt").status, 403)
    same("410 as before", site.get(php_url(page, site, "/media/a.txt", -600)).status, 410)


def secure_link_spellings(page, site):
    block = page.block("From secure_link", "nginx", 1)
    decoded, encoded = "/media/b c.txt", "/media/b%20c.txt"
    site.serve(page.block("From secure_link", "nginx", 0))
    same("$uri is decoded", site.get(md5_url(decoded).replace(" ", "%20")).status, 200)
    site.serve(block)
    same("path as reverse() has it", site.get(php_url(page, site, encoded)).verdict, "granted valid")
    same("path decoded", site.get(php_url(page, site, decoded).replace(" ", "%20")).verdict, "invalid wrong_path")
    parameter = page.code("From secure_link", r"path=\w+")
    site.serve(block.replace("format=jwt", f"format=jwt {parameter}"))
    same("with path=decoded", site.get(php_url(page, site, decoded).replace(" ", "%20")).verdict, "granted valid")


def secure_link_addresses(page, site):
    variable, claim = page.code("From secure_link", r"\$remote_\w+"), page.code("From secure_link", "ip")
    before = page.block("From secure_link", "nginx", 0).replace("$uri a-secret", f"$uri{variable} a-secret")
    site.serve(before)
    path = "/media/a.txt"
    same("an MD5 for this address", site.get(md5_url(path, between="127.0.0.1")).status, 200)
    same("an MD5 for another address", site.get(md5_url(path, between="192.0.2.1")).status, 403)
    site.serve(page.block("From secure_link", "nginx", 1))
    same("a claim for this address", site.get(jwt_url(site, path, **{claim: "127.0.0.1"})).verdict, "granted valid")
    answer = site.get(jwt_url(site, path, **{claim: "192.0.2.1"}))
    same("a claim for another address", (answer.status, answer.verdict), (403, "invalid wrong_address"))


def secure_link_side_by_side(page, site):
    """First in a dry run, as the section on live sites has it, and then without."""
    before, after = (page.block("From secure_link", "nginx", number) for number in (0, 1))
    guard = without(location(after), r"root +/srv;")
    block = extended(before, guard)
    path = "/media/a.txt"
    site.serve(extended(before, guard + "crossdomain_media_dry_run on;"))
    old, new = md5_url(path), php_url(page, site, path)
    both = f"{old}&{new.partition('?')[2]}"
    for target, status, verdict in (
        (old, 200, "missing no_token"),
        (both, 200, "granted valid"),
        (forged(both), 200, "invalid bad_signature"),
        (new, 403, ""),
        (path, 403, ""),
    ):
        answer = site.get(target)
        same("side by side in a dry run", (answer.status, answer.verdict), (status, verdict))
    # It looks before the token is taken out: its own argument may even have that name.
    site.serve(extended(before.replace("$arg_md5", "$arg_token"), guard + "crossdomain_media_dry_run on;"))
    answer = site.get(md5_url(path).replace("md5=", "token="))
    same("an MD5 as token", (answer.status, answer.verdict), (200, "invalid token_malformed"))
    site.serve(block)
    old, new = md5_url(path), php_url(page, site, path)
    token = new.partition("?")[2]
    same("both credentials", site.get(f"{old}&{token}").verdict, "granted valid")
    same("both, the token first", site.get(f"{new}&{old.partition('?')[2]}").verdict, "granted valid")
    answer = site.get(old)
    same("the old one alone", (answer.status, answer.place), (302, HOME + old))
    same("the new one alone", site.get(new).status, 403)


def session(asked):
    """The view behind auth_request: 200 for a session."""
    return (200 if asked.headers.get("cookie") == "session=alice" else 401), {}


ALICE = {"Cookie": "session=alice"}


def auth_request_before(page, site):
    site.application.answer = session
    site.serve(page.block("From auth_request", "nginx", 0))
    answer = site.get("/media/a.txt?page=2", **ALICE)
    same("a session", (answer.status, answer.body), (200, FILES["media/a.txt"]))
    site.get("/media/a.txt", **ALICE)
    asked = [(asked.target, asked.headers.get("x-original-uri")) for asked in site.application.asked]
    same("a subrequest for each", asked, [("/auth", "/media/a.txt?page=2"), ("/auth", "/media/a.txt")])
    answer = site.get("/media/a.txt")
    same("no session", (answer.status, answer.place), (302, f"{HOME}/sign-in?next=/media/a.txt"))
    same("the internal location", site.get("/auth", **ALICE).status, 404)


def auth_request_after(page, site):
    block = page.block("From auth_request", "nginx", 1)
    site.serve(block)
    path = "/media/a.txt?page=2"
    for target in (path, f"{jwt_url(site, '/media/a.txt', -600)}&page=2"):
        answer = site.get(target)
        url = urlsplit(answer.place)
        same("where to", (answer.status, url._replace(query="").geturl()), (302, f"{HOME}/auth"))
        same("next", parse_qs(url.query), {"next": ["https://media.example.org" + path]})
    target = jwt_url(site, "/media/a.txt")
    same("a token, time and again", [site.get(target).status for _ in range(3)], [200] * 3)
    same("requests to the application", site.application.asked, [])
    host = page.code("From auth_request", r"crossdomain_media https:\S+")
    changed = re.sub(r"crossdomain_media +https:[^;]+", host, block)
    site.serve(changed)
    same("without an argument", site.get(path).place, HOME + path)


def auth_request_in_a_dry_run(page, site):
    before, after = (page.block("From auth_request", "nginx", number) for number in (0, 1))
    site.application.answer = session
    site.serve(extended(before, without(location(after), r"root +/srv;") + "crossdomain_media_dry_run on;"))
    path = "/media/a.txt"
    token = jwt_url(site, path)
    for what, target, headers, expected in (
        ("a session in a dry run", path, ALICE, (200, None, "missing no_token")),
        ("both in a dry run", token, ALICE, (200, None, "granted valid")),
        ("a token in a dry run", token, {}, (302, f"{HOME}/sign-in?next={path}", "")),
        ("neither in a dry run", path, {}, (302, f"{HOME}/sign-in?next={path}", "")),
    ):
        answer = site.get(target, **headers)
        same(what, (answer.status, answer.place, answer.verdict), expected)


def auth_request_or_token(page, site):
    before, live = page.block("From auth_request", "nginx", 0), page.block("From auth_request", "nginx", 2)
    site.application.answer = session
    site.serve(before.replace(location(before), location(live)))
    path = "/media/a.txt"
    for what, target, headers, expected in (
        ("a session under satisfy any", path, ALICE, (200, None, "")),
        ("a token under satisfy any", jwt_url(site, path), {}, (200, None, "granted valid")),
        ("both under satisfy any", jwt_url(site, path), ALICE, (200, None, "")),
        ("neither under satisfy any", path, {}, (302, HOME + path, "missing no_token")),
        ("a forged token under satisfy any", forged(jwt_url(site, path)), {}, (401, None, "invalid bad_signature")),
    ):
        answer = site.get(target, **headers)
        same(what, (answer.status, answer.place, answer.verdict), expected)
    line = page.code("From auth_request", r"error_page 401 .*")
    same("the page's line", line.split() in [row.split() for row in location(before).splitlines()], True)
    site.serve(before.replace(location(before), location(live) + f"{line}\n"))
    same("neither, with the error_page", site.get(path).place, HOME + path)
    answer = site.get(forged(jwt_url(site, path)))
    same("forged, with the error_page", answer.place.partition("?")[0], f"{HOME}/sign-in")


def view(site, asked):
    """What the view of django-crossdomainmedia does: it verifies the token and names the file."""
    url = urlsplit(asked.target)
    token = parse_qs(url.query).get("token")
    try:
        django_signer(site).unsign(f"{url.path}:{token[0]}" if token else "", max_age=120)
    except BadSignature:
        return 403, {}
    name = url.path.removeprefix("/media/")
    return 200, {"X-Accel-Redirect": f"/protected/{name}", "Content-Disposition": "attachment"}


def x_accel_before_and_after(page, site):
    site.application.answer = partial(view, site)
    site.serve(page.block("From X-Accel-Redirect", "nginx", 0))
    site.configure(page.block("From X-Accel-Redirect", "nginx", 0), page.block("From X-Accel-Redirect", "nginx", 1))
    url = django_url(site, "/media/a.txt")
    before = site.get(url)
    same("the view's file", (before.status, before.body), (200, FILES["media/a.txt"]))
    same("the view's header", before.headers.get("content-disposition"), "attachment")
    same("the view's host", [asked.headers["host"] for asked in site.application.asked], ["media.example.org"])
    same("no token to the view", site.get("/media/a.txt").status, 403)
    same("what is protected", site.get("/protected/a.txt").status, 404)
    site.serve(page.block("From X-Accel-Redirect", "nginx", 1))
    after = site.get(url)
    same("the same link", (after.status, after.body, after.verdict), (200, before.body, "granted valid"))
    same("a header of the view's", after.headers.get("content-disposition"), None)
    young = in_time(50, lambda: site.get(django_url(site, "/media/a.txt", age=60)))
    same("within two minutes", young.verdict, "granted valid")
    answer = site.get(django_url(site, "/media/a.txt", age=130))
    same("older", (answer.status, answer.place, answer.verdict), (302, f"{HOME}/media/a.txt", "expired token_expired"))
    same("the view is not asked", site.application.asked, [])


def x_accel_behind_the_guard(page, site):
    """Where the view goes on to name the file: the guard on the server, which the internal location is below."""
    before, after = (page.block("From X-Accel-Redirect", "nginx", number) for number in (0, 1))
    guard = without(location(after), r"alias +/srv/media/;")
    off = page.code("From X-Accel-Redirect", r"crossdomain_media\S* \w+")
    site.application.answer = lambda _: (200, {"X-Accel-Redirect": "/protected/b%20c.txt"})
    # The location has its own settings, the server others: the server's would refuse the token.
    on_server = guard.replace("secret_key;", "secret_key salt=a;")
    block = extended(before.replace("    location /media/", f"{on_server}\n    location /media/"), guard)
    site.serve(extended(block, f"{off};", "location /protected/"))
    answer = site.get(django_url(site, "/media/a.txt"))
    same("the file that the view names", (answer.status, answer.body), (200, FILES["media/b c.txt"]))
    same("requests to the view", [asked.target for asked in site.application.asked], ["/media/a.txt"])
    same("no token behind the guard", site.get("/media/a.txt").place, f"{HOME}/media/a.txt")
    same("the view behind the guard", len(site.application.asked), 1)
    site.serve(block)
    answer = site.get(django_url(site, "/media/a.txt"))
    same("a location without it decides again", (answer.status, answer.verdict), (403, "invalid bad_signature"))


def x_accel_live(page, site):
    before, live = page.block("From X-Accel-Redirect", "nginx", 0), page.block("From X-Accel-Redirect", "nginx", 2)
    site.application.answer = partial(view, site)
    block = before.replace(location(before), location(live))
    site.serve(block)
    url = django_url(site, "/media/a.txt")
    answer = site.get(url)
    same("the view's answer", (answer.status, answer.body), (200, FILES["media/a.txt"]))
    same("the token reaches the view", [asked.target for asked in site.application.asked], [url])
    same("the decision", answer.verdict, "granted valid")
    answer = site.get("/media/a.txt")
    same("the view decides", (answer.status, answer.verdict), (403, "missing no_token"))
    site.serve(without(block, r"crossdomain_media_strip +off;"))
    same("a dry run alone", site.get(django_url(site, "/media/a.txt")).status, 403)
    same("takes the token out", [asked.target for asked in site.application.asked], ["/media/a.txt"])


def cloudfront_after(page, site):
    block = page.block("From CloudFront", "nginx")
    site.serve(block)
    key_id = re.search(r"id=(\w+)", block)[1]
    answer = site.get(cloudfront_url(f"{SITE}/a.txt", key_id))
    same("a signed URL", (answer.status, answer.body), (200, FILES["a.txt"]))
    other = cloudfront_url(f"{SITE}/b.txt", key_id).replace("b.txt", "a.txt")
    same("another path", site.get(other).verdict, "invalid bad_signature")
    policy = urlsplit(cloudfront_url(f"{SITE}/a.txt", key_id, policy=f"{SITE}/media/*")).query
    cookies = "; ".join(f"CloudFront-{pair}" for pair in policy.split("&"))
    same("signed cookies", site.get("/media/a.txt", Cookie=cookies).status, 200)
    hosts = SITE.replace("media", "other"), SITE.replace("https", "http"), "https://d111111abcdef8.cloudfront.net"
    for other in hosts:
        url = cloudfront_url(f"{other}/a.txt", key_id).removeprefix(other)
        answer = site.get(url)
        same(f"the scheme and host of {other}", (answer.status, answer.verdict), (403, "invalid bad_signature"))
    expired = cloudfront_url(f"{SITE}/a.txt", key_id, -600)
    for target, verdict in (("/a.txt", "missing no_token"), (expired, "expired token_expired")):
        answer = site.get(target)
        same(verdict, (answer.status, answer.place, answer.verdict), (302, f"{HOME}/a.txt", verdict))


def cloudfront_statuses(page, site):
    block = page.block("From CloudFront", "nginx")
    key_id = re.search(r"id=(\w+)", block)[1]
    site.serve(extended(block, page.code("From CloudFront", r"crossdomain_media_on .*") + ";", "location /"))
    for target in ("/a.txt", cloudfront_url(f"{SITE}/a.txt", key_id, -600)):
        same("an error page as before", site.get(target).status, 403)


def cloudfront_keys(page, site):
    """One line for each; openssl makes the public one."""
    block = page.block("From CloudFront", "nginx")
    line = re.search(r" *crossdomain_media_key .*\n", block)[0]
    key_id = re.search(r"id=(\w+)", line)[1]
    site.serve(block.replace(line, line + line.replace(key_id, "KOTHER")))
    for each in (key_id, "KOTHER"):
        same(f"the key {each}", site.get(cloudfront_url(f"{SITE}/a.txt", each)).verdict, "granted valid")
    same("a key without a line", site.get(cloudfront_url(f"{SITE}/a.txt", "KNONE")).verdict, "invalid unknown_key")
    command = page.code("From CloudFront", r"openssl .*").split()
    made = site.run(*command, input=private_pem())
    same("the public key that openssl makes", made, (site.folder / "public_key.pem").read_text())


def cloudfront_before_dns(page, site):
    block = page.block("From CloudFront", "nginx")
    key_id = re.search(r"id=(\w+)", block)[1]
    command = page.code("From CloudFront", r"curl .*").replace(":443:", f":{PORT}:").replace("192.0.2.1", "127.0.0.1")
    signed, plain = SITE + cloudfront_url(f"{SITE}/a.txt", key_id), f"{SITE}/a.txt"
    for what, tried, served in (
        ("the new server", block, False),
        ("in a dry run", extended(block, "crossdomain_media_dry_run on;", "location /"), True),
    ):
        site.serve(tried)
        for url, expected in ((signed, True), (plain, served)):
            printed = site.run("bash", "-c", f"URL='{url}'; {command}")
            same(f"what curl prints of {what}", printed == FILES["a.txt"].decode(), expected)
    for target, reason in (
        (cloudfront_url(f"{SITE}/media/../a.txt", key_id), "unsafe_path"),
        (f"{cloudfront_url(f'{SITE}/a.txt', key_id)}&Hash-Algorithm=SHA512", "token_unsupported"),
    ):
        named = page.code("From CloudFront", reason)
        answer = site.get(target)
        same("what is stricter", (answer.status, answer.verdict), (200, f"invalid {named}"))


CLAIMS = {
    "On a live site": [dry_run_decides_and_serves, one_line_and_a_reload],
    "From secure_link": [
        secure_link_before,
        secure_link_after,
        secure_link_statuses,
        secure_link_spellings,
        secure_link_addresses,
        secure_link_side_by_side,
    ],
    "From auth_request": [
        auth_request_before,
        auth_request_after,
        auth_request_in_a_dry_run,
        auth_request_or_token,
    ],
    "From X-Accel-Redirect": [
        x_accel_before_and_after,
        x_accel_behind_the_guard,
        x_accel_live,
    ],
    "From CloudFront": [
        cloudfront_after,
        cloudfront_statuses,
        cloudfront_keys,
        cloudfront_before_dns,
    ],
}


ALL_CLAIMS = [claim for claims in CLAIMS.values() for claim in claims]

# What each change of the claim's section makes untrue.
BREAKS = [
    (dry_run_decides_and_serves, "_dry_run on;", "_dry_run off;", "missing no_token in a dry run"),
    (dry_run_decides_and_serves, "$crossdomain_media_reason';", "$crossdomain_media_key_id';", "the log's lines"),
    (dry_run_decides_and_serves, '"$request" $status', '"$request_method" $status', "the log's lines"),
    (dry_run_decides_and_serves, "secret_key;", "secret_key salt=a;", "the log's verdicts"),
    (dry_run_decides_and_serves, "_dry_run on;", "_dry_run on; crossdomain_media_strip off;", "a token in the log"),
    (dry_run_decides_and_serves, "print $(NF-1), $NF", "print $NF", "what awk counts"),
    (one_line_and_a_reload, "https://www.example.com;", "https://www.example.net;", "without the dry run"),
    (one_line_and_a_reload, "secret_key;", "secret_key; crossdomain_media_on invalid 404;", "what would break"),
    (secure_link_before, 'a-secret"', 'b-secret"', "a link with an MD5"),
    (secure_link_before, "$secure_link_expires$uri", "$secure_link_expires", "a link with an MD5"),
    (secure_link_before, "return 403;", "return 404;", "no link"),
    (secure_link_before, "return 410;", "return 404;", "an expired link"),
    (secure_link_after, "'sha256'", "'sha512'", "what PHP has signed"),
    (secure_link_after, "'path' => $path, ", "", "what PHP has signed"),
    (secure_link_after, "?token=", "?key=", "what PHP has signed"),
    (secure_link_after, " format=jwt;", " format=jwt; crossdomain_media_on missing 403;", "missing no_token"),
    (secure_link_after, " format=jwt;", " format=jwt; crossdomain_media_leeway 1h;", "expired token_expired"),
    (secure_link_after, "```php", "```text", "From secure_link: no block 0 of php"),
    (secure_link_statuses, "missing 403;`", "missing 401;`", "403 as before"),
    (secure_link_statuses, "expired 410;`", "expired 401;`", "410 as before"),
    (secure_link_spellings, "jwt.key format=jwt;", "jwt.key format=jwt path=decoded;", "path as reverse() has it"),
    (secure_link_spellings, "`path=decoded`", "`path=storage`", "with path=decoded"),
    (secure_link_addresses, "`$remote_addr`", "`$remote_port`", "an MD5 for this address"),
    (secure_link_side_by_side, "$arg_md5,", "$arg_token,", "side by side in a dry run"),
    (secure_link_side_by_side, "$uri a-secret", "$request_uri a-secret", "side by side in a dry run"),
    (secure_link_side_by_side, "jwt.key format=jwt;", "jwt.key;", "side by side in a dry run"),
    (secure_link_side_by_side, "/www.example.com;", "/www.example.net;", "the old one alone"),
    (auth_request_before, "401 = @sign_in;\n    }", "403 = @sign_in;\n    }", "no session"),
    (auth_request_before, "X-Original-URI $request_uri", "X-Original-URI $uri", "a subrequest for each"),
    (auth_request_before, "auth_request /auth;\n", "", "a subrequest for each"),
    (auth_request_before, "        internal;\n", "", "the internal location"),
    (auth_request_after, "$crossdomain_media_return_url;", "$crossdomain_media_uri;", "next"),
    (auth_request_after, "_public_url https://media.example.org", "_public_url https://media.example.net", "next"),
    (auth_request_after, "example.com`)", "example.com/`)", "without an argument"),
    (auth_request_in_a_dry_run, "401 = @sign_in;\n    }", "403 = @sign_in;\n    }", "a token in a dry run"),
    (
        auth_request_in_a_dry_run,
        "auth_request /auth;\n",
        "auth_request /auth; satisfy any;\n",
        "a session in a dry run",
    ),
    (auth_request_or_token, " any;", " all;", "a session under satisfy any"),
    (auth_request_or_token, "auth_request          /auth;\n", "", "a session under satisfy any"),
    (auth_request_or_token, " any;", " any; crossdomain_media_dry_run on;", "a token under satisfy any"),
    (auth_request_or_token, " any;", " any; crossdomain_media_on missing 403;", "neither under satisfy any"),
    (auth_request_or_token, " any;", " any; crossdomain_media_on invalid redirect;", "a forged token under"),
    (auth_request_or_token, "`error_page 401 = @sign_in;`", "`error_page 401 = @other;`", "the page's line"),
    (x_accel_before_and_after, "alias /srv/media/;", "alias /srv/;", "the view's file"),
    (x_accel_before_and_after, "Host $host;\n    }", "Host $proxy_host;\n    }", "the view's host"),
    (x_accel_before_and_after, "        internal;\n", "", "what is protected"),
    (x_accel_before_and_after, "secret_key;\n        ", "secret_key salt=a;\n        ", "the same link"),
    (x_accel_before_and_after, "_max_age 2m;", "_max_age 30s;", "within two minutes"),
    (x_accel_before_and_after, "_max_age 2m;", "_max_age 1h;", "older"),
    (
        x_accel_behind_the_guard,
        "`crossdomain_media off`",
        "`crossdomain_media_leeway 1s`",
        "the file that the view names",
    ),
    (x_accel_behind_the_guard, "example.com;\n        ", "example.net;\n        ", "no token behind the guard"),
    (x_accel_live, "_strip   off;", "_strip   on;", "the view's answer"),
    (x_accel_live, "_dry_run on;", "_dry_run off;", "the view decides"),
    (cloudfront_after, "media.example.org;", "media.example.net;", "a signed URL"),
    (cloudfront_after, "format=cloudfront id", "format=cloudfront policy=canned id", "signed cookies"),
    (cloudfront_after, "K2JCJMDEHXQW5F;", "K2JCJMDEHXQW5F; crossdomain_media_redirect_code 307;", "missing no_token"),
    (cloudfront_statuses, "missing expired 403`", "missing expired 404`", "an error page as before"),
    (cloudfront_keys, "format=cloudfront id", "format=cloudfront alg=sha256 id", "the key K2JCJMDEHXQW5F"),
    (cloudfront_keys, "`openssl pkey -pubout`", "`openssl pkey`", "the public key that openssl makes"),
    (cloudfront_before_dns, '"$URL"`', '"$URL&a"`', "what curl prints of the new server"),
    (
        cloudfront_before_dns,
        "example.com;",
        "example.com; error_page 302 =200 /a.txt;",
        "what curl prints of the new server",
    ),
    (cloudfront_before_dns, "`unsafe_path`", "`wrong_path`", "From CloudFront: inline code unsafe_path"),
]


def wrong(claim, page, site):
    """None, or what is not so."""
    try:
        claim(Page(page), site)
    except Untrue as untrue:
        return str(untrue)
    return None


@pytest.mark.parametrize("claim", ALL_CLAIMS, ids=lambda claim: claim.__name__)
def test_nginx_does_what_the_page_says(claim, site):
    untrue = wrong(claim, PAGE, site)
    if untrue:
        pytest.fail(untrue, pytrace=False)


def changed(claim, old, new):
    """The page with this in the section of the claim, where it is once."""
    title = next(title for title, claims in CLAIMS.items() if claim in claims)
    before, heading, rest = PAGE.read_text().partition(f"\n## {title}\n")
    section, end, after = rest.partition("\n## ")
    assert section.count(old) == 1, old
    return before + heading + section.replace(old, new) + end + after


@pytest.mark.parametrize("broken", BREAKS, ids=lambda broken: f"{broken[0].__name__}: {broken[3]}")
def test_a_broken_page_is_noticed(broken, site, tmp_path):
    claim, old, new, said = broken
    page = tmp_path / "migration.md"
    page.write_text(changed(claim, old, new))
    untrue = wrong(claim, page, site)
    assert untrue is not None, "it is not"
    assert untrue.startswith(said)


def test_each_claim_is_broken():
    assert {claim for claim, *_ in BREAKS} == set(ALL_CLAIMS)


def test_each_block_of_the_page_is_known():
    found = {title: [info for info, _ in blocks] for title, blocks in Page(PAGE).blocks.items() if blocks}
    assert found == BLOCKS
    assert list(CLAIMS) == list(BLOCKS)
