from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import BaseCommand, call_command
from documents.models import Document

from gallery.exhibits import EXHIBITS
from gallery.samples import write_samples


class Command(BaseCommand):
    help = "setup_demo, and what the gallery adds to it: its documents, their files, and the style sheets."

    def handle(self, *args, **options):
        call_command("setup_demo", stdout=self.stdout)
        call_command("collectstatic", interactive=False, verbosity=0)
        write_samples(Path(settings.MEDIA_ROOT))
        users = {user.username: user for user in get_user_model().objects.all()}
        for one in EXHIBITS:
            Document.objects.get_or_create(
                file=one.file, defaults={"title": one.title, "owner": users[one.owner], "public": one.public}
            )
