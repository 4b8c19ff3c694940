"""The example's folder token: who has permission gets it, and it opens the folder and no other."""

import re
import time
from urllib.parse import quote, urljoin, urlsplit

import jwt
import pytest
from client import raw_get
from stack import PARTS, content, eventually

FOLDER = "course/1"
PAGE = f"/video/{FOLDER}/"


def reason(response):
    return response.status_code, response.headers.get("X-Reason")


def opens(response, name):
    assert reason(response) == (200, "valid")
    assert response.content == content(name)


def stays_closed(response, status, why):
    assert reason(response) == (status, why)
    assert b"all of it" not in response.content


def playlist(stack, viewer):
    """The playlist's URL, as the page of the film names it."""
    page = viewer.get(stack.www + PAGE)
    assert page.status_code == 200, page
    (source,) = re.findall(r'<video controls src="([^"]*)">', page.text)
    found = re.fullmatch(
        re.escape(f"{stack.media}/media/~") + r"([\w-]+\.[\w-]+\.[\w-]+)/course/1/master\.m3u8", source
    )
    assert found, source
    return source, found[1]


def key(stack):
    return (stack.folder / "media_token_key").read_text().removesuffix("\n")


def token(stack, seconds=60, **claims):
    return jwt.encode({"path": f"/media/{FOLDER}/*", "exp": int(time.time()) + seconds, **claims}, key(stack), "HS256")


def test_what_is_minted(stack, alice):
    claims = jwt.decode(playlist(stack, alice)[1], key(stack), algorithms=["HS256"])
    left = claims.pop("exp") - time.time()
    assert claims == {"path": "/media/course/1/*", "sub": "alice"}
    assert 4 * 3600 - 60 < left <= 4 * 3600


def test_with_permission_all_of_the_folder_opens(stack, alice, nobody):
    source, _ = playlist(stack, alice)
    for part in PARTS:
        # As a player resolves what the playlist refers to; it sends no cookie of the application.
        response = nobody.get(urljoin(source, quote(part)))
        opens(response, f"{FOLDER}/{part}")
        assert response.headers["X-Subject"] == "alice"
        assert response.headers["Cache-Control"] == "private"
        assert response.headers["Referrer-Policy"] == "no-referrer"
    segment = urljoin(urljoin(source, "low/index.m3u8"), "2.ts")
    opens(nobody.get(segment), f"{FOLDER}/low/2.ts")


def test_the_same_token_carried_otherwise(stack, alice, nobody):
    _, good = playlist(stack, alice)
    for part in PARTS:
        url = f"{stack.media}/media/{FOLDER}/{quote(part)}"
        opens(nobody.get(f"{url}?token={good}"), f"{FOLDER}/{part}")
        opens(nobody.get(url, headers={"Cookie": f"media={good}"}), f"{FOLDER}/{part}")
        opens(nobody.get(url, headers={"Authorization": f"Bearer {good}"}), f"{FOLDER}/{part}")
        stays_closed(nobody.get(url), 302, "no_token")


@pytest.mark.parametrize("folder", ["course/2", "course/1 plus", "course/1/../2", "course"])
def test_another_folder_stays_closed(stack, alice, folder):
    _, good = playlist(stack, alice)
    for part in PARTS:
        status, headers, body = raw_get(stack.media, f"/media/~{good}/{quote(folder)}/{quote(part)}")
        expected = "unsafe_path" if ".." in folder else "wrong_path"
        assert (status, headers["X-Reason"], b"all of it" in body) == (403, expected, False), part


def test_the_token_leads_out_of_its_folder_on_no_detour(stack, alice):
    _, good = playlist(stack, alice)
    for target in (
        f"/media/~{good}/course/1/../2/master.m3u8",
        f"/media/~{good}/course/1/%2e%2e/2/master.m3u8",
        f"/media/~{good}/course/1/..%2F2/master.m3u8",
        f"/media/~{good}/course/1//../2/master.m3u8",
        f"/media/course/1/~{good}/../../course/2/master.m3u8",
        f"/media/course/1/~{good}/../2/master.m3u8",
    ):
        status, headers, body = raw_get(stack.media, target)
        assert (status, headers["X-Reason"], b"all of it" in body) == (403, "unsafe_path", False), target


def test_without_permission_there_is_no_token(stack, bob, nobody):
    for viewer in (bob, nobody):
        page = viewer.get(stack.www + PAGE)
        assert page.status_code == 403
        assert "This document is private" in page.text
        assert "~" not in page.text and "eyJ" not in page.text
        # Nor by the way that leads to one for single files.
        response = viewer.follow(f"{stack.media}/media/{FOLDER}/master.m3u8")
        assert (response.status_code, urlsplit(response.url).hostname) == (403, "www.localhost")
        assert viewer.follow(f"{stack.media}/media/{FOLDER}/low/1.ts").status_code == 404


def test_staff_may_watch_too(stack, staff, nobody):
    source, _ = playlist(stack, staff)
    response = nobody.get(source)
    opens(response, f"{FOLDER}/master.m3u8")
    assert response.headers["X-Subject"] == "staff"


def test_no_film_is_a_404(stack, alice):
    for page in ("/video/course/3/", "/video/course/", "/video//", "/video/plain.txt/"):
        assert alice.get(stack.www + page).status_code == 404, page


def test_a_folder_token_that_has_expired_leads_to_the_application(stack, alice, nobody):
    file = f"{FOLDER}/low/1.ts"
    opens(nobody.get(f"{stack.media}/media/~{token(stack)}/{file}"), file)
    response = nobody.get(f"{stack.media}/media/~{token(stack, seconds=-1)}/{file}")
    stays_closed(response, 302, "token_expired")
    assert response.headers["Location"] == f"{stack.www}/media/{file}"


def test_tokens_for_files_go_on_beside_it(stack, alice):
    """Both formats in one location: the playlist is a document, and as such has a token of Django's."""
    response = alice.follow(f"{stack.media}/media/{FOLDER}/master.m3u8")
    opens(response, f"{FOLDER}/master.m3u8")
    single = response.url.partition("?")[2]
    assert single.startswith("token=") and "." not in single
    stays_closed(alice.get(f"{stack.media}/media/{FOLDER}/low/1.ts?{single}"), 403, "bad_signature")


def test_a_location_without_the_key_takes_no_folder_token(stack, alice):
    folder = jwt.encode({"path": "/*", "exp": int(time.time()) + 60}, key(stack), "HS256")
    response = alice.get(f"{stack.media}/~{folder}/media/plain.txt")
    assert response.status_code == 403
    eventually(lambda: 'GET /~***/media/plain.txt HTTP/1.1" 403 invalid token_malformed' in stack.access_log(), "log")


def test_the_log_keeps_no_folder_token(stack, alice):
    source, good = playlist(stack, alice)
    opens(alice.get(source + "?marker=folder"), f"{FOLDER}/master.m3u8")
    line = 'GET /media/~***/course/1/master.m3u8?marker=folder HTTP/1.1" 200 granted valid'
    eventually(lambda: line in stack.access_log(), line)
    assert good.split(".")[2] not in stack.access_log() + stack.error_log() + stack.application_requests()
