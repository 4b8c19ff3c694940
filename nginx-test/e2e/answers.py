"""What the answers of the two hosts look like, exactly."""

import re
from urllib.parse import unquote

TOKEN = r"[0-9A-Za-z]{6}%3A[0-9A-Za-z_-]{43}"


def granted(response, body):
    assert response.status_code == 200
    assert response.content == body
    # Without the module, the file would come without this.
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert "Set-Cookie" not in response.headers


def sent_to(response, location):
    """nginx's redirect to the application."""
    assert (response.status_code, response.headers.get("Location")) == (302, location)
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Referrer-Policy"] == "no-referrer"


def refused(response):
    assert (response.status_code, response.headers.get("Location")) == (403, None)
    assert response.headers["Cache-Control"] == "no-store"


def minted(response, url):
    """The application's redirect to `url` with a token, which is returned."""
    assert response.status_code == 302
    location = response.headers["Location"]
    found = re.fullmatch(re.escape(url) + rf"[?&]token=({TOKEN})", location)
    assert found, location
    return unquote(found[1])
