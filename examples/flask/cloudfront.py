"""Views that authorise a viewer and sign for the media domain, as for CloudFront.

A view of one's own overrides `authorize`, and nothing else.
"""

from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlsplit

from botocore.signers import CloudFrontSigner
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from flask import abort, current_app, redirect, request
from flask.views import View
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug import Response

# What a viewer is sent to is asked for at once.
URL_SECONDS = 60
# Longer than a video is watched, and then it renews itself.
COOKIE_SECONDS = 4 * 3600


class Media:
    """The media domain, and the key pair that it trusts."""

    def __init__(self, origin: str, key_pair_id: str, private_key: Path) -> None:
        key = load_pem_private_key(private_key.read_bytes(), password=None)
        if not isinstance(key, RSAPrivateKey):
            raise TypeError(f"{private_key}: no RSA key")
        self.origin = origin
        self.signer = CloudFrontSigner(key_pair_id, lambda text: key.sign(text, PKCS1v15(), SHA1()))

    def url(self, path: str) -> str:
        # Also `*` and `?` are percent-encoded: in what is signed they would be wildcards.
        return self.origin + quote(path)

    def signed_url(self, path: str, seconds: int) -> str:
        """Of this path without a query: a viewer's own would be signed unseen."""
        signed: str = self.signer.generate_presigned_url(self.url(path), date_less_than=after(seconds))
        return signed

    def signed_cookies(self, folder: str, seconds: int) -> dict[str, str]:
        """For all below `folder`, which ends in a slash."""
        everything = self.url(folder) + "*"
        policy = self.signer.build_policy(everything, after(seconds))
        # botocore signs URLs only; a cookie has the same text as the parameter of a URL.
        url = self.signer.generate_presigned_url(everything, policy=policy)
        return {f"CloudFront-{name}": value for name, value in parse_qsl(urlsplit(url).query)}


def after(seconds: int) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


class SignedUrl(View):
    """Sends a viewer who may have it to the same path of the media domain, by a URL that is signed for a minute."""

    init_every_request = False

    def __init__(self, media: Media) -> None:
        self.media = media

    def authorize(self, path: str) -> int:
        """200 if the viewer may have what is at this path, and otherwise the error status to answer."""
        raise NotImplementedError

    def dispatch_request(self, **_: str) -> Response:
        status = self.authorize(request.path)
        if status != HTTPStatus.OK:
            abort(status)
        return see_other(self.media.signed_url(request.path, URL_SECONDS))


class SignedCookies(SignedUrl):
    """Gives a viewer who may have the whole folder cookies for it: the first `depth` segments of the path.

    `authorize` is asked about the folder, with a slash at its end.

    The cookies are the media domain's, which only an answer of that domain can set. So the viewer is sent to `/enter`
    there, with a ticket; nginx hands that one path to this application.
    """

    # Always the same: of two sets of cookies, for a folder and for one in it, browsers would send both.
    depth = 2

    def dispatch_request(self, **_: str) -> Response:
        # What is signed is what was authorised: not the file that was asked for.
        folder = "/".join(request.path.split("/")[: self.depth + 1]) + "/"
        status = self.authorize(folder)
        if status != HTTPStatus.OK:
            abort(status)
        return see_other(f"{self.media.origin}/enter?ticket={tickets().dumps([folder, request.path])}")

    def enter(self) -> Response:
        try:
            folder, path = tickets().loads(request.args["ticket"], max_age=URL_SECONDS)
        except BadData:
            abort(HTTPStatus.FORBIDDEN)
        response = see_other(self.media.url(path))
        for name, value in self.media.signed_cookies(folder, COOKIE_SECONDS).items():
            response.set_cookie(
                name,
                value,
                max_age=COOKIE_SECONDS,
                path=quote(folder),
                secure=self.media.origin.startswith("https:"),
                httponly=True,
                samesite="Lax",
            )
        return response


def tickets() -> URLSafeTimedSerializer:
    """Signs what was authorised. Not by its host: what a request says of that is the viewer's word."""
    if current_app.secret_key is None:
        raise RuntimeError("SECRET_KEY is not set")
    return URLSafeTimedSerializer(current_app.secret_key, salt="enter")


def see_other(url: str) -> Response:
    return redirect(url, HTTPStatus.SEE_OTHER)
