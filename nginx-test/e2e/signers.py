"""Signed URLs and cookies by the libraries that applications sign for CloudFront with."""

import base64
import json
import subprocess
from functools import partial
from urllib.parse import parse_qsl, urlsplit

from botocore.signers import CloudFrontSigner
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from stack import BUILD, E2E, end

NODE = BUILD / "node" / "node"
HASHES = {None: hashes.SHA1, "SHA1": hashes.SHA1, "SHA256": hashes.SHA256}


def new_key(bits=None):
    """RSA of so many bits, or P-256."""
    if bits is None:
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def private_pem(key):
    pem = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*pem).decode()


def public_pem(key):
    pem = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return key.public_key().public_bytes(*pem).decode()


def sign(key, algorithm, text):
    digest = HASHES[algorithm]()
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(text, padding.PKCS1v15(), digest)
    return key.sign(text, ec.ECDSA(digest))


def cookies_of(url):
    """The same credential for cookies: botocore makes URLs only."""
    return {f"CloudFront-{name}": value for name, value in parse_qsl(urlsplit(url).query) if name in PARAMETERS}


def canned_text(url, expires):
    """What is signed where no policy is sent."""
    return f'{{"Statement":[{{"Resource":"{url}","Condition":{{"DateLessThan":{{"AWS:EpochTime":{expires}}}}}}}]}}'


TO_CF64, FROM_CF64 = str.maketrans("+=/", "-_~"), str.maketrans("-_~", "+=/")


def cf64(data):
    """CloudFront's base64."""
    return base64.b64encode(data.encode() if isinstance(data, str) else data).decode().translate(TO_CF64)


PARAMETERS = ("Expires", "Policy", "Signature", "Key-Pair-Id", "Hash-Algorithm")


class Botocore:
    """Signs with `keys`, by id, through cryptography. It knows SHA-1 only: what names SHA-256 is added by hand."""

    name = "botocore"

    def __init__(self, keys):
        self.keys = keys

    def signer(self, key_id, algorithm=None):
        return CloudFrontSigner(key_id, partial(sign, self.keys[key_id], algorithm))

    def canned(self, key_id, url, ends, algorithm=None):
        return self.named(self.signer(key_id, algorithm).generate_presigned_url(url, date_less_than=ends), algorithm)

    def custom(self, key_id, url, policy, algorithm=None):
        return self.named(self.signer(key_id, algorithm).generate_presigned_url(url, policy=policy), algorithm)

    def policy(self, resource, ends, starts=None, address=None):
        return self.signer(next(iter(self.keys))).build_policy(resource, ends, starts, address)

    @staticmethod
    def named(url, algorithm):
        return url + (f"&Hash-Algorithm={algorithm}" if algorithm else "")


class Sdk:
    """npm's @aws-sdk/cloudfront-signer with the same keys, in a process that signs for as long as it is asked."""

    name = "sdk"

    def __init__(self, keys):
        command = [NODE, "--input-type=module", "--eval", (E2E / "sign.mjs").read_text()]
        # Modules are looked for from where the process works.
        self.process = subprocess.Popen(
            command, cwd=BUILD / "node", stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.ask({key_id: private_pem(key) for key_id, key in keys.items()})

    def ask(self, request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, "node has ended"
        return json.loads(answer)

    def sign(self, inputs):
        """Of each input what getSignedUrl or, with `cookies`, getSignedCookies makes of it, or the error."""
        return self.ask(inputs)

    def close(self):
        self.process.stdin.close()
        end(self.process)
