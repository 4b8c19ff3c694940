"""Players and clients without cookies, with the example application that mints for them and takes their uploads."""

import time

import jwt
import pytest
from client import Viewer, hops
from conftest import running, signed_in
from stack import E2E, Stack, content, eventually

FOLDER = "course/1"
PART = f"/media/{FOLDER}/low/1.ts"
JSON = {"Accept": "application/json"}


class ClientsStack(Stack):
    configuration = E2E / "clients.conf.in"

    @property
    def token_key(self):
        return (self.folder / "media_token_key").read_text().removesuffix("\n")

    def token(self, seconds=3600, **claims):
        return jwt.encode({"exp": int(time.time()) + seconds, **claims}, self.token_key, algorithm="HS256")


@pytest.fixture(scope="module")
def stack(filled, tmp_path_factory):
    yield from running(ClientsStack(tmp_path_factory.mktemp("clients"), filled.key), filled)


@pytest.fixture
def alice(stack):
    return signed_in(stack, "alice")


@pytest.fixture
def bob(stack):
    return signed_in(stack, "bob")


@pytest.fixture
def nobody(stack):
    return Viewer(stack.www)


def served(response, name):
    assert (response.status_code, response.content) in [(200, content(name)), (206, content(name))]


def test_a_film_is_handed_over_and_goes_on_without_the_application(stack, alice):
    response = alice.follow(stack.media + PART)
    served(response, f"{FOLDER}/low/1.ts")
    ways = [(status, host, target.partition("=")[0]) for status, host, target in hops(response)]
    assert ways == [
        (302, "media.localhost", PART),
        (302, "www.localhost", f"/token{PART}"),
        (200, "media.localhost", f"{PART}?token"),
    ]
    (cookie,) = [one for one in alice.session.cookies if one.domain == "media.localhost" and one.name == "media"]
    assert (cookie.path, cookie.has_nonstandard_attr("HttpOnly")) == (f"/media/{FOLDER}/", True)
    assert 3600 - 60 < cookie.expires - time.time() <= 3600
    claims = jwt.decode(cookie.value, options={"verify_signature": False})
    assert (claims["sub"], claims["path"]) == ("alice", f"/media/{FOLDER}/")
    for part in ("low/2.ts", "low/index.m3u8", "master.m3u8"):
        response = alice.get(f"{stack.media}/media/{FOLDER}/{part}")
        served(response, f"{FOLDER}/{part}")
    # Not for the folder of another film, and not as a token of another kind.
    assert alice.get(f"{stack.media}/media/course/2/low/1.ts").status_code == 302
    other = {"Cookie": f"media={cookie.value}"}
    assert Viewer(stack.www).get(f"{stack.media}/media/course/2/low/1.ts", headers=other).status_code == 403
    assert Viewer(stack.www).get(f"{stack.media}{PART}?token={cookie.value}").status_code == 403
    assert cookie.value not in stack.access_log() + stack.error_log() + stack.application_requests()


def test_a_seek_with_the_expired_url_is_served_by_the_cookie(stack, alice):
    late = stack.token(seconds=-3600, path=f"/media/{FOLDER}/*")
    url = f"{stack.media}{PART}?token={late}"
    assert alice.get(url).status_code == 302
    served(alice.get(f"{stack.media}{PART}?token=" + stack.token(path=f"/media/{FOLDER}/*")), f"{FOLDER}/low/1.ts")
    served(alice.get(url, headers={"Range": "bytes=0-"}), f"{FOLDER}/low/1.ts")


def test_who_may_not_see_a_film_gets_no_token(stack, bob, nobody):
    for viewer in (bob, nobody):
        answer = viewer.get(f"{stack.www}/token{PART}", headers=JSON)
        assert (answer.status_code, answer.json()) == (403, {"error": "not for you"})
        response = viewer.follow(stack.media + PART)
        assert [(status, host) for status, host, _ in hops(response)] == [
            (302, "media.localhost"),
            (403, "www.localhost"),
        ]
        assert "This document is private" in response.text
        assert viewer.get(f"{stack.www}/token/media/nothing/1.ts", headers=JSON).status_code == 404


def test_a_token_for_a_script_is_for_the_films_own_folder(stack, alice, bob):
    answer = alice.get(f"{stack.www}/token{PART}", headers=JSON)
    assert (answer.status_code, "no-store" in answer.headers["Cache-Control"]) == (200, True)
    assert "Access-Control-Allow-Origin" not in answer.headers
    claims = jwt.decode(answer.json()["token"], stack.token_key, ["HS256"])
    assert (claims["path"], claims["sub"]) == (f"/media/{FOLDER}/*", "alice")
    assert 0 < claims["exp"] - time.time() <= 120
    # "course/1" is no beginning of "course/1 plus", which is bob's.
    assert alice.get(f"{stack.www}/token/media/course/1 plus/low/1.ts", headers=JSON).status_code == 403
    answer = bob.get(f"{stack.www}/token/media/course/1 plus/low/1.ts", headers=JSON)
    assert jwt.decode(answer.json()["token"], stack.token_key, ["HS256"])["path"] == "/media/course/1%20plus/*"


def test_a_script_is_told_why_and_where_to(stack, nobody):
    late = stack.token(seconds=-3600, path=f"/media/{FOLDER}/*")
    script = {"Origin": stack.www, "Sec-Fetch-Mode": "cors"}
    for query, status, reason in (("", "missing", "no_token"), (f"?token={late}", "expired", "token_expired")):
        answer = nobody.get(stack.media + PART + query, headers=script)
        where = f"{stack.www}/token{PART}"
        assert answer.status_code == 401
        assert answer.json() == {"status": status, "reason": reason, "location": where}
        assert answer.headers["Crossdomain-Media-Location"] == where
        assert answer.headers["Access-Control-Allow-Origin"] == stack.www
    answer = nobody.get(stack.media + PART, headers={**script, "Origin": "http://elsewhere.localhost"})
    assert (answer.status_code, answer.headers.get("Access-Control-Allow-Origin")) == (401, None)


def session_of(viewer):
    return viewer.session.cookies.get("sessionid", domain="www.localhost")


def post(viewer, stack, session=None, path="/upload/", method="POST", **headers):
    """As a widget does that has no cookies."""
    parameters = {} if session is None else {"session": session}
    files = {"file": ("sample.txt", b"of a widget", "text/plain")}
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return viewer.request(method, stack.www + path, params=parameters, files=files, headers=headers)


@pytest.mark.parametrize("name", ["alice", "bob"])
def test_a_widgets_upload_is_whose_session_it_names(stack, nobody, name):
    session = session_of(signed_in(stack, name))
    answer = post(nobody, stack, session, Sec_Fetch_Site="same-origin")
    assert (answer.status_code, answer.json()["owner"], answer.json()["size"]) == (201, name, len(b"of a widget"))
    assert (stack.folder / "media" / answer.json()["file"]).read_bytes() == b"of a widget"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    assert list(nobody.session.cookies) == []
    eventually(lambda: '"POST /upload/?session=*** HTTP/1.1" 201' in stack.access_log(), "the masked session")
    assert session not in stack.access_log() + stack.error_log()
    assert f"session={session}" not in stack.application_requests()


def test_a_forged_upload_is_nobodys(stack, alice, nobody):
    session = session_of(alice)
    kept = sorted((stack.folder / "media").rglob("*"))
    refused = {
        "no session": (403, {}),
        "another id": (403, {"session": session[::-1]}),
        "another site": (403, {"session": session, "Sec_Fetch_Site": "cross-site"}),
        "no cookie's value": (400, {"session": f"{session}; sessionid={session}"}),
        "empty": (400, {"session": ""}),
        "not encrypted": (403, {"session": session, "path": "/strict-upload/"}),
    }
    for case, (status, how) in refused.items():
        assert post(nobody, stack, **how).status_code == status, case
    twice = f"{stack.www}/upload/?session={session}&session={session}"
    assert nobody.request("POST", twice, files={"file": b"x"}).status_code == 400
    answer = nobody.get(f"{stack.www}/upload/", params={"session": session})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/sign-in/?next=/upload/")
    assert sorted((stack.folder / "media").rglob("*")) == kept
    # None of these was for another reason.
    assert post(nobody, stack, session).status_code == 201


def test_ones_own_session_stays(stack, alice, bob):
    assert post(alice, stack, session_of(bob)).json()["owner"] == "alice"


def test_a_new_session_is_not_given_to_a_client_that_came_by_argument(stack, alice, nobody):
    """The application would give whoever has the argument a cookie of their own."""
    url = f"{stack.www}/sign-in/"
    nobody.get(url)
    form = {"username": "bob", "password": "bob", "csrfmiddlewaretoken": nobody.session.cookies["csrftoken"]}
    answer = nobody.request("POST", url, params={"session": session_of(alice)}, data=form)
    assert answer.status_code == 302
    assert "sessionid" not in nobody.session.cookies
    assert "csrftoken=" in answer.headers["Set-Cookie"], "others stay"
    nobody.get(url)
    form["csrfmiddlewaretoken"] = nobody.session.cookies["csrftoken"]
    nobody.request("POST", url, data=form)
    assert "sessionid" in nobody.session.cookies, "as it does by itself"


def upload_token(stack, viewer, name):
    viewer.get(f"{stack.www}/upload/")
    fields = {"name": name, "csrfmiddlewaretoken": viewer.session.cookies["csrftoken"]}
    answer = viewer.request("POST", f"{stack.www}/upload-token/", data=fields)
    assert answer.status_code == 200
    return answer.json()["url"], answer.json()["token"]


@pytest.mark.parametrize("name", ["report.txt", "Übersicht 100% +1.txt", "../../bob/up.txt"])
def test_a_token_uploads_one_file_as_its_user(stack, alice, nobody, name):
    url, token = upload_token(stack, alice, name)
    assert url.startswith(f"{stack.media}/upload/alice/")
    bearer = {"Authorization": f"Bearer {token}", "X-Media-Subject": "bob"}
    answer = nobody.request("PUT", url, data=b"by token", headers=bearer)
    assert (answer.status_code, answer.json()["owner"]) == (201, "alice")
    file = stack.folder / "media" / answer.json()["file"]
    assert file.read_bytes() == b"by token"
    assert file.is_relative_to(stack.folder / "media" / "upload" / "alice")
    assert nobody.request("PUT", f"{url}x", data=b"x", headers=bearer).status_code == 403
    assert nobody.request("POST", url, data=b"x", headers=bearer).status_code == 403
    assert token not in stack.access_log() + stack.error_log() + stack.application_requests()


def test_nobody_says_who_they_are_themselves(stack, nobody):
    said = {"X-Media-Subject": "alice"}
    assert nobody.request("PUT", f"{stack.media}/upload/alice/a.txt", data=b"x", headers=said).status_code == 302
    # On the application's host there is no guard, and the header is blank.
    answer = nobody.request("PUT", f"{stack.www}/upload/alice/a.txt", data=b"x", headers=said)
    assert (answer.status_code, answer.json()) == (403, {"error": "no token for this"})
    # A token without a user is nobody's, and one for another's folder is not theirs.
    for claims in ({}, {"sub": "bob"}):
        token = stack.token(path="/upload/alice/a.txt", method="PUT", **claims)
        headers = {**said, "Authorization": f"Bearer {token}"}
        answer = nobody.request("PUT", f"{stack.media}/upload/alice/a.txt", data=b"x", headers=headers)
        assert (answer.status_code, answer.json()) == (403, {"error": "no token for this"})
