"""docs/recipes.md and the examples' configurations: they load, and what they say of themselves holds."""

import http.client
import re
import shutil
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import jwt
import pytest
from client import raw_get
from stack import MODULE, NGINX, ROOT, Stack, eventually
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
    others = {"mint.key": f"{KEY}, another\n", "secret_key.previous": f"{KEY}, last year's\n"}
    for name in ("secret_key", "jwt.key", "media_token_key", *others):
        (folder / name).write_text(others.get(name, KEY + "\n"))
        (folder / name).chmod(0o600)
    shutil.copy(ROOT / "build" / "nginx-source" / "conf" / "mime.types", folder)
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
        for name, value in self.server.answers.get(self.path, {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_PUT = do_GET

    def log_message(self, *arguments):
        pass


@pytest.fixture
def store():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Store)
    server.asked, server.answers = [], {}
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


def put(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"this is {name}")


def test_public_objects_need_no_token_and_mixed_ones_ask_the_application(server, store, tmp_path):
    places = {"/srv/": f"{tmp_path}/recipe/", "127.0.0.1:8000": f"127.0.0.1:{store.server_port}"}
    recipe = server("Public and private mixed", places)
    put(recipe.folder, "media/public/a.txt", "media/b.txt", "media/mixed/c.txt", "media/mixed/d.txt")
    media = f"http://media.example.org:{recipe.port}"
    assert raw_get(media, "/media/public/a.txt")[::2] == (200, b"this is media/public/a.txt")
    status, headers, _ = raw_get(media, "/media/b.txt")
    assert (status, headers["Location"]) == (302, "https://www.example.com/media/b.txt")
    assert raw_get(media, "/media/public/../b.txt")[0] == 302
    assert store.asked == []
    store.answers = {"/media/mixed/c.txt": {"X-Accel-Redirect": "/protected/mixed/c.txt"}}
    assert raw_get(media, "/media/mixed/c.txt")[::2] == (200, b"this is media/mixed/c.txt")
    assert [target for target, _ in store.asked] == ["/media/mixed/c.txt"]
    # Nobody comes there from outside, and who has a token is not asked about.
    assert raw_get(media, "/protected/mixed/c.txt")[0] == 404
    target = "/media/mixed/d.txt?token=" + mint("/media/mixed/d.txt", KEY)
    assert raw_get(media, target)[::2] == (200, b"this is media/mixed/d.txt")
    assert raw_get(media, "/media/mixed/d.txt?token=" + mint("/media/mixed/c.txt", KEY))[0] == 403
    assert len(store.asked) == 1


PRIMARY_KEYS = """
from django.conf import settings

settings.configure(SITE_URL="https://www.example.com", MEDIA_URL="https://media.example.org/media/", SECRET_KEY=sys.argv[1],
                   ROOT_URLCONF="urls", MEDIA_ROOT="/nowhere")
import django
from django.core.files.storage import FileSystemStorage
from django.urls import path

sys.modules["urls"] = types.SimpleNamespace(urlpatterns=[path("document/<int:pk>/", lambda request: None, name="document")])
django.setup()
file = types.SimpleNamespace(url=FileSystemStorage().url("17/Bericht \u00fc (1).txt"))
auth = DocumentAuth({"object": types.SimpleNamespace(pk=17, file=file)})
print(auth.get_full_auth_url(), auth.get_full_media_url(authorized=True))
"""


def test_the_view_of_a_primary_key_signs_the_path_of_the_file(server):
    recipe = server("Views by primary key")
    code = "import sys, types\n" + PRIMARY_KEYS.replace(
        "auth = ", block("Views by primary key", "python") + "\nauth = "
    )
    made = subprocess.run([sys.executable, "-c", code, KEY], capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    view, url = map(urlsplit, made.stdout.split())
    assert (view.netloc, view.path) == ("www.example.com", "/document/17/")
    assert url.netloc == "media.example.org"
    put(recipe.folder, "media/17/Bericht \u00fc (1).txt", "media/18/other.txt", "media/x/other.txt")
    media = f"http://media.example.org:{recipe.port}"
    assert raw_get(media, f"{url.path}?{url.query}")[::2] == (200, "this is media/17/Bericht \u00fc (1).txt".encode())
    for path, view in (
        (url.path, "https://www.example.com/document/17/"),
        ("/media/18/other.txt", "https://www.example.com/document/18/"),
        ("/media/x/other.txt", "https://www.example.com/media/x/other.txt"),
    ):
        status, headers, _ = raw_get(media, path)
        assert (status, headers["Location"]) == (302, view)
    assert raw_get(media, f"/media/18/other.txt?{url.query}")[0] == 403


def test_what_can_run_is_saved_and_not_shown(server):
    recipe = server("Headers for uploads")
    sandbox = "sandbox; default-src 'none'; img-src 'self'; style-src 'unsafe-inline'"
    shown = {name: (None, sandbox) for name in ("a.png", "a.jpg", "a.webp", "a.txt")}
    shown |= {name: (None, None) for name in ("a.mp4", "a.mp3", "a.pdf")}
    saved = {name: ("attachment", sandbox) for name in ("a.html", "a.svg", "a.xml", "a.js", "a.zip", "a.unknown", "a")}
    for name, (disposition, policy) in (shown | saved).items():
        put(recipe.folder, f"media/{name}")
        token = mint(f"/media/{name}", KEY)
        status, headers, _ = raw_get(f"http://media.example.org:{recipe.port}", f"/media/{name}?token={token}")
        assert (status, headers["X-Content-Type-Options"]) == (200, "nosniff"), name
        assert headers.get("Content-Disposition") == disposition, name
        assert headers.get("Content-Security-Policy") == policy, name
        # The module's own are there as well.
        assert headers["Referrer-Policy"] == "no-referrer"


def test_a_token_for_one_host_does_not_hold_on_another(server, tmp_path):
    recipe = server("Several media hosts", {"/srv/": f"{tmp_path}/recipe/"})
    put(recipe.folder, "first/a.txt", "archive/a.txt")
    hosts = {"media.example.org": "first", "media-eu.example.org": "first", "archive.example.org": "archive"}
    for audience in ("media.example.org", "archive.example.org"):
        claims = {"path": "/a.txt", "exp": int(time.time()) + 60, "aud": f"https://{audience}"}
        target = "/a.txt?token=" + jwt.encode(claims, KEY, algorithm="HS256")
        for host, folder in hosts.items():
            status, _, body = raw_get(f"http://{host}:{recipe.port}", target)
            is_for = (audience == "archive.example.org") == (folder == "archive")
            assert (status, body) == (200, f"this is {folder}/a.txt".encode()) if is_for else status == 403
    for host, application in (
        ("media-eu.example.org", "www.example.com"),
        ("archive.example.org", "archive.example.com"),
    ):
        assert raw_get(f"http://{host}:{recipe.port}", "/a.txt")[1]["Location"] == f"https://{application}/a.txt"


def test_links_of_the_old_key_hold_and_those_of_a_removed_one_are_renewed(server):
    recipe = server("Key rotation without a broken link")
    put(recipe.folder, "media/a.txt")
    media = f"http://media.example.org:{recipe.port}"
    for key in (KEY, f"{KEY}, last year's"):
        assert raw_get(media, "/media/a.txt?token=" + mint("/media/a.txt", key))[0] == 200
    status, headers, _ = raw_get(media, "/media/a.txt?token=" + mint("/media/a.txt", f"{KEY}, of before"))
    assert (status, headers["Location"]) == (302, "https://www.example.com/media/a.txt")
    cookie = headers["Set-Cookie"].partition(";")[0].rpartition("=")[0]
    assert cookie == "crossdomain_media_loop"
    log = recipe.folder / "logs" / "media.log"
    eventually(lambda: len(log.read_text().splitlines()) == 3, "the access log")
    assert re.findall(r'key="(.*?)"', log.read_text()) == ["2026", "2025", "-"]


def test_behind_a_proxy_the_viewer_has_an_address_and_the_site_a_name(server, tmp_path):
    places = {"8080": "127.0.0.1:@PORT@", "10.0.0.0/8": "127.0.0.0/8", "/srv": str(tmp_path / "recipe")}
    recipe = server("Behind a CDN or load balancer", places)
    put(recipe.folder, "media/a.txt", "media/folder/a.txt")
    origin = f"http://media.example.org:{recipe.port}"
    claims = {"path": "/media/*", "ip": "192.0.2.7", "exp": int(time.time()) + 60}
    target = "/media/a.txt?token=" + jwt.encode(claims, KEY, algorithm="HS256")
    status, headers, _ = raw_get(origin, target, headers={"X-Forwarded-For": "198.51.100.1, 192.0.2.7"})
    assert (status, headers["Cache-Control"].split(", ")[-1]) == (200, "private")
    assert raw_get(origin, target, headers={"X-Forwarded-For": "192.0.2.7, 198.51.100.1"})[0] == 403
    assert raw_get(origin, target)[0] == 403
    uri = "regex:https://media\\.example\\.org/media/a\\.txt"
    claims = {"cdniuc": uri, "exp": int(time.time()) + 60}
    target = "/media/a.txt?token=" + jwt.encode(claims, KEY, algorithm="HS256")
    status, headers, _ = raw_get(origin, target)
    assert status == 200
    assert 0 < int(headers["Cache-Control"].removeprefix("max-age=")) <= 60
    claims = {"path": "/media/*", "exp": int(time.time()) + 60}
    status, headers, _ = raw_get(origin, "/media/folder?token=" + jwt.encode(claims, KEY, algorithm="HS256"))
    assert (status, headers["Location"].partition("?")[0]) == (301, "/media/folder/")


def test_a_playlist_and_its_segments_have_the_token_in_the_path(server):
    recipe = server("HLS with the token in the path")
    put(recipe.folder, "media/course/1/master.m3u8", "media/course/1/low/1.ts", "media/course/2/master.m3u8")
    url = urlsplit(snippet("HLS with the token in the path")["playlist_url"]("course/1", "alice", KEY))
    assert url.netloc == "media.example.org"
    media = f"http://media.example.org:{recipe.port}"
    status, headers, body = raw_get(media, url.path)
    assert (status, body) == (200, b"this is media/course/1/master.m3u8")
    assert headers["Content-Type"] == "application/vnd.apple.mpegurl"
    folder = url.path.rpartition("/")[0]
    status, headers, body = raw_get(media, f"{folder}/low/1.ts", headers={"Origin": "https://www.example.com"})
    assert (status, body) == (200, b"this is media/course/1/low/1.ts")
    assert headers["Access-Control-Allow-Origin"] == "https://www.example.com"
    assert raw_get(media, url.path.replace("course/1", "course/2"))[0] == 403
    late = snippet("HLS with the token in the path")["playlist_url"]("course/1", "alice", KEY, seconds=-1)
    status, headers, _ = raw_get(media, urlsplit(late).path)
    assert (status, headers["Location"]) == (302, "https://www.example.com/media/course/1/master.m3u8")
