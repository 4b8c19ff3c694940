"""What happened: nginx's log of requests, by section of the gallery.

The media host has no cookies, so nobody can tell viewers apart there: the demo shows what all of them did.
"""

import json
from urllib.parse import unquote, urlsplit

from django.conf import settings

from .exhibits import EXHIBITS

BY_FILE = {exhibit.file: exhibit for exhibit in EXHIBITS}
# More than a page causes; the log grows as long as the demo runs.
TAIL = 200_000
APPLICATION = {302: "signed", 403: "refused"}


def requests_since(time):
    """For each section the last requests since then (seconds, as nginx's $msec), the oldest first."""
    sections = {section: [] for section in ("tampered", *(exhibit.section for exhibit in EXHIBITS))}
    for entry in log_entries():
        exhibit = BY_FILE.get(unquote(entry["path"]).removeprefix("/media/"))
        # The private link leads away from the page: what it caused is seen after coming back.
        if exhibit and (entry["time"] >= time or exhibit.section == "private"):
            section = "tampered" if entry["verdict"] == "invalid" else exhibit.section
            sections[section].append(Request(exhibit, entry))
    return {section: found[-12 if section == "pictures" else -6 :] for section, found in sections.items()}


def log_entries():
    with open(settings.REQUEST_LOG, "rb") as log:
        size = log.seek(0, 2)
        log.seek(max(0, size - TAIL))
        lines = log.read().split(b"\n")
    # The first one may have been cut; after the last newline there is nothing, or what is still being written.
    for line in lines[1 if size > TAIL else 0 : -1]:
        yield json.loads(line)


class Request:
    def __init__(self, exhibit, entry):
        self.status = entry["status"]
        self.site = entry["host"].partition(".")[0]
        self.file = exhibit.file.rpartition("/")[2]
        if entry["host"] == urlsplit(settings.SITE_URL).hostname:
            self.reason = APPLICATION.get(self.status, "")
        else:
            self.reason = entry["reason"] or "public"
        if self.status == 206:
            start = int(entry["range"].removeprefix("bytes ").partition("-")[0])
            self.reason += f", at {start / 1e6:.1f} MB"

    @property
    def kind(self):
        return {2: "served", 3: "sent-on", 4: "refused"}.get(self.status // 100, "failed")
