import json
import os

from django.conf import settings

# What the server copies from the process is no part of the request.
PROCESS = frozenset(os.environ)


def record_requests(get_response):
    """Writes down all that the application gets to know of a request, so that a test can look for tokens in it."""

    def middleware(request):
        known = {name: value for name, value in request.META.items() if isinstance(value, str) and name not in PROCESS}
        with open(settings.RECORD_FILE, "a", encoding="utf-8") as file:
            file.write(json.dumps(known) + "\n")
        return get_response(request)

    return middleware
