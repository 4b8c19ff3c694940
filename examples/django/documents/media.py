from urllib.parse import quote

from crossdomainmedia import CrossDomainMediaAuth


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
