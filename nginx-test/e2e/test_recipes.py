"""docs/recipes.md and the examples' configurations: they load, and what they say of themselves holds."""

import http.client
import re
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import jwt
import pytest
from client import raw_get
from stack import MODULE, NGINX, ROOT, Stack
from tokens import mint

RECIPES = (ROOT / "docs" / "recipes.md").read_text()
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", RECIPES, re.M | re.S))
KEY = "a-key-that-is-long-enough-for-a-recipe-0123456789"


def block(section, language):
    (found,) = re.findall(rf"```{language}\n(.*?)```", SECTIONS[section], re.S)
    return found


def snippet(section):
    names = {}
    exec(compile(block(section, "python"), "recipes.md", "exec"), names)
    return names


def lay_out(folder, conf, ports):
    """Keys, a certificate, and the configuration with paths and ports of this test."""
    for name in ("secret_key", "jwt.key", "media_token_key"):
        (folder / name).write_text(KEY + "\n")
        (folder / name).chmod(0o600)
    (folder / "mint.key").write_text(f"{KEY}, another\n")
    (folder / "mint.key").chmod(0o600)
    (folder / "logs").mkdir()
    for site in ("media", "www"):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
            + ["-subj", f"/CN={site}", "-keyout", folder / f"{site}.key", "-out", folder / f"{site}.crt"],
            check=True,
            capture_output=True,
        )
    conf = conf.replace("modules/ngx_http_crossdomain_media_module.so", str(MODULE))
    for old, new in ports.items():
        assert old in conf, old
        conf = conf.replace(old, new)
    (folder / "nginx.conf").write_text(f"pid nginx.pid;\n{conf}" if "pid nginx.pid;" not in conf else conf)


CONFIGURATIONS = [
    *(pytest.param(block(section, "nginx"), id=section) for section in SECTIONS),
    pytest.param((ROOT / "examples" / "player" / "nginx.conf").read_text(), id="examples/player"),
]


@pytest.mark.parametrize("conf", CONFIGURATIONS)
def test_the_configuration_is_complete(conf, tmp_path):
    lay_out(tmp_path, conf, {})
    tested = subprocess.run(
        [NGINX, "-t", "-p", tmp_path, "-c", "nginx.conf", "-e", "error.log"], capture_output=True, text=True
    )
    assert tested.returncode == 0, tested.stderr
    assert "[warn]" not in tested.stderr


def test_each_recipe_has_one():
    listed = re.findall(r"^- \[(.+?)\]\(#(.+?)\)$", RECIPES, re.M)
    assert [name for name, _ in listed] == list(SECTIONS)
    assert all(anchor == name.lower().replace(" ", "-").replace("'", "") for name, anchor in listed)


@pytest.fixture
def server(tmp_path):
    """Runs a recipe over http; the keys are as in the recipe."""
    stack = Stack(tmp_path / "recipe", KEY)

    def start(section, ports=None):
        lay_out(stack.folder, block(section, "nginx"), ports or {})
        conf = (stack.folder / "nginx.conf").read_text()
        conf = re.sub(r"listen +443 ssl;", f"listen 127.0.0.1:{stack.port};", conf)
        conf = re.sub(r" +ssl_certificate.*;\n", "", conf)
        conf = conf.replace("root                /srv;", f"root {stack.folder};")
        (stack.folder / "recipe.conf.in").write_text("daemon off;\n" + conf)
        stack.configuration = stack.folder / "recipe.conf.in"
        stack.start_nginx()
        return stack

    yield start
    stack.stop()


class Store(BaseHTTPRequestHandler):
    """Answers with what it was asked for, and remembers."""

    def do_GET(self):
        body = b"of the store"
        self.server.asked.append((self.path, self.headers.get("X-Media-Subject")))
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_PUT = do_GET

    def log_message(self, *arguments):
        pass


@pytest.fixture
def store():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Store)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_one_cache_entry_serves_all_tokens_and_none_without(server, store):
    recipe = server("One cache entry per object", {"127.0.0.1:9000": f"127.0.0.1:{store.server_port}"})
    origin = f"http://media.example.org:{recipe.port}"
    tokens = {mint("/media/a.pdf", KEY, age=age) for age in (0, 10, 20)}
    assert len(tokens) == 3
    for token in tokens:
        status, headers, body = raw_get(origin, f"/media/a.pdf?token={token}")
        assert (status, body) == (200, b"of the store")
        assert 0 < int(headers["Cache-Control"].removeprefix("max-age=")) <= 120
    assert store.asked == [("/media/a.pdf", None)]
    for target in ("/media/a.pdf", "/media/a.pdf?token=" + mint("/media/a.pdf", KEY, age=7200)):
        assert raw_get(origin, target)[0] == 302
    assert raw_get(origin, f"/media/b.pdf?token={token}")[0] == 403
    assert raw_get(origin, f"/media/a.pdf?page=2&token={token}")[0] == 200
    assert store.asked[1:] == [("/media/a.pdf?page=2", None)]


def test_tokens_of_one_window_are_one_text(server):
    recipe = server("Tokens that a browser's cache can keep")
    names = snippet("Tokens that a browser's cache can keep")
    window, token = names["WINDOW"], names["thumbnail_token"]
    begin = int(time.time()) // window * window
    assert len({token("/media/thumbs", "alice", KEY, now=begin + late) for late in (0, 1, window / 2, window - 1)}) == 1
    assert token("/media/thumbs", "alice", KEY, now=begin + window) != token("/media/thumbs", "alice", KEY, now=begin)
    for late in (0, window - 1):
        end = jwt.decode(token("/media/thumbs", "alice", KEY, begin + late), KEY, ["HS256"])["exp"]
        assert window < end - (begin + late) <= 2 * window
    file = recipe.folder / "media" / "thumbs" / "1.png"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"a thumbnail")
    target = "/media/thumbs/1.png?token=" + token("/media/thumbs", "alice", KEY)
    status, headers, body = raw_get(f"http://media.example.org:{recipe.port}", target)
    assert (status, body) == (200, b"a thumbnail")
    # An hour as `expires` says, since the token had more than that when it was minted.
    assert 3000 < int(headers["Cache-Control"].removeprefix("max-age=")) <= 3600
    assert raw_get(f"http://media.example.org:{recipe.port}", target.replace("thumbs/1", "other/1"))[0] == 403


def test_an_upload_token_is_for_one_place_one_method_and_one_user(server, store):
    recipe = server("Uploads by token", {"127.0.0.1:8000": f"127.0.0.1:{store.server_port}"})
    token = snippet("Uploads by token")["upload_token"]("alice", "report.pdf", KEY)
    media = f"http://media.example.org:{recipe.port}"

    def ask(origin, target, method, **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection("127.0.0.1", urlsplit(origin).port, timeout=20)
        try:
            connection.request(method, target, headers={"Host": urlsplit(origin).netloc, **named})
            return connection.getresponse().status
        finally:
            connection.close()

    bearer = {"Authorization": f"Bearer {token}", "X_Media_Subject": "root"}
    assert ask(media, "/upload/alice/report.pdf", "PUT", **bearer) == 200
    assert store.asked == [("/upload/alice/report.pdf", "alice")]
    for target, method in (
        ("/upload/alice/other.pdf", "PUT"),
        ("/upload/bob/report.pdf", "PUT"),
        ("/upload/alice/report.pdf", "GET"),
        ("/upload/alice/report.pdf", "DELETE"),
    ):
        assert ask(media, target, method, **bearer) == 403
    late = snippet("Uploads by token")["upload_token"]("alice", "report.pdf", KEY, now=time.time() - 3600)
    assert ask(media, "/upload/alice/report.pdf", "PUT", Authorization=f"Bearer {late}") == 401
    # On the application's own host nobody is believed.
    www = f"http://www.example.com:{recipe.port}"
    assert ask(www, "/upload/alice/report.pdf", "PUT", X_Media_Subject="alice") == 200
    assert store.asked[1:] == [("/upload/alice/report.pdf", None)]
