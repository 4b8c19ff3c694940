"""JSON Web Tokens by the libraries that applications use, each with keys of its own."""

import json
import subprocess
from datetime import UTC, datetime, timedelta

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from stack import BUILD, E2E, end

NODE = BUILD / "node" / "node"
SECRETS = ["HS256", "HS384", "HS512"]
PAIRS = ["RS256", "PS256", "ES256", "EdDSA"]
ALGORITHMS = [*SECRETS, *PAIRS]


class PyJwt:
    """PyJWT, with keys made by cryptography."""

    name = "pyjwt"

    def __init__(self):
        self.keys = {}

    def new_key(self, name, alg):
        """Makes a key, and returns what nginx may be given of it, and as a JWK: a secret's text, or a PEM file's."""
        algorithm = jwt.get_algorithm_by_name(alg)
        if alg in SECRETS:
            secret = f"the secret {name} of PyJWT for {alg}, " + 64 * "x"
            self.keys[name] = alg, secret
            return secret, algorithm.to_jwk(secret, as_dict=True)
        if alg == "ES256":
            private = ec.generate_private_key(ec.SECP256R1())
        elif alg == "EdDSA":
            private = ed25519.Ed25519PrivateKey.generate()
        else:
            private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.keys[name] = alg, private
        public = private.public_key()
        pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        return pem.decode(), algorithm.to_jwk(public, as_dict=True)

    def token(self, name, claims, *, kid=None, seconds=60):
        alg, key = self.keys[name]
        expires = datetime.now(UTC) + timedelta(seconds=seconds)
        return jwt.encode({**claims, "exp": expires}, key, algorithm=alg, headers={"kid": kid} if kid else None)

    def close(self):
        pass


class Jose:
    """npm's jose, in a process that mints for as long as it is asked."""

    name = "jose"

    def __init__(self):
        command = [NODE, "--input-type=module", "--eval", (E2E / "mint.mjs").read_text()]
        # Modules are looked for from where the process works.
        self.process = subprocess.Popen(
            command, cwd=BUILD / "node", stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, request, **parameters):
        self.process.stdin.write(json.dumps({"request": request, **parameters}) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, "node has ended"
        return json.loads(answer)

    def new_key(self, name, alg):
        key = self.ask("key", name=name, alg=alg)
        return key.get("pem") or key["jwk"]["k"], key["jwk"]

    def token(self, name, claims, *, kid=None, seconds=60):
        expires = f"{seconds} seconds" if seconds >= 0 else f"{-seconds} seconds ago"
        return self.ask("token", name=name, kid=kid, claims=claims, expires=expires)["token"]

    def close(self):
        self.process.stdin.close()
        end(self.process)
