"""The example's settings, with the gallery in front of its list of documents."""

from project.settings import *  # noqa: F403
from project.settings import DATA_DIR, INSTALLED_APPS

# Before the example, whose templates it adds to.
INSTALLED_APPS = ["gallery", *INSTALLED_APPS]
ROOT_URLCONF = "gallery.urls"
STATIC_ROOT = DATA_DIR / "static"
LOGIN_REDIRECT_URL = LOGOUT_REDIRECT_URL = "gallery"
# As nginx.conf names it.
REQUEST_LOG = DATA_DIR / "logs" / "requests.jsonl"
