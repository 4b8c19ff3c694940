"""Tokens made by Django's own signer, in this process, at any time."""

import time
from unittest import mock

from django.core.signing import TimestampSigner


def mint(path, key, *, age=0, salt=None):
    """What the package's sign_path() answers for `path`, `age` seconds ago (negative: in the future)."""
    signer = TimestampSigner(key=key, sep=":", salt=salt, fallback_keys=())
    born = time.time() - age
    with mock.patch("django.core.signing.time.time", return_value=born):
        return ":".join(signer.sign(path).rsplit(":", 2)[-2:])


def flip(text, position):
    """Another character at `position`."""
    other = "A" if text[position] != "A" else "B"
    return text[:position] + other + text[position:][1:]
