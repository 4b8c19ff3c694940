"""Settings of the example; everything that depends on where it runs comes from the environment.

DATA_DIR                    folder of the database, the media and the keys (default: data/ beside manage.py)
SECRET_KEY_FILE             default: DATA_DIR/secret_key
SECRET_KEY_FALLBACK_FILES   earlier keys, separated like PATH (default: none)
MEDIA_TOKEN_KEY_FILE        signs tokens for folders (default: DATA_DIR/media_token_key)
MEDIA_TOKEN_SECONDS         life of tokens that viewers renew by themselves, and of those for uploads (default: 120)
SITE_URL                    origin of the application (default: http://www.localhost:8080)
MEDIA_URL                   default: http://media.localhost:8080/media/
DEBUG                       1: one host, no nginx; the package then serves the files itself
"""

import os
from pathlib import Path
from urllib.parse import urlsplit

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(os.environ.get("DATA_DIR", BASE_DIR / "data")).resolve()


def read_key(file):
    return Path(file).read_text(encoding="utf-8").removesuffix("\n")


# Files, because nginx reads the same ones: crossdomain_media_key secret_key;
# The lists are in the same order on both sides while a key is being replaced.
SECRET_KEY = read_key(os.environ.get("SECRET_KEY_FILE", DATA_DIR / "secret_key"))
SECRET_KEY_FALLBACKS = [
    read_key(file) for file in os.environ.get("SECRET_KEY_FALLBACK_FILES", "").split(os.pathsep) if file
]
# Good for nothing else, so that the media host need not hold SECRET_KEY: at least 32 bytes.
MEDIA_TOKEN_KEY = read_key(os.environ.get("MEDIA_TOKEN_KEY_FILE", DATA_DIR / "media_token_key"))
MEDIA_TOKEN_SECONDS = int(os.environ.get("MEDIA_TOKEN_SECONDS", 120))

DEBUG = os.environ.get("DEBUG") == "1"
SITE_URL = os.environ.get("SITE_URL", "http://www.localhost:8080")
MEDIA_URL = os.environ.get("MEDIA_URL", "/media/" if DEBUG else "http://media.localhost:8080/media/")
MEDIA_ROOT = DATA_DIR / "media"
STATIC_URL = "/static/"
# Where nginx, and nobody else, finds the files when the application answers X-Accel-Redirect.
INTERNAL_MEDIA_PREFIX = "/protected/"

# The media host is here for `crossdomain_media_on missing @application` and for uploads: nobody else asks by its name.
ALLOWED_HOSTS = [host for host in (urlsplit(url).hostname for url in (SITE_URL, MEDIA_URL)) if host]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "documents",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "documents.middleware.content_security_policy",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
            ],
        },
    },
]
ROOT_URLCONF = "project.urls"
WSGI_APPLICATION = "project.wsgi.application"

DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": DATA_DIR / "db.sqlite3"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "documents"
LOGOUT_REDIRECT_URL = "documents"
TIME_ZONE = "UTC"
