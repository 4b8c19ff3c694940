"""Private films for players of several kinds, and an application that takes uploads."""

import base64
import hashlib
import json
import re
from datetime import UTC, datetime, timedelta

import av
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from PIL import Image, ImageChops
from stack import EXAMPLE, MODULE, ROOT
from video import BROWSER, HLS, RATE, SIZE, VideoStack, picture, write_film

PLAYER = ROOT / "examples" / "player"
# Of tokens that the application mints: shorter than any of the films.
TOKEN_SECONDS = 4
FOLDERS = ["handed/1", "briefly/1", "shared/1", "alone/1", "plain/1", "scripts/1"]
FILM = "film.webm"
FILM_SECONDS = 20


class ShortTokens(VideoStack):
    settings = "variants.settings"

    def environment(self, fallbacks=()):
        return {**super().environment(fallbacks), "MEDIA_TOKEN_SECONDS": str(TOKEN_SECONDS)}

    def media_log(self, since=0):
        """What was asked of the media host: (method, target, status, reason, when it was answered)."""
        lines = re.findall(r'^media\.localhost "(\S+) (\S+) \S+" (\d+) (\S+) (\S+)$', self.access_log()[since:], re.M)
        return [(method, target, int(status), reason, float(when)) for method, target, status, reason, when in lines]


class ClientsStack(ShortTokens):
    configuration = BROWSER / "clients.conf.in"
    settings = "behind_tls"

    def __init__(self, folder, key):
        super().__init__(folder, key)
        self.www, self.media = (origin.replace("http:", "https:") for origin in (self.www, self.media))
        self.elsewhere = self.www.replace("www.", "elsewhere.")
        self.public_key_digest = write_certificate(folder)

    def start(self):
        self.write_key("mint_key", f"{self.key}, but for nothing else than cookies")
        self.manage("setup_demo")
        first = self.folder / "media" / FOLDERS[0]
        write_film(first)
        write_webm(first / FILM)
        for folder in FOLDERS[1:]:
            (self.folder / "media" / folder).parent.mkdir()
            (self.folder / "media" / folder).symlink_to(first)
        documents = [
            {"model": "documents.document", "fields": {"title": folder, "file": file, "owner": ["alice"]}}
            for folder in FOLDERS
            for file in [f"{folder}/master.m3u8"]
        ]
        fixture = self.folder / "films.json"
        fixture.write_text(json.dumps(documents))
        self.manage("loaddata", str(fixture))
        self.start_app()
        places = {"@EXAMPLE@": EXAMPLE, "@PAGES@": BROWSER / "pages", "@HLS@": HLS}
        self.start_nginx(replace=[(place, str(folder)) for place, folder in places.items()])


class PlayerStack(ShortTokens):
    """The example as its README has it."""

    configuration = PLAYER / "nginx.conf"

    def start(self):
        self.fill()
        write_film(self.folder / "media" / "course/1")
        player = self.folder / "player"
        player.mkdir()
        for file in ("player.js", "page.js", "index.html"):
            text = (PLAYER / file).read_text()
            (player / file).write_text(text.replace("localhost:8080", f"localhost:{self.port}"))
        (player / "hls.js").symlink_to(HLS)
        self.start_app()
        self.start_nginx(
            replace=[
                ("modules/ngx_http_crossdomain_media_module.so", str(MODULE)),
                ("pid nginx.pid;", "pid nginx.pid; daemon off;"),
                ("logs/", ""),
                ("localhost:8080", f"localhost:{self.port}"),
                ("127.0.0.1:8080", f"127.0.0.1:{self.port}"),
                ("127.0.0.1:8081", f"127.0.0.1:{self.app_port}"),
                ("$time_iso8601 ", ""),
                ("$crossdomain_media_status $crossdomain_media_reason", "$crossdomain_media_reason $msec"),
            ]
        )


def write_webm(file):
    # Grain, which cannot be compressed away: a browser is not to have all of it at once.
    grains = [Image.merge("RGB", 3 * [Image.effect_noise(SIZE, 40)]) for _ in range(5)]
    with av.open(file, "w", format="webm") as container:
        stream = container.add_stream("libvpx", rate=RATE, options={"deadline": "realtime", "cpu-used": "16"})
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = 1_200_000
        stream.gop_size = RATE
        for number in range(FILM_SECONDS * RATE):
            image = ImageChops.add(picture(number), grains[number % len(grains)], offset=-128)
            container.mux(stream.encode(av.VideoFrame.from_image(image)))
        container.mux(stream.encode())


def write_certificate(folder):
    """For *.localhost. Returns the digest of its public key, by which Chromium knows what it is to trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("*.localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(pem))
    private = (pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "certificate_key").write_bytes(key.private_bytes(*private))
    public = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(key.public_key().public_bytes(*public)).digest()).decode()
