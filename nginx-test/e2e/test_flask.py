"""examples/flask as its README says, with nginx in front: signed URLs for files, signed cookies for courses."""

import base64
import json
import os
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from client import Viewer, hops, raw_get
from itsdangerous import TimestampSigner, URLSafeTimedSerializer
from signers import FROM_CF64, Botocore, canned_text, cf64, cookies_of, new_key, private_pem, public_pem
from stack import MODULE, ROOT, Stack, content, eventually

EXAMPLE = ROOT / "examples" / "flask"
KEY_PAIR_ID = "K2JCJMDEHXQW5F"
FILE = "/files/alice/Übersicht 100% *?.pdf"
FILE_TARGET = "/files/alice/%C3%9Cbersicht%20100%25%20%2A%3F.pdf"
VIDEO = "/courses/1/low/1.mp4"
NAMES = [
    FILE,
    "/files/alice/plain.txt",
    "/files/bob/plain.txt",
    VIDEO,
    "/courses/1/master.m3u8",
    "/courses/2/low/1.mp4",
    "/courses/10/low/1.mp4",
]


class FlaskStack(Stack):
    configuration = EXAMPLE / "nginx.conf"
    application = "app:app"

    def environment(self, fallbacks=()):
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(EXAMPLE),
            "PYTHONDONTWRITEBYTECODE": "1",
            "SECRET_KEY": self.key,
            "MEDIA_URL": self.media,
            "PRIVATE_KEY": str(self.folder / "private_key.pem"),
        }

    def start(self):
        private = new_key(2048)
        self.write_key("private_key.pem", private_pem(private))
        self.write_key("public_key.pem", public_pem(private))
        self.signer = Botocore({KEY_PAIR_ID: private})
        for name in NAMES:
            file = self.folder / "media" / name.removeprefix("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content(name))
        self.start_app()
        self.start_nginx(
            replace=[
                ("modules/ngx_http_crossdomain_media_module.so", str(MODULE)),
                ("pid nginx.pid;", "pid nginx.pid; daemon off;"),
                ("logs/", ""),
                ("localhost:8080", f"localhost:{self.port}"),
                ("127.0.0.1:8080", f"127.0.0.1:{self.port}"),
                ("127.0.0.1:8081", f"127.0.0.1:{self.app_port}"),
            ]
        )

    def signed(self, target, seconds):
        """As the application signs, at any time."""
        return self.signer.canned(KEY_PAIR_ID, self.media + target, after(seconds))

    def cookies(self, folder, seconds):
        resource = f"{self.media}{folder}*"
        return cookies_of(
            self.signer.custom(KEY_PAIR_ID, resource, self.signer.policy(resource, after(seconds))),
        )


def after(seconds):
    return datetime.now(UTC) + timedelta(seconds=seconds)


@pytest.fixture(scope="module")
def media(tmp_path_factory):
    stack = FlaskStack(tmp_path_factory.mktemp("flask"), "secret-key-of-the-flask-example-0123456789")
    try:
        stack.start()
        yield stack
    finally:
        stack.stop()


def signed_in(media, name):
    viewer = Viewer(media.www)
    answer = viewer.request("POST", f"{media.www}/sign-in", data={"name": name, "password": name})
    assert (answer.status_code, "session" in viewer.session.cookies) == (303, True)
    return viewer


@pytest.fixture
def alice(media):
    return signed_in(media, "alice")


@pytest.fixture
def nobody(media):
    return Viewer(media.www)


def served(response, name):
    assert response.status_code == 200
    assert response.content == content(name)


def logged(media, end, path=""):
    """nginx's own line about the last request, so that the answer was the module's."""

    def is_last():
        lines = media.access_log().splitlines()
        return bool(lines) and lines[-1].endswith(f" {end}") and path in lines[-1]

    eventually(is_last, f"{path} {end}")


def changed(url, after):
    """With another letter or digit there."""
    at = url.index(after) + len(after)
    return url[:at] + ("2" if url[at] == "1" else "1") + url[at + 1 :]


def path_of(location):
    where = urlsplit(location)
    return f"{where.scheme}://{where.netloc}{where.path}"


def test_a_file_step_by_step(media, alice):
    """1, 2: nginx alone; 3: the application; 4, 5: nginx alone."""
    answer = alice.get(media.media + FILE_TARGET)
    assert (answer.status_code, answer.headers["Location"]) == (302, media.www + FILE_TARGET)
    before = time.time()
    answer = alice.get(answer.headers["Location"])
    assert (answer.status_code, answer.headers["Cache-Control"]) == (303, "no-store")
    signed = answer.headers["Location"]
    assert path_of(signed) == media.media + FILE_TARGET
    parameters = parse_qs(urlsplit(signed).query, strict_parsing=True)
    assert set(parameters) == {"Expires", "Signature", "Key-Pair-Id"}
    assert parameters["Key-Pair-Id"] == [KEY_PAIR_ID]
    assert int(before) + 60 <= int(parameters["Expires"][0]) <= time.time() + 60
    answer = alice.get(signed)
    served(answer, FILE)
    assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_an_expired_url_renews_itself(media, alice):
    expired = media.signed(FILE_TARGET, seconds=-5)
    answer = alice.get(expired)
    # Nothing of the credential is left.
    assert (answer.status_code, answer.headers["Location"]) == (302, media.www + FILE_TARGET)
    logged(media, "302 expired token_expired")
    response = alice.follow(expired)
    served(response, FILE)
    assert [(status, host) for status, host, _ in hops(response)] == [
        (302, "media.localhost"),
        (303, "www.localhost"),
        (200, "media.localhost"),
    ]
    assert response.url != expired
    logged(media, "200 granted valid")


def test_a_url_expires_while_it_is_in_use(media, alice):
    signed = media.signed(FILE_TARGET, seconds=2)
    served(alice.get(signed), FILE)
    time.sleep(2.1)
    assert alice.get(signed).status_code == 302


def test_who_may_not_have_it_gets_the_status(media, alice, nobody):
    """Of the application, at the end of the same way, also with a URL that was good once."""
    target = "/files/bob/plain.txt"
    for viewer, status in ((nobody, 401), (alice, 403)):
        for url in (media.media + target, media.signed(target, seconds=-5)):
            response = viewer.follow(url)
            assert hops(response) == [(302, "media.localhost", hops(response)[0][2]), (status, "www.localhost", target)]
            assert content(target) not in response.content
    served(signed_in(media, "bob").follow(media.media + target), target)
    assert alice.get(media.www + "/elsewhere/plain.txt").status_code == 404


def test_whoever_has_the_url_may_use_it_while_it_lasts(media, nobody):
    served(nobody.get(media.signed(FILE_TARGET, seconds=60)), FILE)


TAMPERED = {
    "signature": (lambda url: changed(url, "Signature="), "bad_signature"),
    "end": (lambda url: changed(url, "Expires=1"), "bad_signature"),
    "key": (lambda url: url + "X", "unknown_key"),
    "path": (lambda url: url.replace("/files/alice/plain.txt", "/files/bob/plain.txt"), "bad_signature"),
    "argument": (lambda url: url + "&download=1", "bad_signature"),
    "twice": (lambda url: url + "&Key-Pair-Id=" + KEY_PAIR_ID, "token_repeated"),
    "dots": (lambda url: url.replace("/files/alice/", "/files/alice/../alice/"), "unsafe_path"),
}


@pytest.mark.parametrize("case", TAMPERED)
def test_a_tampered_url_is_refused(media, alice, case):
    good = media.signed("/files/alice/plain.txt", seconds=60)
    served(alice.get(good), "/files/alice/plain.txt")
    tamper, reason = TAMPERED[case]
    bad = tamper(good)
    assert bad != good
    status, headers, body = raw_get(media.media, bad.removeprefix(media.media))
    assert (status, headers.get("Location"), headers["Cache-Control"]) == (403, None, "no-store")
    assert b"all of it" not in body
    logged(media, f"403 invalid {reason}")


@pytest.mark.parametrize(
    "target",
    [
        pytest.param("/files/alice/../bob/plain.txt", id="dots"),
        pytest.param("/files/alice/%2e%2e/bob/plain.txt", id="dots encoded"),
        pytest.param("/files/alice/..%2Fbob/plain.txt", id="slash encoded"),
        pytest.param("/files/alice/*", id="wildcard"),
        pytest.param("/files/alice/%3F*", id="question mark encoded"),
        pytest.param("/files/alice/plain.tx?*", id="wildcard in the query"),
    ],
)
def test_what_is_signed_covers_no_more_than_was_authorised(media, alice, target):
    """Alice may have what begins with /files/alice/, and asks the application itself for more."""
    session = "; ".join(f"{cookie.name}={cookie.value}" for cookie in alice.session.cookies)
    status, headers, _ = raw_get(media.www, target, port=media.app_port, headers={"Cookie": session})
    assert status == 303
    path, _, query = headers["Location"].removeprefix(media.media).partition("?")
    assert "*" not in path + query
    status, _, body = raw_get(media.media, f"{path}?{query}")
    assert status in (403, 404)
    # The same signature as that of a policy, in which it could have wildcards.
    expires = parse_qs(query)["Expires"][0]
    policy = canned_text(media.media + path, expires)
    as_policy = query.replace(f"Expires={expires}", "Policy=" + cf64(policy))
    for other in ("/files/bob/plain.txt", "/files/alice/plain.txt"):
        status, _, body = raw_get(media.media, f"{other}?{as_policy}")
        assert (status, content(other) in body) == (403, False)
        logged(media, "403 invalid token_unsupported", other)


def ways(response):
    """The requests that a followed response took, without their queries."""
    return [(one.status_code, path_of(one.url)) for one in (*response.history, response)]


def way_in(media, target, last=200):
    """How a viewer without cookies gets to a part of a course."""
    return [
        (302, media.media + target),
        (303, media.www + target),
        (303, f"{media.media}/enter"),
        (last, media.media + target),
    ]


def test_the_cookies_of_a_course(media, alice):
    """The first request brings them, and then nobody asks the application."""
    response = alice.follow(media.media + "/courses/1/master.m3u8")
    served(response, "/courses/1/master.m3u8")
    assert ways(response) == way_in(media, "/courses/1/master.m3u8")
    assert response.headers["Cache-Control"] == "private"
    cookies = [cookie for cookie in alice.session.cookies if cookie.name.startswith("CloudFront-")]
    assert {cookie.name for cookie in cookies} == {
        f"CloudFront-{one}" for one in ("Policy", "Signature", "Key-Pair-Id")
    }
    for cookie in cookies:
        assert (cookie.domain, cookie.domain_specified, cookie.path) == ("media.localhost", False, "/courses/1/")
        assert 4 * 3600 - 60 < cookie.expires - time.time() <= 4 * 3600
        assert cookie.has_nonstandard_attr("HttpOnly")
    policy = json.loads(base64.b64decode(alice.session.cookies["CloudFront-Policy"].translate(FROM_CF64)))
    (statement,) = policy["Statement"]
    assert statement["Resource"] == f"{media.media}/courses/1/*"

    response = alice.follow(media.media + VIDEO)
    served(response, VIDEO)
    assert response.history == []
    logged(media, "200 granted valid")


def test_a_video_is_played_in_ranges(media, alice):
    response = alice.follow(media.media + VIDEO, headers={"Range": "bytes=0-3"})
    assert ways(response) == way_in(media, VIDEO, last=206)
    body = content(VIDEO)
    for first, last in ((0, 3), (5, 11), (len(body) - 2, len(body) - 1)):
        response = alice.follow(media.media + VIDEO, headers={"Range": f"bytes={first}-{last}"})
        assert (response.status_code, response.history) == (206, [])
        assert response.content == body[first : last + 1]
        assert response.headers["Content-Range"] == f"bytes {first}-{last}/{len(body)}"


def test_the_cookies_open_no_other_folder(media, alice):
    served(alice.follow(media.media + VIDEO), VIDEO)
    cookies = "; ".join(f"{name}={value}" for name, value in media.cookies("/courses/1/", 60).items())
    status, _, body = raw_get(media.media, VIDEO, headers={"Cookie": cookies})
    assert (status, body) == (200, content(VIDEO))
    for other, reason in (
        ("/courses/2/low/1.mp4", "wrong_path"),
        ("/courses/10/low/1.mp4", "wrong_path"),
        ("/files/alice/plain.txt", "token_unsupported"),
    ):
        status, _, body = raw_get(media.media, other, headers={"Cookie": cookies})
        assert (status, content(other) in body) == (403, False)
        logged(media, f"403 invalid {reason}", other)
    # By herself she has none there, and the application gives her none.
    for other in ("/courses/2/low/1.mp4", "/courses/10/low/1.mp4"):
        assert [status for status, _, _ in hops(alice.follow(media.media + other))] == [302, 403]


def test_expired_cookies_renew_themselves(media, alice):
    """Also those that the browser still has."""
    for name, value in media.cookies("/courses/1/", seconds=2).items():
        alice.session.cookies.set(name, value, domain="media.localhost", path="/courses/1/")
    old = alice.session.cookies["CloudFront-Signature"]
    response = alice.follow(media.media + VIDEO)
    served(response, VIDEO)
    assert response.history == []
    time.sleep(2.1)
    alice.get(media.media + VIDEO)
    logged(media, "302 expired token_expired")
    response = alice.follow(media.media + VIDEO, headers={"Range": "bytes=5-11"})
    assert ways(response) == way_in(media, VIDEO, last=206)
    assert response.content == content(VIDEO)[5:12]
    assert alice.session.cookies["CloudFront-Signature"] != old


def test_tampered_cookies_are_refused(media, nobody):
    good = media.cookies("/courses/1/", seconds=60)
    reasons = {"Policy": "bad_signature", "Signature": "bad_signature", "Key-Pair-Id": "unknown_key"}
    for name, reason in reasons.items():
        value = good[f"CloudFront-{name}"]
        bad = {**good, f"CloudFront-{name}": changed(value, value[:9])}
        cookies = "; ".join(f"{name}={value}" for name, value in bad.items())
        target = f"{VIDEO}?{name}-changed"
        assert raw_get(media.media, target, headers={"Cookie": cookies})[0] == 403, name
        logged(media, f"403 invalid {reason}", target)


def test_cookies_are_for_whoever_may_have_the_whole_folder(media):
    """What is signed is what was authorised."""
    carol = signed_in(media, "carol")
    response = carol.follow(media.media + VIDEO)
    assert [status for status, _, _ in hops(response)] == [302, 403]
    assert not [cookie for cookie in carol.session.cookies if cookie.name.startswith("CloudFront-")]


def test_nobody_enters_without_a_ticket(media, alice, nobody):
    """`enter` believes what the application has signed, and neither the host nor the path that somebody names."""
    for viewer in (alice, nobody):
        for host in (media.media, media.www):
            assert viewer.get(f"{host}/enter").status_code == 400
            for ticket in ("", "/courses/2/low/1.mp4", "Ii9jb3Vyc2VzLzIvbG93LzEubXA0Ig.aAaAaA.AAAA"):
                response = viewer.get(f"{host}/enter", params={"ticket": ticket})
                assert (response.status_code, response.headers.get("Set-Cookie")) == (403, None)
    # However it is spelled, it is what the application is asked for.
    session = "; ".join(f"{cookie.name}={cookie.value}" for cookie in alice.session.cookies)
    for path in ("/files/alice/../../enter", "/files/x/%2e%2e/%2e%2e/enter?a=1", "/files/..%2fenter", "//enter"):
        status, _, _ = raw_get(media.media, path, headers={"Cookie": session})
        assert status == 400, path
    assert nobody.get(media.www + VIDEO).status_code == 401
    assert alice.get(media.www + "/courses/2/low/1.mp4").status_code == 403


def test_a_ticket_is_for_now(media, nobody):
    """Whoever has one enters, and is given cookies for its course."""

    def entering(age):
        class Earlier(TimestampSigner):
            def get_timestamp(self):
                return super().get_timestamp() - age

        ticket = URLSafeTimedSerializer(media.key, salt="enter", signer=Earlier).dumps(["/courses/1/", VIDEO])
        return nobody.get(f"{media.media}/enter", params={"ticket": ticket})

    assert (entering(62).status_code, list(nobody.session.cookies)) == (403, [])
    assert entering(50).headers["Location"] == media.media + VIDEO
    served(nobody.get(media.media + VIDEO), VIDEO)


def test_no_log_holds_a_signature(media, alice):
    signed = media.signed("/files/alice/plain.txt", seconds=60)
    served(alice.get(signed), "/files/alice/plain.txt")
    line = "GET /files/alice/plain.txt?Expires=***&Signature=***&Key-Pair-Id=*** HTTP/1.1"
    eventually(lambda: line in media.access_log(), line)
    served(alice.follow(media.media + VIDEO), VIDEO)
    for secret in (parse_qs(urlsplit(signed).query)["Signature"][0], alice.session.cookies["CloudFront-Signature"]):
        assert secret not in media.access_log() + media.error_log()
    assert 'media.localhost "GET /enter' not in media.access_log()
