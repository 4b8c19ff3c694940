"""File names with everything that URLs, Django and nginx escape in different ways."""

from urllib.parse import quote, urlsplit

import pytest
from answers import granted, sent_to
from client import hops, raw_get
from stack import NAMES, content


@pytest.fixture(scope="module")
def links(stack, alice):
    """The application's own list of documents."""
    return alice.links(stack.www)


@pytest.mark.parametrize("name", NAMES)
def test_a_link_of_the_application_opens_the_file(stack, alice, links, name):
    url = links[name]
    assert url.startswith(stack.media + "/media/")
    sent_to(alice.get(url), stack.www + urlsplit(url).path)
    response = alice.follow(url)
    granted(response, content(name))
    assert [status for status, _, _ in hops(response)] == [302, 302, 200]


@pytest.mark.parametrize("name", NAMES)
def test_the_spelling_of_the_url_does_not_matter(stack, alice, links, name):
    """Escapes in lower case, and of characters that need none; the token is for the application's own spelling."""
    _, token = alice.follow(links[name]).url.split("?")
    lower = "".join(f"%{byte:02x}" for byte in name.encode())
    for path in (f"/media/{lower}", f"/media/{quote(name, safe='')}", f"/medi%61/{quote(name)}"):
        status, headers, body = raw_get(stack.media, f"{path}?{token}")
        assert (status, body) == (200, content(name)), path
        assert headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_guarded(stack, nobody, links, name):
    response = nobody.follow(links[name])
    assert [status for status, _, _ in hops(response)] == [302, 403]
    assert content(name) not in response.content


def test_what_a_hurried_viewer_types_is_escaped_on_the_way(stack, alice):
    """Raw UTF-8 in the request line, as some clients send it, ends up as a proper Location and at the file."""
    status, headers, _ = raw_get(stack.media, "/media/Übergrößenträger.txt")
    assert (status, headers["Location"]) == (302, f"{stack.www}/media/%C3%9Cbergr%C3%B6%C3%9Fentr%C3%A4ger.txt")
    granted(alice.follow(headers["Location"]), content("Übergrößenträger.txt"))


def test_two_ways_to_write_an_accent_are_two_files(stack, alice, links):
    one, two = "é as one character.txt", "e\u0301 as two characters.txt"
    _, token = alice.follow(links[one]).url.split("?")
    status, _, _ = raw_get(stack.media, f"/media/{quote(two)}?{token}")
    assert status == 403


@pytest.mark.parametrize(
    ("path", "spelled"),
    [
        ("/media/folder/../plain.txt", "/media/folder/../plain.txt"),
        ("/media/folder/%2e%2e/plain.txt", "/media/folder/../plain.txt"),
        ("/media/./plain.txt", "/media/./plain.txt"),
        # nginx takes what follows for a fragment, and serves plain.txt.
        ("/media/plain.txt#x", "/media/plain.txt%23x"),
    ],
)
def test_a_path_that_is_not_what_will_be_served_is_refused(stack, token, path, spelled):
    """Whatever the token was minted for: the path as written, or the file that nginx would find."""
    for signed in (path, spelled, "/media/plain.txt"):
        status, _, body = raw_get(stack.media, f"{path}?token={token(signed)}")
        assert status == 403, signed
        assert content("plain.txt") not in body
