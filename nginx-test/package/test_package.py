"""The life of the Debian packages beside Debian's own nginx: one test after another, in a root of their own."""

import contextlib
import hashlib
import http.client
import os
import stat
import subprocess
import threading
import time
from collections import Counter
from pathlib import Path

import jwt
import pytest
from tokens import mint

ROOT = Path(os.environ["PACKAGE_ROOT"])
MODULE = "libnginx-mod-http-crossdomain-media"
TOOL = "crossdomain-media"
# Without those for debuggers.
PACKAGES = {
    name: file
    for name in (MODULE, TOOL)
    for file in (Path(__file__).resolve().parents[2] / "build" / "package").glob(f"{name}_*.deb")
}
SHARED_OBJECT = "usr/lib/nginx/modules/ngx_http_crossdomain_media_module.so"
AVAILABLE = "usr/share/nginx/modules-available/mod-http-crossdomain-media.conf"
ENABLED = "etc/nginx/modules-enabled/50-mod-http-crossdomain-media.conf"
# The server's own and dpkg's books.
VOLATILE = ("dev", "proc", "run", "tmp", "var/cache", "var/lib/apt", "var/lib/dpkg", "var/log")

KEY = "package-secret-key-long-enough-for-everybody-0123456789"
NEXT_KEY = "the-key-after-the-first-one-also-long-enough-0123456789"
JWT_KEY = "a-secret-for-json-web-tokens-also-long-enough-0123456789"
BODY = b"a private document\n"
SITE = """\
server {
    listen 127.0.0.1:24120;
    root   /srv;

    location /media/ {
        crossdomain_media     https://www.example.com;
        crossdomain_media_key media.key id=django;
        crossdomain_media_key media.jwt format=jwt id=jwt;
    }
}
"""


def run(*command, status=0):
    """In the root, as on a machine of its own."""
    path = "/usr/sbin:/usr/bin:/sbin:/bin"
    done = subprocess.run(
        ["chroot", ROOT, *command],
        check=False,
        env={"PATH": path, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    assert done.returncode == status, f"{command}: {done.returncode}\n{done.stdout}"
    return done.stdout


def get(target, port=24120):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", target)
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


def eventually(what, seconds=60):
    """nginx reloads when it comes to it."""
    end = time.monotonic() + seconds
    while True:
        try:
            if what():
                return
        except OSError:
            pass
        assert time.monotonic() < end, f"not within {seconds} s: {what.__doc__ or what}"
        time.sleep(0.05)


def files():
    """What is in the root, but what a running system changes by itself."""
    found = {}
    for folder, folders, names in os.walk(ROOT):
        at = Path(folder).relative_to(ROOT)
        folders[:] = [name for name in folders if str(at / name) not in VOLATILE]
        for name in folders + names:
            path = Path(folder, name)
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode):
                content = os.readlink(path)
            elif stat.S_ISREG(mode):
                content = hashlib.sha256(path.read_bytes()).hexdigest()
            else:
                content = None
            found[str(at / name)] = oct(mode), content
    return found


def processes():
    """Of this namespace, but its first and this one."""
    return {int(name) for name in os.listdir("/proc") if name.isdigit()} - {1, os.getpid()}


def master():
    return int((ROOT / "run/nginx.pid").read_text())


def workers():
    return Path(f"/proc/{master()}/task/{master()}/children").read_text().split()


def loaded():
    """By how many of the workers, and of how many: those of an old configuration go when they are done."""
    maps = [Path(f"/proc/{pid}/maps").read_text() for pid in workers()]
    return sum("ngx_http_crossdomain_media_module.so" in text for text in maps), len(maps)


def all_workers_have_it():
    """every worker has the module"""
    having, of = loaded()
    return 0 < having == of


def no_worker_has_it():
    """no worker has the module"""
    having, of = loaded()
    return having == 0 < of


def mapped(pid):
    """Which file of the module a process has loaded, by its inode, and whether that is still the installed one."""
    lines = [line for line in Path(f"/proc/{pid}/maps").read_text().splitlines() if SHARED_OBJECT in line]
    (inode,) = {line.split()[4] for line in lines}
    (deleted,) = {line.endswith(" (deleted)") for line in lines}
    return int(inode), not deleted


@contextlib.contextmanager
def asking(target):
    """Asks all the time, and counts the answers."""
    answers, done = Counter(), threading.Event()

    def ask():
        while not done.wait(0.01):
            try:
                answers[get(target)[0]] += 1
            except (OSError, http.client.HTTPException) as error:
                answers[repr(error)] += 1

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield answers
    finally:
        done.set()
        thread.join()


@pytest.fixture(scope="module", autouse=True)
def system():
    """The root, with Debian's nginx running as its package configures it."""
    assert os.getppid() == 1, "test.sh runs this"
    subprocess.run(["mount", "-t", "proc", "proc", ROOT / "proc"], check=True)
    run("ip", "link", "set", "lo", "up")
    # There is no init that would say so: services may be reloaded.
    policy = ROOT / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 0\n")
    policy.chmod(0o755)
    for name, file in PACKAGES.items():
        (ROOT / "tmp" / f"{name}.deb").write_bytes(file.read_bytes())
    run("/etc/init.d/nginx", "start")
    eventually(lambda: get("/", port=80)[0] == 200)
    yield
    run("/etc/init.d/nginx", "stop")


@pytest.fixture(scope="module")
def before(system):
    return files()


def install(*options):
    # Without a network: whatever else the packages depended on could not be had.
    run("apt-get", "install", "--yes", *options, *(f"/tmp/{name}.deb" for name in PACKAGES))


def site(name, content):
    (ROOT / "etc/nginx" / name).write_text(content)
    (ROOT / "etc/nginx" / name).chmod(0o600)


def test_installing_enables_the_module_and_reloads_nginx(before):
    assert MODULE in PACKAGES
    nginx = master()
    install()
    eventually(all_workers_have_it)
    assert master() == nginx
    assert (ROOT / AVAILABLE).read_text() == "load_module modules/ngx_http_crossdomain_media_module.so;\n"
    assert os.readlink(ROOT / ENABLED) == f"/{AVAILABLE}"
    run("nginx", "-t")
    assert run("dpkg", "--verify", MODULE) == ""


def test_it_depends_on_the_nginx_that_it_was_built_for():
    provided = run("dpkg-query", "--show", "--showformat=${Provides}", "nginx").split(", ")
    abi = [name for name in provided if name.startswith("nginx-abi-")]
    depends = run("dpkg-query", "--show", "--showformat=${Depends}", MODULE).split(", ")
    assert len(abi) == 1 and abi[0] in depends, (provided, depends)


def test_what_is_documented_is_installed():
    documents = ROOT / "usr/share/doc" / MODULE
    names = ["copyright", "changelog.gz", "changelog.Debian.gz", "README.md", "third-party.txt.gz", "docs/install.md"]
    for name in names:
        assert (documents / name).is_file(), name


def test_no_path_of_the_builder_is_in_the_module():
    content = (ROOT / SHARED_OBJECT).read_bytes()
    for path in (Path(__file__).resolve().parents[2], Path(os.environ.get("CARGO_HOME", "~/.cargo")).expanduser()):
        assert str(path).encode() not in content, path


def test_media_are_served_with_a_token_and_redirected_without():
    (ROOT / "srv/media/folder").mkdir(parents=True)
    (ROOT / "srv/media/a.pdf").write_bytes(BODY)
    (ROOT / "srv/media/folder/b.pdf").write_bytes(BODY)
    site("media.key", KEY)
    site("media.jwt", JWT_KEY)
    site("conf.d/media.conf", SITE)
    run("nginx", "-t")
    run("/etc/init.d/nginx", "reload")
    eventually(lambda: get("/media/a.pdf")[0])

    status, headers, _ = get("/media/a.pdf?page=2")
    assert (status, headers["Location"]) == (302, "https://www.example.com/media/a.pdf?page=2")
    token = mint("/media/a.pdf", KEY)
    assert get(f"/media/a.pdf?token={token}")[::2] == (200, BODY)
    assert get(f"/media/folder/b.pdf?token={token}")[0] == 403
    assert get(f"/media/a.pdf?token={mint('/media/a.pdf', NEXT_KEY)}")[0] == 403
    assert get(f"/media/a.pdf?token={mint('/media/a.pdf', KEY, age=200)}")[0] == 302
    folder = jwt.encode({"path": "/media/folder/*", "exp": int(time.time()) + 60}, JWT_KEY, algorithm="HS256")
    assert get(f"/media/folder/b.pdf?token={folder}")[::2] == (200, BODY)
    assert get(f"/media/a.pdf?token={folder}")[0] == 403


def test_a_key_is_replaced_by_a_reload():
    site("media.key", NEXT_KEY)
    target = f"/media/a.pdf?token={mint('/media/a.pdf', NEXT_KEY)}"
    assert get(target)[0] == 403
    run("/etc/init.d/nginx", "reload")
    eventually(lambda: get(target)[0] == 200)
    eventually(lambda: get(f"/media/a.pdf?token={mint('/media/a.pdf', KEY)}")[0] == 403)


def test_a_new_version_is_loaded_by_an_upgrade_of_the_process_or_a_restart_and_not_by_a_reload():
    # The same files as another version.
    run("dpkg-deb", "--raw-extract", f"/tmp/{MODULE}.deb", "/tmp/next")
    control = ROOT / "tmp/next/DEBIAN/control"
    upstream, revision = run("dpkg-query", "--show", "--showformat=${Version}", MODULE).rsplit("-", 1)
    version, new = f"{upstream}-{revision}", f"{upstream}-{int(revision) + 1}"
    control.write_text(control.read_text().replace(f"\nVersion: {version}\n", f"\nVersion: {new}\n"))
    run("dpkg-deb", "--build", "-Zgzip", "/tmp/next", "/tmp/next.deb")

    def upgrade(*options, file):
        first, old = master(), set(workers())
        run("apt-get", "install", "--yes", *options, file)
        eventually(lambda: workers() and not old & set(workers()))
        assert master() == first
        return [mapped(pid) for pid in (first, *workers())]

    file, installed = mapped(master())
    assert installed
    with asking("/media/a.pdf") as answers:
        having = upgrade(file="/tmp/next.deb")
        assert run("dpkg-query", "--show", "--showformat=${Version}", MODULE) == new
        assert set(having) == {(file, False)}
        run("/etc/init.d/nginx", "upgrade")
        eventually(lambda: not (ROOT / "run/nginx.pid.oldbin").exists())
        eventually(workers)
        (next_file, installed), *others = [mapped(pid) for pid in (master(), *workers())]
        assert next_file != file and installed
        assert others and set(others) == {(next_file, True)}
    assert set(answers) == {302} and answers[302] > 10, answers

    having = upgrade("--allow-downgrades", file=f"/tmp/{MODULE}.deb")
    assert set(having) == {(next_file, False)}
    run("/etc/init.d/nginx", "restart")
    eventually(lambda: get("/media/a.pdf")[0] == 302)
    (file, installed), *others = [mapped(pid) for pid in (master(), *workers())]
    assert file != next_file and installed
    assert others and set(others) == {(file, True)}


def test_nginx_says_what_is_missing_when_the_module_goes_before_its_directives():
    run("apt-get", "remove", "--yes", MODULE)
    assert 'unknown directive "crossdomain_media"' in run("nginx", "-t", status=1)
    # The reload was refused, and the media are as private as before.
    assert get("/media/a.pdf")[0] == 302
    install()
    assert os.readlink(ROOT / ENABLED) == f"/{AVAILABLE}"
    run("nginx", "-t")


def test_a_link_that_the_administrator_removed_stays_removed():
    (ROOT / "etc/nginx/conf.d/media.conf").unlink()
    (ROOT / ENABLED).unlink()
    install("--reinstall")
    assert not os.path.lexists(ROOT / ENABLED)
    os.symlink(f"/{AVAILABLE}", ROOT / ENABLED)
    run("/etc/init.d/nginx", "reload")
    eventually(all_workers_have_it)


def test_removing_it_leaves_an_nginx_that_runs_without_it():
    nginx = master()
    run("apt-get", "remove", "--yes", MODULE)
    eventually(no_worker_has_it)
    assert master() == nginx
    assert not os.path.lexists(ROOT / ENABLED)
    assert not (ROOT / SHARED_OBJECT).exists()
    run("nginx", "-t")
    assert get("/", port=80)[0] == 200


def test_the_tool_is_a_package_of_its_own():
    assert "Usage: crossdomain-media" in run(TOOL, "--help")
    assert run("dpkg", "--verify", TOOL) == ""


def test_purging_leaves_no_file(before):
    install()
    run("apt-get", "purge", "--yes", *PACKAGES)
    for name in ("media.key", "media.jwt"):
        (ROOT / "etc/nginx" / name).unlink()
    for name in ("media/folder/b.pdf", "media/a.pdf"):
        (ROOT / "srv" / name).unlink()
    for name in ("media/folder", "media"):
        (ROOT / "srv" / name).rmdir()
    after = files()
    assert {name: (before.get(name), after.get(name)) for name in before.keys() ^ after.keys()} == {}
    assert {name for name in before if before[name] != after[name]} == set()


def test_nginx_stops_and_starts_again():
    run("/etc/init.d/nginx", "stop")
    eventually(lambda: not processes())
    run("nginx", "-t")
    run("/etc/init.d/nginx", "start")
    eventually(lambda: get("/", port=80)[0] == 200)
    eventually(no_worker_has_it)
