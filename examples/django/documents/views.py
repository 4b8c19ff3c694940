from pathlib import PurePosixPath
from urllib.parse import urljoin

from crossdomainmedia import CrossDomainMediaMixin
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.files.base import ContentFile
from django.http import Http404, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import DetailView, ListView, View

from .media import DocumentAuth, folder_token, folder_url, upload_token
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


def film_of(name):
    """The playlist that is nearest to a file, beside it or in a folder above."""
    playlists = [f"{folder}/master.m3u8" for folder in PurePosixPath(name).parents]
    films = Document.objects.filter(file__in=playlists)
    return max(films, key=lambda film: len(film.file.name), default=None)


@method_decorator(never_cache, name="dispatch")
class FolderTokenView(View):
    """A short token for the film that a file belongs to. Scripts get it as JSON, anybody else is sent on with it."""

    def get(self, request, name):
        document = film_of(name)
        if document is None:
            raise Http404
        # Other sites' pages cannot read the answer: it has no Access-Control-Allow-Origin.
        is_script = "application/json" in request.headers.get("Accept", "")
        if not document.may_be_opened_by(request.user):
            if is_script:
                return JsonResponse({"error": "not for you"}, status=403)
            return render(request, "documents/refused.html", {"document": document}, status=403)
        token = folder_token(document, request.user, settings.MEDIA_TOKEN_SECONDS)
        if is_script:
            return JsonResponse({"token": token})
        url = urljoin(settings.MEDIA_URL, reverse("document", kwargs={"name": name}))
        return HttpResponseRedirect(f"{url}?token={token}")


def keep(user, name, content):
    """What somebody has uploaded is a private document of theirs."""
    document = Document(title=name, owner=user)
    document.file.save(f"upload/{user.get_username()}/{name}", content)
    said = {"owner": user.get_username(), "file": document.file.name, "size": document.file.size}
    return JsonResponse(said, status=201)


@method_decorator([never_cache, csrf_exempt], name="dispatch")
class UploadView(View):
    """A page, and where its widget posts to without cookies: nginx makes the session's cookie of an argument.

    Such a client has no cookie for CSRF either. In its place: no other site knows the argument, and none can have a
    browser send the session's cookie with a POST (SESSION_COOKIE_SAMESITE, which is Lax unless you change it).
    """

    def get(self, request):
        if not request.user.is_authenticated:
            return HttpResponseRedirect(f"{reverse('login')}?next={request.path}")
        return render(request, "documents/upload.html")

    def post(self, request):
        if not request.user.is_authenticated:
            return JsonResponse({"error": "nobody is signed in"}, status=403)
        file = request.FILES.get("file")
        if file is None:
            return JsonResponse({"error": "no file"}, status=400)
        return keep(request.user, file.name, file)


@method_decorator(never_cache, name="dispatch")
class UploadTokenView(View):
    """Where a file may be PUT, and the token with which that is done."""

    def post(self, request):
        if not request.user.is_authenticated:
            return JsonResponse({"error": "nobody is signed in"}, status=403)
        name = PurePosixPath(request.POST.get("name", "")).name
        if not name:
            return JsonResponse({"error": "no name"}, status=400)
        path = reverse("receive", kwargs={"owner": request.user.get_username(), "name": name})
        return JsonResponse({"url": urljoin(settings.MEDIA_URL, path), "token": upload_token(path, request.user)})


@method_decorator([never_cache, csrf_exempt], name="dispatch")
class ReceiveView(View):
    """An upload that nginx has let through, and whose it is: each way in sets `X-Media-Subject`, or blanks it."""

    def put(self, request, owner, name):
        subject = request.headers.get("X-Media-Subject")
        if not subject or subject != owner:
            return JsonResponse({"error": "no token for this"}, status=403)
        user = get_object_or_404(get_user_model(), username=subject)
        return keep(user, name, ContentFile(request.body))
