"""make test-unharmed: what the module does to an nginx that does not use it, or not here.

Three servers of the same configuration: one without the module, one that has loaded it, and one in which it guards
another location. Where it does not guard they must answer byte for byte alike, log alike, and take as many
instructions, but for about one percent: counted are those of nginx and the module, for the C library's depend on what
its heap looks like.
"""

import http.client
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measure import Instructions
from series import BUILD, CONTENT, KEY, ROOT, await_port, end, free_ports

sys.path.insert(0, str(ROOT / "nginx-test" / "soak"))
from clients import Http2  # noqa: E402
from samples import Sample  # noqa: E402

# Another build of it.
MODULE = os.environ.get("UNHARMED_MODULE", BUILD / "ngx_http_crossdomain_media_module.so")
# And where it guards nothing.
LOADED = 0.01
# Requests that are counted together, and how often that is done: whatever else happens meanwhile only adds to it.
STEPPED = 3
ROUNDS = 3
SERVERS = ("without", "loaded", "guarding")
LOAD = f"load_module {MODULE};"
GUARDED = """
        location /media/ {
            crossdomain_media https://www.example.com;
            crossdomain_media_key secret_key;
            crossdomain_media_token arg:token cookie:media header:Authorization;
            crossdomain_media_cookie media;
            crossdomain_media_cors https://www.example.com;
            crossdomain_media_cache_control on;
            crossdomain_media_loop_guard 3;
        }
        location /upload/ {
            crossdomain_media_session_arg session;
        }
"""
CONFIGURATION = """
@LOAD@
worker_processes 1;
daemon off;
pid nginx.pid;
error_log error.log info;

events {
    worker_connections 64;
}

http {
    log_format all '$request|$status|$body_bytes_sent|$bytes_sent|$http_cookie|$args|$uri|$request_uri'
        '|$sent_http_cache_control|$sent_http_location|$upstream_status|$request_completion';
    access_log access.log all;
    default_type application/pdf;
    keepalive_requests 1000000;
    client_body_temp_path temp;
    proxy_temp_path temp;
    fastcgi_temp_path temp;
    uwsgi_temp_path temp;
    scgi_temp_path temp;

    server {
        listen 127.0.0.1:@PORT@;
        http2 on;
        server_name media.localhost;
        # Its digits would be as many bytes in HTTP/1.1, but not in HTTP/2.
        port_in_redirect off;
        root files;
        error_page 404 /open/missing.html;

        location /open/ {
            add_header X-Own "own" always;
            expires 1h;
        }
        location /plain/ {
        }
        location /passed/ {
            proxy_pass http://127.0.0.1:@PORT@/upstream/;
            proxy_set_header Connection "";
            proxy_http_version 1.1;
        }
        location /upstream/ {
            add_header Set-Cookie "sessionid=1; Path=/";
            return 200 "$request_uri|$http_cookie|$http_authorization|$http_content_length\\n";
        }
        location /denied/ {
            deny all;
        }
        location /password/ {
            auth_basic "closed";
            auth_basic_user_file users;
        }
        location /rewritten/ {
            rewrite ^/rewritten/(.*) /plain/$1 last;
        }
        location /named/ {
            try_files /nothing @elsewhere;
        }
        location @elsewhere {
            return 204;
        }
        location = /away {
            return 302 https://elsewhere.example/?from=$uri;
        }
@GUARDED@
    }
}
"""
TOKEN = "1r31eq:Au1WAmAZCsKl4C-nAOVVr8hbzgFTAwVaRVQuVyDKcGA"
# A method, a target, headers and a body.
REQUESTS = [
    ("GET", "/open/a.pdf", {}, b""),
    ("HEAD", "/open/a.pdf", {}, b""),
    ("GET", f"/open/a.pdf?token={TOKEN}&a=1", {"Cookie": f"a=1; media={TOKEN}; __Secure-media=x"}, b""),
    ("GET", "/open/a.pdf?Policy=x&Signature=y&Key-Pair-Id=z", {"Cookie": "CloudFront-Policy=x"}, b""),
    ("GET", "/open/~x/a.pdf", {}, b""),
    ("GET", "/open/a.pdf", {"Range": "bytes=10-19"}, b""),
    ("GET", "/open/a.pdf", {"Range": "bytes=10-19,30-39"}, b""),
    ("GET", "/open/a.pdf", {"Range": "bytes=99999-"}, b""),
    ("GET", "/open/a.pdf", {"If-Modified-Since": "Fri, 01 Jan 2038 00:00:00 GMT"}, b""),
    ("GET", "/open/a.pdf", {"If-None-Match": "*"}, b""),
    ("GET", "/open", {}, b""),
    ("GET", "/open/", {}, b""),
    ("GET", "/open/not-there.pdf?session=abc", {}, b""),
    ("GET", "/open/b/%2e%2e/a.pdf", {}, b""),
    ("GET", "/open//a.pdf", {}, b""),
    ("GET", "/../a.pdf", {}, b""),
    ("GET", "/plain/index", {"Origin": "https://www.example.com", "Sec-Fetch-Mode": "cors"}, b""),
    ("OPTIONS", "/plain/a.pdf", {"Origin": "https://www.example.com", "Access-Control-Request-Method": "GET"}, b""),
    ("POST", "/plain/a.pdf", {}, b"x" * 1000),
    ("PUT", "/plain/a.pdf", {}, b"x"),
    ("POST", "/passed/a?session=abc", {"Cookie": f"media={TOKEN}"}, b"x" * 1000),
    ("GET", f"/passed/a%20b?token={TOKEN}", {"Authorization": f"Bearer {TOKEN}", "Cookie": f"media={TOKEN}"}, b""),
    ("HEAD", "/passed/a", {}, b""),
    ("GET", "/denied/a.pdf", {}, b""),
    ("GET", "/password/a.pdf", {}, b""),
    ("GET", "/password/a.pdf", {"Authorization": "Basic bWU6c2VjcmV0"}, b""),
    ("GET", "/rewritten/a.pdf", {}, b""),
    ("GET", "/named/a.pdf", {}, b""),
    ("GET", "/away?a=1", {}, b""),
]
# Of HTTP/1.1, byte for byte.
RAW = [
    b"GET /open/a.pdf HTTP/1.0\r\n\r\n",
    b"GET /open/a.pdf#x HTTP/1.1\r\nHost: media.localhost\r\nConnection: close\r\n\r\n",
    b"GET http://media.localhost/open/a.pdf HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    b"GET /open/a.pdf HTTP/1.1\r\nConnection: close\r\n\r\n",
    b"GET /open/%00 HTTP/1.1\r\nHost: media.localhost\r\n\r\n",
    b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\nHost: media.localhost\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: media.localhost\r\nCookie: " + b"a" * 20000 + b"\r\n\r\n",
    b"nonsense\r\n\r\n",
    b"TRACE / HTTP/1.1\r\nHost: media.localhost\r\nConnection: close\r\n\r\n",
]
# What a request may cost more where the module guards another location. A proxied one is none of them, for it takes as
# many rounds of nginx's event loop as it happens to. The last three are so short that the calls of
# two handlers and a filter alone are about one percent, and an error's page makes them twice.
COUNTED = {
    ("GET", "/open/a.pdf"): 0.01,
    ("HEAD", "/open/a.pdf"): 0.02,
    ("GET", "/open"): 0.02,
    ("GET", "/plain/not-there"): 0.03,
}


class Server:
    def __init__(self, folder, name):
        self.name = name
        self.folder = folder
        (self.port,) = free_ports(1)
        for part in ("open", "plain", "denied", "password", "media"):
            (folder / "files" / part).mkdir(parents=True)
            file = folder / "files" / part / "a.pdf"
            file.write_bytes(CONTENT)
            # ETag and Last-Modified.
            os.utime(file, (1700000000, 1700000000))
        page = folder / "files" / "open" / "missing.html"
        page.write_text("not here\n")
        os.utime(page, (1700000000, 1700000000))
        (folder / "users").write_text("me:{PLAIN}secret\n")
        (folder / "secret_key").write_text(KEY)
        (folder / "secret_key").chmod(0o600)

    def start(self):
        conf = CONFIGURATION.replace("@PORT@", str(self.port))
        conf = conf.replace("@LOAD@", "" if self.name == "without" else LOAD)
        conf = conf.replace("@GUARDED@", GUARDED if self.name == "guarding" else "")
        (self.folder / "nginx.conf").write_text(conf)
        user = ["-g", "user root root;"] if os.geteuid() == 0 else []
        log = self.folder / "start.log"
        with open(log, "ab") as output:
            self.process = subprocess.Popen(
                [BUILD / "nginx", "-p", self.folder, "-c", "nginx.conf", "-e", "error.log", *user],
                stdout=output,
                stderr=output,
            )
        await_port(self.port, self.process, log)
        # Stepping through it, it had better stay where it is.
        os.sched_setaffinity(self.worker(), {min(os.sched_getaffinity(0))})

    def worker(self):
        children = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        (pid,) = Path(children).read_text().split()
        return int(pid)

    def connect(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection._validate_path = lambda target: None
        return connection

    def ask(self, connection, method, target, headers=(), body=b""):
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in {"Host": "media.localhost", **dict(headers)}.items():
            connection.putheader(name, value)
        if body:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body or None)
        response = connection.getresponse()
        return response.status, response.reason, response.getheaders(), response.read()

    def guarded_status(self):
        connection = self.connect()
        status = self.ask(connection, "GET", "/media/a.pdf")[0]
        connection.close()
        return status

    def raw(self, request):
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            answer = b""
            while True:
                try:
                    data = connection.recv(65536)
                except ConnectionResetError:
                    break
                if not data:
                    break
                answer += data
        return answer

    def neutral(self, text):
        """Without what differs between any two servers."""
        text = re.sub(r"\w{3}, \d\d \w{3} 20(?!23)\d\d [\d:]{8} GMT", "DATE", text).replace(str(self.port), "PORT")
        # The boundary of several ranges counts up.
        return re.sub(r"\b0\d{19}\b", "BOUNDARY", text)

    def answers(self):
        connection = self.connect()
        for method, target, headers, body in REQUESTS:
            answer = self.ask(connection, method, target, headers, body)
            yield f"{method} {target} {headers}", self.neutral(repr(answer))
        connection.close()
        for request in RAW:
            yield repr(request[:80]), self.neutral(repr(self.raw(request)))
        connection = Http2(self.port)
        for method, target, headers, body in REQUESTS:
            if not body:
                lower = {name.lower(): value for name, value in headers.items()}
                (answer,) = connection.ask([Sample("", target, lower, method)])
                yield f"HTTP/2 {method} {target} {headers}", self.neutral(repr(answer))
        connection.close()

    def log(self, name):
        return self.neutral((self.folder / name).read_text(errors="replace"))


def outside_libc(server, addresses):
    """How many of the counted instructions are not the C library's, whose malloc goes another way in each process."""
    ranges = []
    for line in Path(f"/proc/{server.worker()}/maps").read_text().splitlines():
        fields = line.split(maxsplit=5)
        if len(fields) == 6 and re.search(r"/(libc|ld-linux)[^/]*$", fields[5]):
            ranges.append([int(bound, 16) for bound in fields[0].split("-")])
    total = 0
    for line in addresses.read_text().splitlines():
        address, executed = line.split()
        if not any(start <= int(address, 16) < stop for start, stop in ranges):
            total += int(executed)
    return total


def instructions(server, counter, method, target):
    """Per request: all, and those outside of the C library."""
    connection = server.connect()

    def act():
        server.ask(connection, method, target)

    def rare():
        # nginx leaves a timer alone that it has set less than 300 ms ago.
        time.sleep(0.4)
        act()

    addresses = server.folder / "addresses"
    rounds = []
    for _ in range(ROUNDS):
        # Also so that what stepped through it is gone when it is stepped through again.
        for _ in range(100):
            act()
        counts = counter.count_by_steps([server.worker()], [rare] * STEPPED, addresses=[addresses])
        rounds.append((sum(counts) / STEPPED, outside_libc(server, addresses) / STEPPED))
    connection.close()
    return [min(figures) for figures in zip(*rounds, strict=True)]


def main():
    (BUILD / "bench").mkdir(exist_ok=True)
    # Also where there is a counter: what it counts differs by more from run to run.
    counter = Instructions(stepping=True)
    failures = []
    folder = Path(tempfile.mkdtemp(prefix="unharmed-"))
    folder.chmod(0o755)
    # Paths of equal length, because nginx copies them.
    servers = [Server(folder / str(number), name) for number, name in enumerate(SERVERS)]
    try:
        for server in servers:
            server.start()
        usual, *others = [dict(server.answers()) for server in servers]
        for server, answers in zip(servers[1:], others, strict=True):
            for asked, answer in answers.items():
                if answer != usual[asked]:
                    failures.append(
                        f"{server.name}: {asked}:\n  {answer[:600]}\n  and without the module:\n  {usual[asked][:600]}"
                    )
        print(f"{len(usual)} requests are answered alike" if not failures else "answers differ")
        # The guard is there: otherwise all of this would say nothing.
        guarded = [server.guarded_status() for server in servers]
        if guarded != [200, 200, 302]:
            failures.append(f"the guarded location answered {guarded}")
        table = {}
        for method, target in COUNTED:
            table[method, target] = [instructions(server, counter, method, target) for server in servers]
    finally:
        for server in servers:
            if hasattr(server, "process"):
                end(server.process)
    logs = [server.log("access.log").splitlines() for server in servers]
    # Of the request that asked whether the guard is there.
    logs = [[line for line in log if not line.startswith("GET /media/")] for log in logs]
    for server, log in zip(servers[1:], logs[1:], strict=True):
        if log != logs[0]:
            differing = next(
                ((one, other) for one, other in zip(log, logs[0]) if one != other), (len(log), len(logs[0]))
            )
            failures.append(f"{server.name}: the access log differs: {differing}")
    for server in servers:
        ours = [line for line in server.log("error.log").splitlines() if "crossdomain_media" in line]
        # Of the request that asked whether the guard is there.
        ours = [line for line in ours if "GET /media/" not in line]
        if ours:
            failures.append(f"{server.name}: the error log has lines of ours: {ours[0]}")
    if not failures:
        print(f"{len(logs[0])} lines of the access log are the same")
    print(f"{'instructions, all':24}" + "".join(f"{server.name:>22}" for server in servers))
    for which, title in enumerate(("", "outside of the C library")):
        if title:
            print(title)
        for (method, target), counts in table.items():
            plain, *others = [count[which] for count in counts]
            cells = [f"{count:.0f} ({count / plain - 1:+.2%})" for count in others]
            print(f"{method + ' ' + target:24}{plain:>22.0f}" + "".join(f"{cell:>22}" for cell in cells))
            limits = LOADED, COUNTED[method, target]
            for server, count, limit in zip(servers[1:], others, limits, strict=True):
                if title and count > plain * (1 + limit):
                    failures.append(f"{server.name}: {method} {target} takes {count / plain - 1:.2%} more instructions")
    for failure in failures:
        print(failure, file=sys.stderr)
    if failures:
        print(f"the servers are in {folder}", file=sys.stderr)
    else:
        shutil.rmtree(folder)
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
