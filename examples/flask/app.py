"""Files, and videos of courses, for who may see them. From the environment:

MEDIA_URL      origin of the media domain, as viewers see it (default: http://media.localhost:8080)
KEY_PAIR_ID    the id= of the public key in nginx (default: K2JCJMDEHXQW5F)
PRIVATE_KEY    its private key, in PEM (default: private_key.pem)
SECRET_KEY     signs Flask's sessions, and the tickets of cloudfront.py
"""

import os
from pathlib import Path

from cloudfront import Media, SignedCookies, SignedUrl
from flask import Flask, abort, redirect, request, session
from werkzeug import Response

# A sample's: the password is the name.
MAY_SEE = {
    "alice": ("/files/alice/", "/courses/1/"),
    "bob": ("/files/bob/", "/courses/2/"),
    # A part of a course: cookies are for the whole, so she gets none.
    "carol": ("/courses/1/low/",),
}

PAGE = """<!doctype html>
<title>Courses</title>
<form method="post" action="/sign-in">
<input name="name" placeholder="alice or bob"> <input name="password" type="password"> <button>Sign in</button>
</form>
"""

app = Flask(__name__, static_folder=None)
app.secret_key = os.environ["SECRET_KEY"]
app.config["SESSION_COOKIE_SAMESITE"] = "Lax"


def status_for(path: str) -> int:
    prefixes = MAY_SEE.get(session.get("name", ""))
    if prefixes is None:
        return 401
    return 200 if path.startswith(prefixes) else 403


class Files(SignedUrl):
    def authorize(self, path: str) -> int:
        return status_for(path)


class Courses(SignedCookies):
    def authorize(self, path: str) -> int:
        return status_for(path)


media = Media(
    origin=os.environ.get("MEDIA_URL", "http://media.localhost:8080"),
    key_pair_id=os.environ.get("KEY_PAIR_ID", "K2JCJMDEHXQW5F"),
    private_key=Path(os.environ.get("PRIVATE_KEY", "private_key.pem")),
)
app.add_url_rule("/files/<path:name>", view_func=Files.as_view("files", media))
app.add_url_rule("/courses/<course>/<path:name>", view_func=Courses.as_view("courses", media))
app.add_url_rule("/enter", view_func=Courses(media).enter)


@app.get("/")
def index() -> str:
    return PAGE


@app.post("/sign-in")
def sign_in() -> Response:
    name = request.form["name"]
    if name not in MAY_SEE or request.form["password"] != name:
        abort(403)
    session["name"] = name
    return redirect("/", 303)


@app.after_request
def keep_to_oneself(response: Response) -> Response:
    """What is signed is for this viewer, and no page's to pass on."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
