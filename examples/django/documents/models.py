from django.conf import settings
from django.db import models
from django.urls import reverse

from .media import DocumentAuth


class Document(models.Model):
    title = models.CharField(max_length=200)
    file = models.FileField(max_length=255, unique=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    public = models.BooleanField(
        default=False,
        help_text="Anyone may open it. nginx must agree: see the README on public documents.",
    )

    class Meta:
        ordering = ["title"]

    def __str__(self):
        return self.title

    def get_absolute_url(self):
        """Where the application authorises; the same path on the media host is the file."""
        return reverse("document", kwargs={"name": self.file.name})

    @property
    def media_url(self):
        """The link for pages and mails: without a token, nginx fetches one when somebody follows it."""
        return DocumentAuth({"object": self}).get_full_media_url()

    def may_be_opened_by(self, user):
        return self.public or user.is_staff or (user.is_authenticated and user == self.owner)
