import time
from urllib.parse import quote, urljoin

import jwt
from crossdomainmedia import CrossDomainMediaAuth
from django.conf import settings
from django.urls import reverse

# Longer than a film is watched: players do not come back for another token.
FOLDER_TOKEN_SECONDS = 4 * 3600


def folder_token(document, user, seconds=FOLDER_TOKEN_SECONDS):
    """For everything in the document's folder and below: a playlist, and all that it refers to."""
    folder = document.get_absolute_url().rpartition("/")[0]
    claims = {"path": f"{folder}/*", "sub": user.get_username(), "exp": int(time.time()) + seconds}
    return jwt.encode(claims, settings.MEDIA_TOKEN_KEY, algorithm="HS256")


def upload_token(path, user):
    """To PUT one file in one place, as this user."""
    end = int(time.time()) + settings.MEDIA_TOKEN_SECONDS
    claims = {"path": path, "method": "PUT", "sub": user.get_username(), "exp": end}
    return jwt.encode(claims, settings.MEDIA_TOKEN_KEY, algorithm="HS256")


def folder_url(document, user):
    """The document on the media host, with a token in the path: relative references inherit it."""
    name = f"~{folder_token(document, user)}/{document.file.name}"
    return urljoin(settings.MEDIA_URL, reverse("document", kwargs={"name": name}))


class DocumentAuth(CrossDomainMediaAuth):
    """What django-crossdomainmedia needs to know about a document in order to authorise and to mint."""

    @property
    def document(self):
        return self.context["object"]

    def is_media_public(self):
        return self.document.public

    def has_perm(self, request):
        return self.document.may_be_opened_by(request.user)

    def get_auth_url(self):
        return self.document.get_absolute_url()

    def get_media_file_path(self):
        return self.document.file.name

    def get_media_url(self):
        # nginx hands over the viewer's own query, so that it survives a renewal; the package by itself drops it.
        query = self.context.get("query")
        return f"{super().get_media_url()}?{query}" if query else super().get_media_url()

    def get_media_internal_url_path(self):
        # nginx percent-decodes X-Accel-Redirect, and a header holds no "ü": the package sends the bare name.
        return quote(super().get_media_internal_url_path())
