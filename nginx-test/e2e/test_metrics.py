"""Counters and the list of what is revoked: what a real scraper reads, over workers, reloads and deaths of workers."""

import os
import signal
import subprocess
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import jwt
import pytest
from client import raw_get
from prometheus_client.parser import text_string_to_metric_families
from stack import MODULE, NGINX, await_port, end, eventually, free_ports
from tokens import mint

KEY = "a-key-that-is-long-enough-for-counters-0123456789"
CONFIGURATION = """\
daemon off;
worker_processes 2;
pid nginx.pid;
load_module %(module)s;
events {}
http {
    access_log off;
    crossdomain_media_zone media:%(size)s;
    server {
        listen 127.0.0.1:%(port)d;
        server_name media.example.org;
        root .;
        crossdomain_media https://www.example.com;
        crossdomain_media_key key id=django;
        crossdomain_media_key key format=jwt id=jwt;
        crossdomain_media_revoked revoked;
        location = /metrics {
            crossdomain_media off;
            crossdomain_media_metrics;
        }
    }
}
"""


class Site:
    def __init__(self, folder):
        self.folder = folder
        (self.port,) = free_ports(1)
        self.origin = f"http://127.0.0.1:{self.port}"
        self.process = None
        (folder / "logs").mkdir()
        (folder / "a.txt").write_text("private")
        (folder / "key").write_text(KEY)
        (folder / "key").chmod(0o600)
        self.write(revoked="", size="1m")

    def write(self, revoked=None, size=None):
        if revoked is not None:
            (self.folder / "revoked").write_text(revoked)
        if size:
            text = CONFIGURATION % {"module": MODULE, "port": self.port, "size": size}
            (self.folder / "nginx.conf").write_text(text)

    def start(self):
        log = self.folder / "logs" / "error.log"
        # The folder is for nobody else.
        user = ["-g", "user root root;"] if os.geteuid() == 0 else []
        command = [NGINX, "-p", self.folder, "-c", "nginx.conf", "-e", log, *user]
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        await_port(self.port, self.process, log)
        return self

    def stop(self):
        end(self.process)

    def workers(self):
        children = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        with open(children) as file:
            return {int(pid) for pid in file.read().split()}

    def reload(self):
        before = self.workers()
        self.process.send_signal(signal.SIGHUP)
        eventually(lambda: len(self.workers()) == 2 and not self.workers() & before, "new workers")

    def ask(self, token=None):
        status, headers, _ = raw_get(self.origin, "/a.txt" + (f"?token={token}" if token else ""))
        return status

    def families(self):
        status, headers, body = raw_get(self.origin, "/metrics")
        assert (status, headers["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
        return {family.name: family for family in text_string_to_metric_families(body.decode())}

    def decisions(self):
        """How often, by status, reason, format and key."""
        counts = Counter()
        for sample in self.families()["crossdomain_media_decisions"].samples:
            labels = sample.labels
            assert sample.name == "crossdomain_media_decisions_total"
            assert (labels.pop("zone"), labels.pop("server")) == ("media", "media.example.org")
            counts[" ".join(labels[name] or "-" for name in ("status", "reason", "format", "key"))] = sample.value
        return counts


@pytest.fixture
def site(tmp_path):
    site = Site(tmp_path)
    try:
        yield site.start()
    finally:
        site.stop()


def token(life=3600, **claims):
    return jwt.encode({"path": "/a.txt", "exp": int(time.time()) + life, **claims}, KEY, "HS256")


def test_what_a_scraper_reads(site):
    asked = [mint("/a.txt", KEY)] * 3 + [mint("/a.txt", KEY, age=9999), mint("/b.txt", KEY), None, token(), token(-60)]
    statuses = [site.ask(each) for each in asked]
    assert statuses == [200, 200, 200, 302, 403, 302, 200, 302]
    assert site.decisions() == {
        "granted valid django django": 3,
        "expired token_expired django django": 1,
        "invalid bad_signature django -": 1,
        "missing no_token - -": 1,
        "granted valid jwt jwt": 1,
        "expired token_expired jwt jwt": 1,
    }
    families = site.families()
    assert {name: family.type for name, family in families.items()} == {
        "crossdomain_media_decisions": "counter",
        "crossdomain_media_decision_duration_seconds": "histogram",
        "crossdomain_media_decisions_lost": "counter",
    }
    assert all(family.documentation for family in families.values())
    (lost,) = families["crossdomain_media_decisions_lost"].samples
    assert lost.value == 0
    histogram = families["crossdomain_media_decision_duration_seconds"].samples
    for form, count in (("django", 5), ("jwt", 2), ("", 1)):
        own = [sample for sample in histogram if sample.labels["format"] == form]
        buckets = [(float(s.labels["le"]), s.value) for s in own if s.name.endswith("_bucket")]
        assert buckets == sorted(buckets) and [value for _, value in buckets] == sorted(value for _, value in buckets)
        assert buckets[-1] == (float("inf"), count)
        (total,) = [sample.value for sample in own if sample.name.endswith("_count")]
        (seconds,) = [sample.value for sample in own if sample.name.endswith("_sum")]
        assert total == count and 0 < seconds < 10


def test_all_workers_count_in_one_table_and_reloads_and_deaths_keep_it(site):
    good = mint("/a.txt", KEY)

    def load(count):
        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(lambda _: site.ask(good), range(count))) == {200}

    load(400)
    assert site.decisions()["granted valid django django"] == 400
    site.reload()
    load(100)
    assert site.decisions()["granted valid django django"] == 500
    before = site.workers()
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: len(site.workers()) == 2 and not site.workers() & before, "workers after a death")
    eventually(lambda: site.decisions() is not None, "an answer")
    load(100)
    assert site.decisions()["granted valid django django"] == 600


def test_another_size_begins_at_zero_as_nginx_does_it(site):
    site.ask()
    assert site.decisions()["missing no_token - -"] == 1
    site.write(size="2m")
    site.reload()
    assert site.decisions() == {}


def test_what_is_revoked_takes_effect_with_a_reload_and_so_does_the_end_of_it(site):
    mallory = token(sub="mallory")
    assert site.ask(mallory) == 200
    site.write(revoked="sub mallory\n")
    assert site.ask(mallory) == 200
    site.reload()
    assert site.ask(mallory) == 403
    assert site.ask(token(sub="alice")) == 200
    assert site.decisions()["invalid revoked jwt jwt"] == 1
    # A list that cannot be read leaves the old one at work.
    site.write(revoked="everybody\n")
    site.process.send_signal(signal.SIGHUP)
    log = site.folder / "logs" / "error.log"
    eventually(lambda: "line 1: expected" in log.read_text(), "the error in the log")
    assert site.ask(mallory) == 403
    site.write(revoked="# nobody\n")
    site.reload()
    assert site.ask(mallory) == 200
