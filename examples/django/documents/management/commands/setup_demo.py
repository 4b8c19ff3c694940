import struct
import zlib
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import BaseCommand, call_command

from documents.models import Document

# (name, staff); the password is the name.
USERS = [("alice", False), ("bob", False), ("staff", True)]

# (file, title, owner, public). Public documents are where nginx knows, or asks, that they are: see the README.
DOCUMENTS = [
    ("report.pdf", "Annual report", "alice", False),
    ("Bergsee über Zürich.png", "Mountain lake", "alice", False),
    ("notes/100% cotton + linen.txt", "Notes on fabrics", "alice", False),
    ("Bob's letter.txt", "Letter", "bob", False),
    ("public/site plan.png", "Site plan", "staff", True),
    ("mixed/press release.pdf", "Press release", "staff", True),
    ("mixed/draft.txt", "Draft of the next press release", "alice", False),
]


class Command(BaseCommand):
    help = "Migrates, and creates the users and sample documents that are not there yet."

    def handle(self, *args, **options):
        call_command("migrate", verbosity=0)
        users = {name: self.user(name, staff) for name, staff in USERS}
        for file, title, owner, public in DOCUMENTS:
            write_sample(Path(settings.MEDIA_ROOT, file), title)
            Document.objects.get_or_create(
                file=file, defaults={"title": title, "owner": users[owner], "public": public}
            )
        self.stdout.write("Users (the password is the name): " + ", ".join(users))

    def user(self, name, staff):
        user, new = get_user_model().objects.get_or_create(username=name, defaults={"is_staff": staff})
        if new:
            user.set_password(name)
            user.save()
        return user


def write_sample(file, title):
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        make = {".pdf": pdf, ".png": png, ".txt": text}[file.suffix]
        file.write_bytes(make(title))


def text(title):
    return f"{title}\n\nServed by nginx alone, once the application has said yes.\n".encode()


def png(title, width=480, height=320):
    """A hazy sky above a lake whose colours depend on the title."""
    red, green, blue = zlib.crc32(title.encode()).to_bytes(4, "big")[:3]
    rows = bytearray()
    for y in range(height):
        shade = abs(2 * y - height) / height
        pixel = bytes(int(96 + shade * (colour % 128)) for colour in (red, green, blue))
        # Every row starts with its filter: 0, none.
        rows += b"\0" + pixel * width

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def pdf(title):
    """One page with the title on it; readers look objects up by their offsets, so these are counted."""
    page = b"BT /F1 24 Tf 72 720 Td (" + title.encode("ascii") + b") Tj ET"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(page), page),
    ]
    out = bytearray(b"%PDF-1.4\n")
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)
