"""URLs and cookies of botocore and of @aws-sdk/cloudfront-signer, as they come and changed: nginx says of each what an
independent reading of the rules says (rules.py).
"""

import http.client
import os
import random
import re
import time
from collections import Counter, defaultdict
from email.utils import parsedate_to_datetime
from urllib.parse import unquote

import pytest
from credentials import Changes, Maker, by_botocore, by_sdk
from rules import Key, Site, verdict, without_parameters
from signers import Botocore, Sdk, new_key, public_pem
from stack import E2E, Stack, content

SEED = int(os.environ.get("CLOUDFRONT_SEED") or random.SystemRandom().randrange(2**32))
SIGNED_BY_EACH = 2000
CHANGED = 5
FILE = "file.txt"
STATUS = {"granted": 200, "missing": 302, "expired": 302, "invalid": 403}

# Keys by id: bits of RSA, or P-256, and the one hash that nginx takes with it. One that nginx does not know.
KEYS = {
    "K2048": (2048, None),
    "K2048B": (2048, None),
    "K3072": (3072, None),
    "KP256": (None, None),
    "K2048SHA256": (2048, "SHA256"),
    "KP256SHA1": (None, "SHA1"),
    "KUNKNOWN": (2048, None),
}
# What the servers say beside the keys, and how the rules have it.
SERVERS = {
    "media.localhost": ("", {}),
    "any.localhost": ("", {"any_http": True}),
    "late.localhost": ("crossdomain_media_leeway 1h;", {"leeway": 3600}),
    "behind.localhost": ("crossdomain_media_public_url https://cdn.localhost;", {"origin": "https://cdn.localhost"}),
}


class CloudFrontStack(Stack):
    """nginx alone: nothing asks the application."""

    configuration = E2E / "cloudfront.conf.in"

    def start(self, keys):
        file = self.folder / "media" / FILE
        file.parent.mkdir()
        file.write_bytes(content(FILE))
        self.sites, servers = {}, []
        known = {
            key_id: Key(keys[key_id].public_key(), (only,) if only else ("SHA1", "SHA256"))
            for key_id, (_, only) in KEYS.items()
            if key_id != "KUNKNOWN"
        }
        for key_id in known:
            self.write_key(f"{key_id}.pem", public_pem(keys[key_id]))
        for name, (directive, rules) in SERVERS.items():
            more = "any_http" if rules.get("any_http") else ""
            lines = [
                f"crossdomain_media_key {key_id}.pem format=cloudfront id={key_id}"
                + (f" alg={KEYS[key_id][1].lower()}" if KEYS[key_id][1] else "")
                + f" {more};"
                for key_id in known
            ]
            lines += [f"listen 127.0.0.1:{self.port};", f"server_name {name};", directive]
            lines += [f"location / {{ try_files /{FILE} =404; }}"]
            servers.append("server { " + "\n".join(lines) + " }")
            self.sites[name] = Site(**{"origin": f"http://{name}:{self.port}", "keys": known, **rules})
        self.start_nginx(replace=[("@SERVERS@", "\n".join(servers))])


class Client:
    """Asks over few connections. Addresses of this machine are real ones, others what realip makes of a header."""

    def __init__(self, port):
        self.port = port
        self.connections = {}

    def ask(self, site, request):
        is_own = request.address.startswith("127.")
        source = request.address if is_own else "127.0.0.1"
        if source not in self.connections:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20, source_address=(source, 0))
            # putrequest refuses what is no proper target.
            connection._validate_path = lambda target: None
            self.connections[source] = connection
        connection = self.connections[source]
        connection.putrequest("GET", request.target, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", f"{site}:{self.port}")
        if request.cookie:
            connection.putheader("Cookie", request.cookie)
        if not is_own:
            connection.putheader("X-Real-IP", request.address)
        connection.endheaders()
        response = connection.getresponse()
        return response.status, response.headers, response.read()

    def close(self):
        for connection in self.connections.values():
            connection.close()


def clock(headers):
    """nginx's, of the second in which it decided."""
    return int(parsedate_to_datetime(headers["Date"]).timestamp())


@pytest.fixture(scope="module")
def keys():
    return {key_id: new_key(bits) for key_id, (bits, _) in KEYS.items()}


@pytest.fixture(scope="module")
def media(keys, tmp_path_factory):
    stack = CloudFrontStack(tmp_path_factory.mktemp("cloudfront"), "not used here")
    try:
        stack.start(keys)
        yield stack
    finally:
        stack.stop()


def is_no_path(target):
    """What nginx itself answers with 400, before it asks a module."""
    path = target.partition("?")[0]
    return re.search("%(?![0-9A-Fa-f]{2})", path) or ".." in unquote(path)


def test_nginx_says_what_the_rules_say(media, keys):
    began = int(time.time())
    print(f"CLOUDFRONT_SEED={SEED}")
    maker = Maker(random.Random(SEED), began, media.sites, keys)
    signed = [by_botocore(maker, Botocore(keys)) for _ in range(SIGNED_BY_EACH)]
    sdk = Sdk(keys)
    try:
        signed += by_sdk(maker, sdk, SIGNED_BY_EACH)
    finally:
        sdk.close()
    changes = Changes(maker)
    changed = [changes.of(one, signed) for one in signed for _ in range(CHANGED)]
    client = Client(media.port)
    told, differ = defaultdict(Counter), []
    for one in [*signed, *changed]:
        request = one.request()
        status, headers, body = client.ask(one.site, request)
        assert (body == content(FILE)) == (status == 200)
        if status == 400:
            assert is_no_path(request.target), request
            told["not for the module"][status] += 1
            continue
        expected, why = verdict(media.sites[one.site], request, clock(headers))
        answered = headers["X-Status"]
        assert status == STATUS[answered], request
        if status == 302:
            assert headers["Location"] == f"http://www.localhost:{media.port}{without_parameters(request.target)}"
        told[one.change or one.label][expected] += 1
        told["all"][expected] += 1
        if answered != expected:
            how = f"{one.label} {one.change}: {answered} ({headers['X-Reason']}), and not {expected} ({why})"
            differ.append(f"{how}: {one.site} {request}")
    client.close()
    for name, verdicts in sorted(told.items()):
        print(f"{name}: {dict(verdicts)}")
    print(f"{time.time() - began:.0f} s")
    print(*differ[:5], sep="\n")
    assert not differ, f"{len(differ)} differ, with CLOUDFRONT_SEED={SEED}"
    # All would agree on nothing, too.
    assert set(told["all"]) == set(STATUS)
    assert min(told["all"].values()) > len(changed) / 50
    for label in {one.label for one in signed}:
        assert {"granted", "expired", "invalid"} <= set(told[label]), label
    assert {one.change for one in changed} == set(changes.names)
