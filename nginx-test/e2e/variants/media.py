from urllib.parse import urlsplit

from django.core.files.storage import FileSystemStorage
from django.core.signing import TimestampSigner
from django.urls import reverse
from documents.media import DocumentAuth


class VariantAuth(DocumentAuth):
    """The example's own way, below a prefix of its own, so that nginx can hold other settings for it."""

    prefix = None

    def get_auth_url(self):
        return reverse(self.prefix, kwargs={"name": self.document.file.name})


class ShortLivedAuth(VariantAuth):
    prefix = "short"


class DerivedKeyAuth(VariantAuth):
    prefix = "derived"


class RotatedAuth(VariantAuth):
    prefix = "rotated"


class RawPathAuth(VariantAuth):
    prefix = "raw"


class SaltedAuth(VariantAuth):
    prefix = "salted"

    def get_signer(self):
        return TimestampSigner(sep=":", salt="documents.media")


class DocumentSigner(TimestampSigner):
    """Django's default salt is the path of the class, so a subclass has another key."""


class SignerSubclassAuth(VariantAuth):
    prefix = "subclass"

    def get_signer(self):
        return DocumentSigner(sep=":")


class StorageAuth(VariantAuth):
    """The path as FieldFile.url spells it."""

    prefix = "storage"

    def get_auth_url(self):
        return urlsplit(FileSystemStorage(base_url="/storage/").url(self.document.file.name)).path


class HandMadeAuth(VariantAuth):
    """The path by hand: characters are signed as they are, and escaped only in the redirect."""

    prefix = "handmade"

    def get_auth_url(self):
        return f"/handmade/{self.document.file.name}"


class FolderAuth(VariantAuth):
    """One token for everything directly in a folder, as django-filingcabinet does it."""

    prefix = "folder"

    def get_path_to_sign(self, path):
        return path.rsplit("/", 1)[0]


VARIANTS = [
    ShortLivedAuth,
    DerivedKeyAuth,
    RotatedAuth,
    RawPathAuth,
    SaltedAuth,
    SignerSubclassAuth,
    StorageAuth,
    HandMadeAuth,
    FolderAuth,
]
