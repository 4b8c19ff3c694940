"""What is compared: one nginx with one worker for each series, all serving the same file at the same path."""

import hashlib
import http.client
import json
import os
import subprocess
import sys
import time
from base64 import b64encode, urlsafe_b64encode
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
BENCH = ROOT / "nginx-test" / "bench"
EXAMPLE = ROOT / "examples" / "django"
UNPACKED = BUILD / "bench" / "root"

sys.path.insert(0, str(ROOT / "nginx-test" / "e2e"))
import jwt  # noqa: E402
from cryptography.hazmat.primitives import hashes, serialization  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import padding, rsa  # noqa: E402
from stack import await_port, end, free_ports  # noqa: E402
from tokens import mint  # noqa: E402

KEY = "benchmark-secret-key-long-enough-for-everybody-0123456789"
APPLICATION = "https://www.example.com"
# With the separator and the timestamp 22 bytes: HMAC's inner hash takes two blocks, as for any path up to 111 bytes
# (or one, up to 48).
PATH = "/media/report.pdf"
CONTENT = bytes(range(256)) * 4

SECURE_LINK = f"""
    secure_link $arg_md5,$arg_expires;
    secure_link_md5 "$secure_link_expires$uri {KEY}";
    if ($secure_link = "") {{ return 403; }}
    if ($secure_link = "0") {{ return 302 {APPLICATION}$uri; }}
"""
# What this module sends with a redirect.
REDIRECT_HEADERS = "add_header Cache-Control no-store always; add_header Referrer-Policy no-referrer always;"
MODULE = f"crossdomain_media {APPLICATION}; crossdomain_media_key secret_key;"
AUTH_UPSTREAM = """
    location = /check {
        internal;
        proxy_pass http://checker/;
        proxy_pass_request_body off;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_set_header Content-Length "";
        proxy_set_header X-Original-URI $request_uri;
    }
"""
X_ACCEL = "location /protected/ { internal; alias media/; }"


@dataclass(frozen=True)
class Request:
    """What is asked for, and with which headers."""

    target: str = PATH
    headers: dict = field(default_factory=dict)


def plain():
    return Request()


def token(path=PATH):
    """As Django's urlencode() writes it. A new one each time, so that no run outlives it."""
    return Request(f"{PATH}?token={quote(mint(path, KEY), safe='')}")


def forged_token():
    return token("/media/another.pdf")


def link(secret=KEY):
    expires = int(time.time()) + 3600
    digest = hashlib.md5(f"{expires}{PATH} {secret}".encode()).digest()
    return Request(f"{PATH}?md5={urlsafe_b64encode(digest).decode().rstrip('=')}&expires={expires}")


def folder_token(secret=KEY):
    """As an application has PyJWT write it that hands out folders."""
    return jwt.encode({"path": "/media/*", "sub": "alice", "exp": int(time.time()) + 3600}, secret, "HS256")


# What a signer for CloudFront signs: scheme and host too.
PUBLIC_URL = "https://media.example.org"
KEY_PAIR_ID = "K2JCJMDEHXQW5F"


@cache
def private_key(name):
    """Made once, and kept, for making one takes longer than all that is signed with it."""
    file = BUILD / "bench" / f"{name}.pem"
    if not file.exists():
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        file.touch(0o600)
        file.write_bytes(pem)
    return serialization.load_pem_private_key(file.read_bytes(), None)


def public_key():
    return (
        private_key("cloudfront")
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


def signed(resource, signer="cloudfront"):
    """When the policy ends, the policy and its signature, as botocore writes them."""
    expires = int(time.time()) + 3600
    statement = {"Resource": resource, "Condition": {"DateLessThan": {"AWS:EpochTime": expires}}}
    policy = json.dumps({"Statement": [statement]}, separators=(",", ":")).encode()
    signature = private_key(signer).sign(policy, padding.PKCS1v15(), hashes.SHA1())
    alphabet = bytes.maketrans(b"+=/", b"-_~")
    texts = [b64encode(part).translate(alphabet).decode() for part in (policy, signature)]
    return expires, *texts


def canned_url(signer="cloudfront"):
    expires, _, signature = signed(PUBLIC_URL + PATH, signer)
    return Request(f"{PATH}?Expires={expires}&Signature={signature}&Key-Pair-Id={KEY_PAIR_ID}")


def custom_url(signer="cloudfront"):
    _, policy, signature = signed(f"{PUBLIC_URL}/media/*", signer)
    return Request(f"{PATH}?Policy={policy}&Signature={signature}&Key-Pair-Id={KEY_PAIR_ID}")


def signed_cookies(signer="cloudfront"):
    _, policy, signature = signed(f"{PUBLIC_URL}/media/*", signer)
    cookies = {"Policy": policy, "Signature": signature, "Key-Pair-Id": KEY_PAIR_ID}
    # Beside a cookie that stays.
    texts = ["theme=dark", *(f"CloudFront-{name}={value}" for name, value in cookies.items())]
    return Request(PATH, {"Cookie": "; ".join(texts)})


CARRIERS = {
    "query": lambda token: Request(f"{PATH}?token={token}"),
    # Beside a cookie that stays.
    "cookie": lambda token: Request(PATH, {"Cookie": f"theme=dark; media={token}"}),
    "header": lambda token: Request(PATH, {"Authorization": f"Bearer {token}"}),
    "path": lambda token: Request(PATH.replace("/media/", f"/media/~{token}/")),
}


@dataclass(frozen=True)
class Series:
    name: str
    title: str
    # The series that it is measured against, in turns.
    baseline: str | None
    request: callable = token
    status: int = 200
    # Of the guarded location, the server and http.
    location: str = ""
    server: str = ""
    http: str = ""
    modules: tuple = ()
    debian: bool = False
    django: bool = False
    # A request that must not be answered like a good one, and how it must be answered.
    bad: callable = None
    bad_status: int = 403


def jwt_series(carrier, source, title):
    """A token for the folder. The path's source is the server's business alone."""
    return Series(
        f"jwt_{carrier}",
        f"**this module**, JWT HS256 {title}",
        "unguarded",
        request=lambda: CARRIERS[carrier](folder_token()),
        location=f"crossdomain_media {APPLICATION}; crossdomain_media_key secret_key format=jwt;",
        server=f"crossdomain_media_token {source};",
        modules=("module",),
        bad=lambda: CARRIERS[carrier](folder_token("another " + KEY)),
    )


def cloudfront_series(name, request, title):
    return Series(
        f"cloudfront_{name}",
        f"**this module**, CloudFront {title}",
        "unguarded",
        request=request,
        location=f"crossdomain_media {APPLICATION};"
        f" crossdomain_media_key public_key.pem format=cloudfront id={KEY_PAIR_ID};",
        server=f"crossdomain_media_public_url {PUBLIC_URL};",
        modules=("module",),
        bad=lambda: request("another"),
    )


SERIES = [
    Series("unguarded", "unguarded", None, request=plain),
    Series("query", "unguarded, with the query", "unguarded"),
    Series("unused", "module loaded, location unguarded", "unguarded", modules=("module",)),
    Series(
        "beside",
        "module guards another location",
        "unguarded",
        server=f"location /guarded/ {{ {MODULE} }}",
        modules=("module",),
    ),
    Series(
        "module",
        "**this module**",
        "unguarded",
        location=MODULE,
        modules=("module",),
        bad=forged_token,
    ),
    Series(
        "counted",
        "**this module**, which counts",
        "unguarded",
        location=MODULE,
        http="crossdomain_media_zone media:1m;",
        modules=("module",),
        bad=forged_token,
    ),
    jwt_series("query", "arg:token", "in the query"),
    jwt_series("cookie", "cookie:media", "in a cookie"),
    jwt_series("header", "header:Authorization", "in a header"),
    jwt_series("path", "path:~", "in the path"),
    cloudfront_series("url", canned_url, "canned URL"),
    cloudfront_series("custom", custom_url, "custom URL"),
    cloudfront_series("cookie", signed_cookies, "cookies"),
    Series(
        "secure_link",
        "`secure_link` (MD5)",
        "unguarded",
        request=link,
        location=SECURE_LINK,
        bad=lambda: link("another"),
    ),
    Series(
        "auth_204",
        "`auth_request` to `return 204`",
        "unguarded",
        location="auth_request /check;",
        server="location = /check { internal; return 204; }",
    ),
    Series(
        "auth_upstream",
        "`auth_request` to a local upstream",
        "unguarded",
        location="auth_request /check;",
        server=AUTH_UPSTREAM,
        http="upstream checker { server 127.0.0.1:@OTHER_PORT@; keepalive 64; }"
        " server { listen 127.0.0.1:@OTHER_PORT@; return 204; }",
    ),
    Series(
        "django",
        "Django, `X-Accel-Redirect`",
        "unguarded",
        location="proxy_pass http://127.0.0.1:@OTHER_PORT@; proxy_set_header Host media.localhost;",
        server=X_ACCEL,
        django=True,
        bad=forged_token,
    ),
    Series(
        "return",
        "`return 302`",
        None,
        request=plain,
        status=302,
        location=f"return 302 {APPLICATION}$request_uri;",
    ),
    Series(
        "return_headers",
        "`return 302` with the same two headers",
        "return",
        request=plain,
        status=302,
        location=f"return 302 {APPLICATION}$request_uri; {REDIRECT_HEADERS}",
    ),
    Series(
        "redirect",
        "**this module**, no token",
        "return",
        request=plain,
        status=302,
        location=MODULE,
        modules=("module",),
    ),
    Series("debian", "unguarded", None, request=plain, debian=True),
    Series("debian_query", "unguarded, with the query", "debian", debian=True),
    Series(
        "debian_module",
        "**this module**",
        "debian",
        location=MODULE,
        modules=("debian_module",),
        debian=True,
        bad=forged_token,
    ),
    Series(
        "lua",
        "lua, the same check",
        "debian",
        location="access_by_lua_block { media.access() }",
        http=f'lua_package_path "{UNPACKED}/usr/share/lua/5.1/?.lua;{BENCH}/?.lua;;";'
        " init_by_lua_block {"
        ' media = require "media"; local file = io.open("secret_key"); media.set_secret(file:read("*a")) }',
        modules=("ndk_http_module", "ngx_http_lua_module"),
        debian=True,
        bad=forged_token,
    ),
    Series(
        "njs",
        "njs, the same check",
        "debian",
        location=f"if ($verdict = invalid) {{ return 403; }}"
        f" if ($verdict != granted) {{ return 302 {APPLICATION}$uri; }}",
        http=f'js_path "{BENCH}"; js_import media from media.js; js_set $verdict media.verdict;'
        " js_preload_object media_key from media_key.json;",
        modules=("ngx_http_js_module",),
        debian=True,
        bad=forged_token,
    ),
]
# Whether it is Debian's nginx: the series that serves the same file to anybody.
UNGUARDED = {False: "unguarded", True: "debian"}
BY_NAME = {series.name: series for series in SERIES}

CONFIGURATION = """
@MODULES@
worker_processes 1;
daemon off;
pid nginx.pid;
error_log error.log;
env SECRET_KEY_FILE;

events {
    worker_connections 512;
}

http {
    access_log off;
    default_type application/pdf;
    # Connections last for a whole run.
    keepalive_requests 100000000;
    client_body_temp_path temp;
    proxy_temp_path temp;
    # Of an application that is being stepped through.
    proxy_read_timeout 600s;
    fastcgi_temp_path temp;
    uwsgi_temp_path temp;
    scgi_temp_path temp;
    @HTTP@
    server {
        listen 127.0.0.1:@PORT@;
        location /media/ {
            @LOCATION@
            alias media/;
        }
        @SERVER@
    }
}
"""

MODULES = {
    "module": BUILD / "ngx_http_crossdomain_media_module.so",
    "debian_module": BUILD / "debian" / "ngx_http_crossdomain_media_module.so",
}


def module_file(name):
    return MODULES.get(name) or UNPACKED / "usr" / "lib" / "nginx" / "modules" / f"{name}.so"


class Server:
    """A series' nginx, and its application if it has one, running."""

    def __init__(self, series, folder):
        self.series = series
        self.folder = folder
        self.port, self.other_port = free_ports(2)
        self.processes = []
        (folder / "media").mkdir(parents=True)
        (folder / "media" / PATH.rsplit("/", 1)[1]).write_bytes(CONTENT)
        (folder / "secret_key").write_text(KEY)
        (folder / "secret_key").chmod(0o600)
        (folder / "public_key.pem").write_bytes(public_key())
        # Of the application, which mints nothing with it here.
        (folder / "media_token_key").write_text(KEY)
        derived = hashlib.sha256(b"django.core.signing.TimestampSignersigner" + KEY.encode()).hexdigest()
        (folder / "media_key.json").write_text(json.dumps({"hex": derived}))

    def start(self):
        if self.series.django:
            self.start_django()
        binary = BUILD / "debian/root/usr/sbin/nginx" if self.series.debian else BUILD / "nginx"
        libraries = {}
        if self.series.debian:
            # libluajit and libpcre3.
            folders = [UNPACKED / "usr/lib/x86_64-linux-gnu", UNPACKED / "lib/x86_64-linux-gnu"]
            libraries["LD_LIBRARY_PATH"] = ":".join(map(str, folders))
        conf = CONFIGURATION
        for place, text in {
            "@MODULES@": "".join(f"load_module {module_file(name)};" for name in self.series.modules),
            "@LOCATION@": self.series.location,
            "@SERVER@": self.series.server,
            "@HTTP@": self.series.http,
            "@PORT@": str(self.port),
            "@OTHER_PORT@": str(self.other_port),
        }.items():
            conf = conf.replace(place, text)
        (self.folder / "nginx.conf").write_text(conf)
        # Root's worker would otherwise be `nobody`.
        user = ["-g", "user root root;"] if os.geteuid() == 0 else []
        command = [binary, "-p", self.folder, "-c", self.folder / "nginx.conf", "-e", "error.log", *user]
        environment = {"SECRET_KEY_FILE": str(self.folder / "secret_key"), **libraries}
        self.run(command, environment, self.port)

    def start_django(self):
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONDONTWRITEBYTECODE": "1",
            "DJANGO_SETTINGS_MODULE": "project.settings",
            "DATA_DIR": str(self.folder),
            "SITE_URL": APPLICATION,
            "MEDIA_URL": "http://media.localhost/media/",
        }
        subprocess.run([sys.executable, EXAMPLE / "manage.py", "setup_demo"], env=environment, check=True, stdout=-3)
        command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{self.other_port}", "--workers", "1"]
        # It would end a worker that is being stepped through.
        command += ["--timeout", "600", "--no-control-socket", "--chdir", EXAMPLE, "project.wsgi"]
        self.run(command, environment, self.other_port)

    def run(self, command, environment, port):
        log = self.folder / "start.log"
        with open(log, "ab") as output:
            process = subprocess.Popen(command, env=environment, cwd=self.folder, stdout=output, stderr=output)
        self.processes.append(process)
        await_port(port, process, log)

    def stop(self):
        for process in self.processes:
            end(process)

    def workers(self):
        """The processes that answer requests: children of what was started."""
        children = [
            Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split() for process in self.processes
        ]
        assert all(len(some) == 1 for some in children), (self.series.name, children)
        return [int(pid) for (pid,) in children]

    def all_processes(self):
        return [process.pid for process in self.processes] + self.workers()

    def url(self, request):
        return f"http://127.0.0.1:{self.port}{request.target}"

    def admit(self, request):
        """Lets an unguarded server find the file also by way of the segment that a guarded one would cut out."""
        folder, _, rest = request.target.removeprefix("/media/").partition("/")
        if rest and not (self.folder / "media" / folder).exists():
            (self.folder / "media" / folder).symlink_to(".")

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)

    def ask(self, connection, request):
        connection.request("GET", request.target, headers=request.headers)
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()

    def verify(self):
        """A benchmark of an error page would be worthless."""
        series = self.series
        connection = self.connect()
        status, headers, body = self.ask(connection, series.request())
        log = (self.folder / "error.log").read_text(errors="replace") if (self.folder / "error.log").exists() else ""
        assert status == series.status, (series.name, status, headers, log)
        if status == 200:
            assert body == CONTENT, series.name
        else:
            assert headers["Location"] == APPLICATION + PATH, (series.name, headers)
        if series.bad:
            assert self.ask(connection, series.bad())[0] == series.bad_status, series.name
            assert self.ask(connection, plain())[0] in (302, 403), series.name
        connection.close()
