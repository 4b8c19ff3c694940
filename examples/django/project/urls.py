from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path
from documents.views import (
    DocumentListView,
    DocumentView,
    FolderTokenView,
    ReceiveView,
    UploadTokenView,
    UploadView,
    VideoView,
)

urlpatterns = [
    path("", DocumentListView.as_view(), name="documents"),
    path("sign-in/", LoginView.as_view(), name="login"),
    path("sign-out/", LogoutView.as_view(), name="logout"),
    # The same path on both hosts: nginx appends what the viewer asked the media host for to this host's origin.
    path("media/<path:name>", DocumentView.as_view(), name="document"),
    path("video/<path:folder>/", VideoView.as_view(), name="video"),
    # Where nginx sends players: whatever file of a film it was, the token is for the film's folder.
    path("token/media/<path:name>", FolderTokenView.as_view(), name="token"),
    path("upload/", UploadView.as_view(), name="upload"),
    path("upload-token/", UploadTokenView.as_view(), name="upload-token"),
    # Of the media host, behind a token.
    path("upload/<str:owner>/<str:name>", ReceiveView.as_view(), name="receive"),
]
