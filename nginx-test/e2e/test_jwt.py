"""Tokens of other people's libraries, minted while nginx runs: PyJWT's and jose's, carried in all four ways."""

import hashlib
import hmac
import json
import shutil
import time

import pytest
from client import Viewer
from jwt.utils import base64url_encode
from minters import ALGORITHMS, PAIRS, Jose, PyJwt
from stack import E2E, Stack, content, eventually

FILE = "folder/one.txt"
NAMES = [FILE, "folder/deeper/two.txt", "folder-private/three.txt"]
LIBRARIES = [PyJwt, Jose]


class JwtStack(Stack):
    """nginx alone: nothing asks the application."""

    configuration = E2E / "jwt.conf.in"

    def start(self, minters):
        for name in NAMES:
            file = self.folder / "media" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content(name))
        locations = []

        def location(name, parameters):
            key = f"crossdomain_media_key {name}.key format=jwt {parameters};"
            locations.append(f"        location /{name}/ {{ {key} alias media/; }}")

        for minter in minters.values():
            # One key of its own for each algorithm, and then all of other keys in one set.
            jwks = []
            for alg in ALGORITHMS:
                name = f"{minter.name}-{alg}"
                text, jwk = minter.new_key(name, alg)
                self.write_key(f"{name}.key", text)
                encoding = "encoding=base64url" if minter.name == "jose" and alg not in PAIRS else ""
                location(name, f"alg={alg} id={alg} {encoding}")
                for number in (1, 2):
                    _, jwk = minter.new_key(f"{alg}-{number}", alg)
                    # jose's exports are without these two, PyJWT's without or with.
                    jwks.append({**jwk, "alg": alg, "kid": f"{alg}-{number}"})
            self.write_key(f"{minter.name}-jwks.key", json.dumps({"keys": jwks}))
            location(f"{minter.name}-jwks", "")
            location(f"{minter.name}-audience", "alg=RS256 aud=media")
            shutil.copy(self.folder / f"{minter.name}-RS256.key", self.folder / f"{minter.name}-audience.key")
        self.start_nginx(replace=[("@LOCATIONS@", "\n".join(locations))])


@pytest.fixture(scope="module")
def minters():
    minters = {library.name: library() for library in LIBRARIES}
    yield minters
    for minter in minters.values():
        minter.close()


@pytest.fixture(scope="module")
def media(minters, tmp_path_factory):
    stack = JwtStack(tmp_path_factory.mktemp("jwt"), "not used here")
    try:
        stack.start(minters)
        yield stack
    finally:
        stack.stop()


@pytest.fixture(params=[library.name for library in LIBRARIES])
def minter(request, minters):
    return minters[request.param]


CARRIERS = {
    "query": lambda prefix, file, token: (f"{prefix}/{file}?token={token}", {}),
    "cookie": lambda prefix, file, token: (f"{prefix}/{file}", {"Cookie": f"theme=dark; media={token}; lang=en"}),
    "header": lambda prefix, file, token: (f"{prefix}/{file}", {"Authorization": f"Bearer {token}"}),
    "path": lambda prefix, file, token: (f"{prefix}/~{token}/{file}", {}),
}
every_carrier = pytest.mark.parametrize("carrier", CARRIERS)
every_algorithm = pytest.mark.parametrize("alg", ALGORITHMS)


def ask(media, carrier, token, name, file=FILE, method="GET"):
    target, headers = CARRIERS[carrier](f"/{name}", file, token)
    return Viewer(None).request(method, media.media + target, headers=headers)


def answered(response, status, reason):
    assert (response.status_code, response.headers.get("X-Reason")) == (status, reason)
    if status != 200:
        assert b"all of it" not in response.content
        assert response.headers["Cache-Control"] == "no-store"


def granted(response, carrier, file=FILE, for_address=False):
    answered(response, 200, "valid")
    assert response.content == content(file)
    is_shared = carrier == "query" and not for_address
    assert response.headers.get("Cache-Control") == (None if is_shared else "private")
    assert response.headers.get("Referrer-Policy") == ("no-referrer" if carrier in ("query", "path") else None)
    assert response.headers["Vary"] == "Cookie, Authorization"


@every_carrier
@every_algorithm
def test_a_folder_token_opens_its_folder(media, minter, alg, carrier):
    name = f"{minter.name}-{alg}"
    token = minter.token(name, {"path": f"/{name}/folder/*", "sub": "alice"})
    for file in (FILE, "folder/deeper/two.txt"):
        response = ask(media, carrier, token, name, file)
        granted(response, carrier, file)
        assert (response.headers["X-Key"], response.headers["X-Subject"]) == (alg, "alice")
    answered(ask(media, carrier, token, name, "folder-private/three.txt"), 403, "wrong_path")


# What the claims say beside the path; seconds until they expire; status and reason.
REFUSED = {
    "expired": ({}, -5, 302, "token_expired"),
    "not yet valid": ({"nbf": int(time.time()) + 3600}, 60, 403, "token_not_yet_valid"),
    "other folder": ({"path": "/media/other/*"}, 60, 403, "wrong_path"),
    "other file": ({"path": "/media/folder/two.txt"}, 60, 403, "wrong_path"),
    "no path": ({"path": None}, 60, 403, "wrong_path"),
    "other method": ({"method": ["POST", "HEAD"]}, 60, 403, "wrong_method"),
    "other address": ({"ip": ["192.0.2.1", "198.51.100.0/24", "::1"]}, 60, 403, "wrong_address"),
    "for somebody else": ({"aud": "another"}, 60, 403, "wrong_audience"),
}


@every_carrier
@every_algorithm
def test_refused_with_the_reason(media, minter, alg, carrier):
    name = f"{minter.name}-{alg}"
    for case, (claims, seconds, status, reason) in REFUSED.items():
        claims = {"path": f"/{name}/folder/*", **claims}
        claims = {claim: value for claim, value in claims.items() if value is not None}
        response = ask(media, carrier, minter.token(name, claims, seconds=seconds), name)
        answered(response, status, reason)
        logged = [line for line in media.error_log().splitlines() if "crossdomain_media:" in line][-1]
        verdict = "expired" if status == 302 else "invalid"
        assert f'crossdomain_media: {verdict}, reason: {reason}, key: "{alg}"' in logged, case
        assert f'uri: "/{name}/{FILE}"' in logged, case
        if status == 302:
            assert response.headers["Location"] == f"{media.www}/{name}/{FILE}"


@every_carrier
@every_algorithm
def test_what_limits_without_excluding_is_granted(media, minter, alg, carrier):
    name = f"{minter.name}-{alg}"
    claims = {
        "path": ["/elsewhere/*", f"/{name}/{FILE}"],
        "method": ["GET"],
        "ip": ["192.0.2.1", "127.0.0.0/8"],
        "nbf": int(time.time()),
        "iat": int(time.time()),
        "jti": "7",
        "iss": "https://www.example.com",
        "roles": {"editor": [1, 2.5, None, True]},
        "name": 'Zoë "Ω" 🎞',
    }
    token = minter.token(name, claims)
    granted(ask(media, carrier, token, name), carrier, for_address=True)
    assert ask(media, carrier, token, name, method="HEAD").status_code == 200
    assert ask(media, carrier, token, name, method="POST").headers["X-Reason"] == "wrong_method"


@every_algorithm
def test_another_key_of_the_same_kind_does_not_sign(media, minter, alg):
    token = minter.token(f"{alg}-1", {"path": "/*"})
    answered(ask(media, "query", token, f"{minter.name}-{alg}"), 403, "bad_signature")


@every_algorithm
def test_a_key_is_good_for_its_own_algorithm_only(media, minter, alg):
    name = f"{minter.name}-{alg}"
    token = minter.token(name, {"path": "/*"})
    granted(ask(media, "query", token, name), "query")
    for other in ALGORITHMS:
        if other != alg:
            answered(ask(media, "query", token, f"{minter.name}-{other}"), 403, "unknown_key")


def test_a_public_key_is_no_secret(media, minter):
    """The oldest trick against verifiers that let the token choose: HS256 with the public key's text."""
    name = f"{minter.name}-RS256"
    header, claims = {"alg": "HS256"}, {"path": "/*", "exp": int(time.time()) + 60}
    message = b".".join(base64url_encode(json.dumps(part).encode()) for part in (header, claims))
    # PyJWT would not sign with it.
    signature = hmac.digest((media.folder / f"{name}.key").read_bytes(), message, hashlib.sha256)
    token = (message + b"." + base64url_encode(signature)).decode()
    answered(ask(media, "header", token, name), 403, "unknown_key")


@every_carrier
@every_algorithm
def test_a_key_set_as_the_library_exports_it(media, minter, alg, carrier):
    """Two keys of each algorithm in one file, told apart by `kid`."""
    name = f"{minter.name}-jwks"
    claims = {"path": f"/{name}/*"}
    for number in (1, 2):
        kid = f"{alg}-{number}"
        response = ask(media, carrier, minter.token(kid, claims, kid=kid), name)
        granted(response, carrier)
        assert response.headers["X-Key"] == kid
    answered(ask(media, carrier, minter.token(kid, claims, kid=f"{alg}-1"), name), 403, "bad_signature")
    answered(ask(media, carrier, minter.token(kid, claims, kid="unheard-of"), name), 403, "unknown_key")


@every_algorithm
def test_a_key_set_without_kid_in_the_token(media, minter, alg):
    token = minter.token(f"{alg}-2", {"path": "/*"})
    response = ask(media, "query", token, f"{minter.name}-jwks")
    granted(response, "query")
    assert response.headers["X-Key"] == f"{alg}-2"


def test_the_audience(media, minter):
    name = f"{minter.name}-audience"

    def asked(**claims):
        return ask(media, "header", minter.token(f"{minter.name}-RS256", {"path": "/*", **claims}), name)

    granted(asked(aud="media"), "header")
    granted(asked(aud=["others", "media"]), "header")
    answered(asked(aud="others"), 403, "wrong_audience")
    answered(asked(), 403, "wrong_audience")


def test_a_token_ends_while_it_is_in_use(media, minter):
    name = f"{minter.name}-ES256"
    token = minter.token(name, {"path": "/*"}, seconds=2)
    granted(ask(media, "path", token, name), "path")
    time.sleep(3.1)
    answered(ask(media, "path", token, name), 302, "token_expired")


def test_no_log_holds_a_token(media, minter):
    name = f"{minter.name}-HS256"
    token = minter.token(name, {"path": "/*", "jti": "logged"})
    for carrier in CARRIERS:
        granted(ask(media, carrier, token, name), carrier)
        answered(ask(media, carrier, token + "A", name), 403, "bad_signature")
    for request in (f"/{name}/{FILE}?token=***", f"/{name}/~***/{FILE}", f"/{name}/{FILE}"):
        line = f'media.localhost "GET {request} HTTP/1.1" 200 valid'
        eventually(lambda line=line: line in media.access_log(), line)
    for part in token.split("."):
        assert part not in media.access_log() + media.error_log()
