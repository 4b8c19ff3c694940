from crossdomainmedia import CrossDomainMediaMixin
from django.shortcuts import get_object_or_404, render
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.generic import DetailView, ListView, View

from .media import DocumentAuth, folder_url
from .models import Document


class DocumentListView(ListView):
    model = Document


@method_decorator(never_cache, name="dispatch")
class DocumentView(CrossDomainMediaMixin, DetailView):
    """Answers whoever may open the document with a redirect to the media host and a fresh token, others with 403."""

    model = Document
    slug_field = "file"
    slug_url_kwarg = "name"
    media_auth_class = DocumentAuth

    def get_context_data(self, **kwargs):
        return super().get_context_data(query=self.request.META["QUERY_STRING"], **kwargs)

    def unauthorized(self, mauth):
        return render(self.request, "documents/refused.html", {"document": mauth.document}, status=403)


@method_decorator(never_cache, name="dispatch")
class VideoView(View):
    """A film in a folder of its own: whoever may open its playlist gets a token for everything in that folder."""

    def get(self, request, folder):
        document = get_object_or_404(Document, file=f"{folder}/master.m3u8")
        if not document.may_be_opened_by(request.user):
            return render(request, "documents/refused.html", {"document": document}, status=403)
        playlist = folder_url(document, request.user)
        return render(request, "documents/video.html", {"document": document, "playlist": playlist})
