from crossdomainmedia import CrossDomainMediaMixin
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.generic import DetailView, ListView

from .media import DocumentAuth
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
