"""What the gallery shows: files below MEDIA_ROOT, whose they are, and in which section."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Exhibit:
    section: str
    file: str
    title: str
    owner: str
    alt: str = ""

    @property
    def public(self):
        # As the map in nginx.conf has it.
        return self.file.startswith("public/")


EXHIBITS = [
    Exhibit("pictures", "public/dawn.jpg", "Dawn", "staff", "A pale sun over violet mountains and dark firs."),
    Exhibit("pictures", "public/islands.jpg", "Islands", "staff", "Low islands on a calm sea."),
    Exhibit("pictures", "pictures/lake.jpg", "Evening at the lake", "alice", "An orange sky, mirrored by a lake."),
    Exhibit("pictures", "pictures/fog.jpg", "Fog", "alice", "Green hills that fade into fog behind a row of firs."),
    Exhibit("pictures", "pictures/night.jpg", "Night on the pass", "alice", "Moon and stars over blue mountains."),
    Exhibit("pictures", "pictures/dunes.jpg", "Dunes", "bob", "Sand dunes under a clear sky."),
    Exhibit("paper", "paper/guide.pdf", "A short guide to the lake", "alice"),
    Exhibit("film", "film/day.webm", "A day at the lake", "alice"),
    Exhibit("short", "short/ticket.html", "A link that lives for 15 seconds", "alice"),
    Exhibit("private", "private/postcard.jpg", "A postcard to alice", "alice"),
]
