"""A running pair of real servers: nginx with the module, and the example application under gunicorn."""

import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
NGINX = BUILD / "nginx"
MODULE = BUILD / "ngx_http_crossdomain_media_module.so"
EXAMPLE = ROOT / "examples" / "django"
E2E = ROOT / "nginx-test" / "e2e"

# One file for each sort of character that some layer treats in its own way: URL syntax, percent-encoding,
# django.urls.reverse, storage.url, nginx's decoding and http clients' tidying.
NAMES = [
    "plain.txt",
    "My File.txt",
    "Übergrößenträger.txt",
    "é as one character.txt",
    "e\u0301 as two characters.txt",
    "中文/文件.txt",
    "🎞 film.txt",
    "100%.txt",
    "a%20b.txt",
    "a b.txt",
    "%2e%2e.txt",
    "a%2Fb.txt",
    "a+b.txt",
    "x:y.txt",
    "!$&'()*+,;=.txt",
    "[brackets]{braces}.txt",
    'say "hi" <b>.txt',
    "it's.txt",
    "number #1.txt",
    "what?.txt",
    "what?token=1.txt",
    "token=1&token=2.txt",
    "back\\slash.txt",
    "pipe|caret^tick`.txt",
    "~user@host.txt",
    "..dots...txt",
    "-dash_under.txt",
    "folder/one.txt",
    "folder/two words.txt",
    "folder/deeper/three.txt",
    "x" * 180 + ".txt",
]

# Films in folders of their own, by owner: only their playlists are documents.
FILMS = {"course/1": "alice", "course/2": "bob", "course/1 plus": "bob"}
PARTS = ["master.m3u8", "low/index.m3u8", "low/1.ts", "low/2.ts", "high/Größe 1.ts"]


def content(name):
    return f"This is {name}, all of it.\n".encode()


def free_ports(count):
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def await_port(port, process, log):
    deadline = time.monotonic() + 30
    while not listens(port):
        assert process.poll() is None, f"{process.args[0]} ended with {process.returncode}:\n{log.read_text()[-4000:]}"
        assert time.monotonic() < deadline, f"{process.args[0]} does not listen on port {port}"
        time.sleep(0.02)


def eventually(holds, what):
    """nginx logs a request only after answering it, and a terminal shows a line later still."""
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def end(process):
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Stack:
    """Keeps everything in `folder`. `key` is the application's SECRET_KEY, in the file that nginx names as well."""

    configuration = E2E / "media.conf.in"
    application = "project.wsgi"
    settings = "variants.settings"
    # Beside the example itself.
    python_path = (E2E,)

    def __init__(self, folder, key):
        self.folder = folder
        self.port, self.app_port = free_ports(2)
        self.www = f"http://www.localhost:{self.port}"
        self.media = f"http://media.localhost:{self.port}"
        self.app = None
        self.nginx = None
        folder.mkdir(exist_ok=True)
        # gunicorn's and nginx's workers may run as another user.
        folder.chmod(0o755)
        self.write_key("secret_key", key)
        self.write_key("media_token_key", f"{key}, but for nothing else than media")

    def write_key(self, file, key):
        (self.folder / file).write_text(key + "\n")
        (self.folder / file).chmod(0o600)

    @property
    def key(self):
        return (self.folder / "secret_key").read_text().removesuffix("\n")

    def derived_key(self):
        """What nginx may hold instead of SECRET_KEY: enough to verify media tokens, of no use against sessions."""
        return hashlib.sha256(b"django.core.signing.TimestampSigner" + b"signer" + self.key.encode()).hexdigest()

    def environment(self, fallbacks=()):
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": ":".join(map(str, [EXAMPLE, *self.python_path])),
            "PYTHONDONTWRITEBYTECODE": "1",
            "DJANGO_SETTINGS_MODULE": self.settings,
            "DATA_DIR": str(self.folder),
            "SECRET_KEY_FALLBACK_FILES": ":".join(str(self.folder / file) for file in fallbacks),
            "SITE_URL": self.www,
            "MEDIA_URL": f"{self.media}/media/",
        }

    def manage(self, *arguments):
        subprocess.run(
            [sys.executable, EXAMPLE / "manage.py", *arguments], env=self.environment(), check=True, capture_output=True
        )

    def fill(self):
        """Users alice, bob and staff, the samples of the demo, films, and a private document of alice's per name."""
        self.manage("setup_demo")
        for name in [*NAMES, *(f"{folder}/{part}" for folder in FILMS for part in PARTS)]:
            file = self.folder / "media" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content(name))
        owners = {name: "alice" for name in NAMES} | {f"{folder}/master.m3u8": FILMS[folder] for folder in FILMS}
        documents = [
            {"model": "documents.document", "fields": {"title": name, "file": name, "owner": [owner]}}
            for name, owner in owners.items()
        ]
        fixture = self.folder / "documents.json"
        fixture.write_text(json.dumps(documents))
        self.manage("loaddata", str(fixture))

    def fill_from(self, other):
        shutil.copytree(other.folder / "media", self.folder / "media")
        shutil.copy(other.folder / "db.sqlite3", self.folder)

    def start_app(self, fallbacks=()):
        log = self.folder / "gunicorn.log"
        with open(log, "ab") as output:
            self.app = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{self.app_port}", "--threads", "4"]
                + ["--no-control-socket", self.application],
                env=self.environment(fallbacks),
                cwd=self.folder,
                stdout=output,
                stderr=output,
            )
        await_port(self.app_port, self.app, log)

    def start_nginx(self, keys=("secret_key",), replace=()):
        """`replace` are pairs of texts, for what a test wants different in the configuration."""
        self.write_key("derived_key", self.derived_key())
        conf = self.configuration.read_text()
        places = {
            "@MODULE@": str(MODULE),
            "@PORT@": str(self.port),
            "@APP_PORT@": str(self.app_port),
            "@KEYS@": "\n".join(f"        crossdomain_media_key {key};" for key in keys),
        }
        for old, new in (*places.items(), *replace):
            assert old in places or old in conf, old
            conf = conf.replace(old, new)
        (self.folder / "nginx.conf").write_text(conf)
        log = self.folder / "nginx-start.log"
        # Root's worker would otherwise be `nobody`, who may not read a temporary folder.
        user = ["-g", "user root root;"] if os.geteuid() == 0 else []
        with open(log, "ab") as output:
            self.nginx = subprocess.Popen(
                [NGINX, "-p", self.folder, "-c", "nginx.conf", "-e", "error.log", *user], stdout=output, stderr=output
            )
        await_port(self.port, self.nginx, log)

    def restart_app(self, **kwargs):
        end(self.app)
        self.start_app(**kwargs)

    def restart_nginx(self, **kwargs):
        end(self.nginx)
        self.start_nginx(**kwargs)

    def stop(self):
        for process in (self.nginx, self.app):
            if process is not None:
                end(process)
        log = self.folder / "error.log"
        serious = [
            line
            for line in (log.read_text(errors="replace").splitlines() if log.exists() else [])
            if any(level in line for level in ("[emerg]", "[alert]", "[crit]"))
        ]
        assert not serious, serious

    def error_log(self):
        return (self.folder / "error.log").read_text(errors="replace")

    def access_log(self):
        return (self.folder / "access.log").read_text(errors="replace")

    def application_requests(self):
        """All that the application got to know, one request a line."""
        return (self.folder / "application-requests.jsonl").read_text()
