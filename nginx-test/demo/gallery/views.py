import time
from urllib.parse import urlencode

from django.http import HttpResponseBadRequest, JsonResponse
from django.template.loader import render_to_string
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.generic import TemplateView
from documents.media import DocumentAuth
from documents.models import Document

from .exhibits import EXHIBITS
from .requestlog import requests_since


@method_decorator(never_cache, name="dispatch")
class GalleryView(TemplateView):
    template_name = "gallery/gallery.html"

    def get_context_data(self, **kwargs):
        documents = {one.file.name: one for one in Document.objects.select_related("owner")}
        sections = {}
        for exhibit in EXHIBITS:
            document = documents[exhibit.file]
            allowed = document.may_be_opened_by(self.request.user)
            sections.setdefault(exhibit.section, []).append(
                {"document": document, "alt": exhibit.alt, "allowed": allowed}
            )
        short = sections["short"][0]
        if short["allowed"]:
            short["url"] = DocumentAuth({"object": short["document"]}).get_full_media_url(authorized=True)
        return super().get_context_data(
            pictures=sections["pictures"],
            paper=sections["paper"][0],
            film=sections["film"][0],
            short=short,
            postcard=sections["private"][0],
            tampered_url=borrowed_token(documents["public/dawn.jpg"], documents["pictures/lake.jpg"]),
            now=f"{time.time():.3f}",
            **kwargs,
        )


def borrowed_token(lender, borrower):
    """A genuine token on the address of another document. That of a public one, or it would be a gift."""
    token = DocumentAuth({"object": lender}).sign_path(lender.get_absolute_url())
    return f"{borrower.media_url}?{urlencode({'token': token})}"


@never_cache
def requests(request):
    """The rows of each section's table, for gallery.js."""
    try:
        since = float(request.GET["since"])
    except (KeyError, ValueError):
        return HttpResponseBadRequest("since: expected a time in seconds")
    found = requests_since(since)
    return JsonResponse(
        {section: render_to_string("gallery/rows.html", {"rows": rows}) for section, rows in found.items()}
    )
