from django.urls import path
from documents.views import DocumentView
from project.urls import urlpatterns as example

from .media import VARIANTS

urlpatterns = [
    *example,
    *[
        path(f"{auth.prefix}/<path:name>", DocumentView.as_view(media_auth_class=auth), name=auth.prefix)
        for auth in VARIANTS
    ],
]
