"""An nginx whose keys are swapped and whose workers are killed while it is under load."""

import json
import os
import re
import subprocess
import sys
import time
from base64 import b64encode
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "nginx-test" / "e2e"))
import jwt  # noqa: E402
from cryptography.hazmat.primitives import hashes, serialization  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import padding, rsa  # noqa: E402
from stack import MODULE, NGINX, await_port, end, free_ports  # noqa: E402
from tokens import mint  # noqa: E402

# Another build of either: with sanitizers, or one that is known to be wrong.
NGINX = Path(os.environ.get("SOAK_NGINX", NGINX))
MODULE = Path(os.environ.get("SOAK_MODULE", MODULE))

SITE = "https://media.example.org"
APPLICATION = "https://www.example.com"
CONTENT = bytes(range(256)) * 64
FOLDERS = ("media", "handed", "open")
FILES = ("a.pdf", "b.pdf")
# So many RSA keys take turns: making one takes longer than a reload.
PAIRS = 6
HOUR = 3600


@cache
def pair(number):
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass(frozen=True)
class Keys:
    """What the application signs with in one generation. A configuration trusts its own and those of the one before."""

    generation: int

    @property
    def django(self):
        return f"soak-secret-key-of-generation-{self.generation}-long-enough-for-everybody"

    @property
    def jwt(self):
        return f"soak-jwt-secret-of-generation-{self.generation}-long-enough-for-everybody"

    @property
    def key_pair_id(self):
        return f"K{self.generation:08}"

    @property
    def private(self):
        return pair(self.generation % PAIRS)

    def django_token(self, path, age=0):
        return quote(mint(path, self.django, age=age), safe="")

    def jwt_token(self, path, age=0, **header):
        claims = {"path": path, "sub": "alice", "exp": int(time.time()) + HOUR - age}
        return jwt.encode(claims, self.jwt, "HS256", headers=header)

    def cloudfront(self, resource, age=0, custom=False):
        """The parameters of a signed URL, or of cookies, as botocore writes them."""
        expires = int(time.time()) + HOUR - age
        statement = {"Resource": SITE + resource, "Condition": {"DateLessThan": {"AWS:EpochTime": expires}}}
        policy = json.dumps({"Statement": [statement]}, separators=(",", ":")).encode()
        signature = self.private.sign(policy, padding.PKCS1v15(), hashes.SHA1())
        alphabet = bytes.maketrans(b"+=/", b"-_~")
        policy, signature = (b64encode(part).translate(alphabet).decode() for part in (policy, signature))
        first = {"Policy": policy} if custom else {"Expires": expires}
        return {**first, "Signature": signature, "Key-Pair-Id": self.key_pair_id}

    def write(self, folder):
        """The files, and the directives that name them."""
        public = self.private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        number = self.generation
        files = {f"django.{number}": self.django.encode(), f"jwt.{number}": self.jwt.encode(), f"rsa.{number}": public}
        for name, text in files.items():
            (folder / name).write_bytes(text)
            (folder / name).chmod(0o600)
        return [
            f"crossdomain_media_key django.{number} id=django-{number};",
            f"crossdomain_media_key jwt.{number} format=jwt id=jwt-{number};",
            f"crossdomain_media_key rsa.{number} format=cloudfront id={self.key_pair_id};",
        ]


class Server:
    def __init__(self, folder):
        self.folder = folder
        (self.port,) = free_ports(1)
        # What requests may be judged by now: the oldest and the newest that can still be, or already be, in use.
        self.settled = self.asked = 1
        self.reloads = 0
        # When who was killed.
        self.kills = {}
        for name in FOLDERS:
            (folder / "media" / name).mkdir(parents=True)
            for file in FILES:
                (folder / "media" / name / file).write_bytes(CONTENT)
        (folder / "mint.key").write_text("soak-secret-of-the-media-site-alone-long-enough")
        (folder / "mint.key").chmod(0o600)

    def configure(self, generation):
        keys = [line for number in (generation, generation - 1) for line in Keys(number).write(self.folder)]
        places = {
            "@MODULE@": str(MODULE),
            "@GENERATION@": str(generation),
            "@PORT@": str(self.port),
            "@KEYS@": "\n".join(
                f"        {line}" for line in [*keys, "crossdomain_media_key mint.key format=jwt use=mint;"]
            ),
        }
        conf = (Path(__file__).parent / "nginx.conf.in").read_text()
        for place, text in places.items():
            conf = conf.replace(place, text)
        # Renamed into place, as a deployment would do.
        (self.folder / "nginx.conf.new").write_text(conf)
        (self.folder / "nginx.conf.new").rename(self.folder / "nginx.conf")

    def command(self, *arguments):
        # Root's worker would otherwise be `nobody`.
        user = ["-g", "user root root;"] if os.geteuid() == 0 else []
        return [NGINX, "-p", self.folder, "-c", "nginx.conf", "-e", "error.log", *user, *arguments]

    def start(self):
        self.configure(self.settled)
        log = self.folder / "start.log"
        with open(log, "ab") as output:
            self.process = subprocess.Popen(self.command(), stdout=output, stderr=output)
        await_port(self.port, self.process, log)

    def stop(self):
        end(self.process)

    def reload(self):
        """Swaps the oldest keys for new ones, and waits until the old workers have gone."""
        before = set(self.workers())
        self.asked += 1
        self.configure(self.asked)
        subprocess.run(self.command("-s", "reload"), check=True, capture_output=True)
        self.await_workers(lambda workers: len(workers) == 2 and not before & set(workers))
        self.settled = self.asked
        self.reloads += 1

    def kill(self):
        """Ends a worker without warning. The master starts another."""
        pid = self.workers()[0]
        before = set(self.workers())
        self.kills[pid] = time.monotonic()
        os.kill(pid, 9)
        self.await_workers(lambda workers: len(workers) == len(before) and pid not in workers)

    def workers(self):
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(pid) for pid in children]

    def await_workers(self, holds):
        deadline = time.monotonic() + 60
        while not holds(self.workers()):
            assert time.monotonic() < deadline, f"workers: {self.workers()}"
            assert self.process.poll() is None, "the master has ended"
            time.sleep(0.01)

    def alarms(self):
        """What the log says that it should not, and which workers it says were killed."""
        unexpected, killed = [], []
        for line in (self.folder / "error.log").read_text(errors="replace").splitlines():
            if match := re.search(r"worker process (\d+) exited on signal 9\b", line):
                killed.append(int(match[1]))
            elif re.search(r"\[(alert|crit|emerg)\]|exited (on signal|with code [1-9])|panicked|Sanitizer", line):
                unexpected.append(line)
        return unexpected, killed


def memory(pid):
    """Bytes of a process that are nobody else's and no file's."""
    return int(re.search(r"^RssAnon:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.M)[1]) * 1024


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))
