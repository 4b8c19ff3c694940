from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path
from documents.views import DocumentListView, DocumentView, VideoView

urlpatterns = [
    path("", DocumentListView.as_view(), name="documents"),
    path("sign-in/", LoginView.as_view(), name="login"),
    path("sign-out/", LogoutView.as_view(), name="logout"),
    # The same path on both hosts: nginx appends what the viewer asked the media host for to this host's origin.
    path("media/<path:name>", DocumentView.as_view(), name="document"),
    path("video/<path:folder>/", VideoView.as_view(), name="video"),
]
