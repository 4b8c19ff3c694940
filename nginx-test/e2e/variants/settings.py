from project.settings import *  # noqa: F403
from project.settings import DATA_DIR, MIDDLEWARE

ROOT_URLCONF = "variants.urls"
MIDDLEWARE = ["variants.middleware.record_requests", *MIDDLEWARE]
RECORD_FILE = DATA_DIR / "application-requests.jsonl"
# Signing in takes a third of a second with the default.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
