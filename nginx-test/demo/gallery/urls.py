from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.views import LogoutView
from django.urls import path
from documents.views import DocumentListView
from project.urls import urlpatterns as example

from .views import GalleryView, requests

OURS = [
    path("", GalleryView.as_view(), name="gallery"),
    path("requests/", requests, name="requests"),
    path("documents/", DocumentListView.as_view(), name="documents"),
    # So that one may sign out and go on to a file, to see what happens.
    path(
        "sign-out/",
        LogoutView.as_view(success_url_allowed_hosts={urlsplit(settings.MEDIA_URL).netloc}),
        name="logout",
    ),
]
urlpatterns = OURS + [one for one in example if one.name not in {ours.name for ours in OURS}]
