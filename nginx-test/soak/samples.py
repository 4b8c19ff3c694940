"""What is asked for, and what must come of it. How a request was made says everything that decides it."""

from dataclasses import dataclass, field

from server import APPLICATION, CONTENT, FILES, HOUR, Keys

REFUSED, REDIRECTED = 403, 302


@dataclass(frozen=True)
class Sample:
    """A request that is worth sending many times."""

    kind: str
    target: str
    headers: dict = field(default_factory=dict)
    method: str = "GET"
    # Where the token is good, or would be; and how much of the file comes then, in bytes from its beginning.
    status: int = 200
    part: tuple = (0, len(CONTENT))
    # The generation of the key that it was signed with, where that decides.
    generation: int | None = None
    # Of a redirect.
    location: str = ""
    # Only HTTP/1.1 can say it.
    only_http1: bool = False

    def expected(self, judged_by):
        """The status, if that generation of the configuration decides."""
        if self.generation is None or judged_by - 1 <= self.generation <= judged_by:
            return self.status
        # Of a key that is not there, or no longer.
        return REFUSED

    def wrong(self, answer):
        """What is wrong with the answer, if anything."""
        expected = self.expected(answer.generation)
        if answer.status != expected:
            return f"{answer.status} instead of {expected}"
        if expected in (200, 206):
            body = b"" if self.method == "HEAD" else CONTENT[slice(*self.part)]
            if answer.body != body:
                return f"{len(answer.body)} bytes that are not the file's"
        elif CONTENT[:256] in answer.body:
            return "the file"
        if expected == REDIRECTED:
            if answer.headers.get("location") != APPLICATION + self.location:
                return f"Location: {answer.headers.get('location')}"
            if answer.headers.get("cache-control") != "no-store":
                return f"Cache-Control: {answer.headers.get('cache-control')}"
        return None


def flipped(text, position=-8):
    """Another character there."""
    place = position % len(text)
    return text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]


def carried(token, path):
    """A token in each place that the server looks at."""
    folder, file = path.rsplit("/", 1)
    return {
        "query": (f"{path}?token={token}", {}),
        "cookie": (path, {"cookie": f"theme=dark; media={token}"}),
        "header": (path, {"authorization": f"Bearer {token}"}),
        "path": (f"{folder}/~{token}/{file}", {}),
    }


def cloudfront(parameters, path):
    cookies = [f"CloudFront-{name}={value}" for name, value in parameters.items()]
    return {
        "url": (f"{path}?" + "&".join(f"{name}={value}" for name, value in parameters.items()), {}),
        "cookies": (path, {"cookie": "; ".join(["theme=dark", *cookies])}),
    }


def of_generation(generation):
    """Signed with the keys of one generation, by every signer and in every place."""
    keys = Keys(generation)
    for file in FILES:
        path = f"/media/{file}"
        good = {
            "django": carried(keys.django_token(path), path),
            "jwt": carried(keys.jwt_token("/media/*", kid=f"jwt-{generation}"), path),
            "jwt without kid": carried(keys.jwt_token(path), path),
            "cloudfront canned": cloudfront(keys.cloudfront(path), path),
            "cloudfront custom": cloudfront(keys.cloudfront("/media/*", custom=True), path),
        }
        expired = {
            "django": carried(keys.django_token(path, age=2 * HOUR), path),
            "jwt": carried(keys.jwt_token("/media/*", age=2 * HOUR), path),
            "cloudfront canned": cloudfront(keys.cloudfront(path, age=2 * HOUR), path),
        }
        for signer, places in good.items():
            for place, (target, headers) in places.items():
                name = f"{signer}, {place}"
                yield Sample(f"valid: {name}", target, headers, generation=generation)
                ranged = {**headers, "range": "bytes=100-299"}
                yield Sample(
                    f"valid, range: {name}", target, ranged, generation=generation, status=206, part=(100, 300)
                )
                yield Sample(f"valid, HEAD: {name}", target, headers, "HEAD", generation=generation)
                other = target.replace("/media/", "/handed/", 1)
                yield Sample(f"of another file: {name}", other, headers, status=REFUSED)
        for signer, places in expired.items():
            for place, (target, headers) in places.items():
                yield Sample(
                    f"expired: {signer}, {place}",
                    target,
                    headers,
                    generation=generation,
                    status=REDIRECTED,
                    location=path,
                )
        folder = keys.jwt_token("/handed/*", kid=f"jwt-{generation}")
        yield Sample("valid, handed over", f"/handed/{file}?token={folder}", generation=generation)
        forged = {
            "django": carried(flipped(keys.django_token(path)), path),
            "jwt": carried(flipped(keys.jwt_token("/media/*")), path),
            "jwt, its claims": carried(flipped(keys.jwt_token("/media/*"), 60), path),
        }
        for signer, places in forged.items():
            for place, (target, headers) in places.items():
                yield Sample(f"forged: {signer}, {place}", target, headers, status=REFUSED)
        for place, (target, headers) in cloudfront(keys.cloudfront(path), "/media/other.pdf").items():
            yield Sample(f"forged: cloudfront, {place}", target, headers, status=REFUSED)


def always():
    """What no key decides."""
    for file in FILES:
        path = f"/media/{file}"
        yield Sample("open", f"/open/{file}")
        yield Sample("open, with an argument", f"/open/{file}?token=x")
        yield Sample("missing", path, status=REDIRECTED, location=path)
        yield Sample("missing, a query", f"{path}?a=%20&b", status=REDIRECTED, location=f"{path}?a=%20&b")
        for token in ("x", "1:x", ":", "::", "a.b.c", "eyJhbGciOiJub25lIn0.eyJwYXRoIjoiLyoifQ.", "%00", "%ff%fe", ""):
            yield Sample("malformed", f"{path}?token={token}", status=REFUSED)
        yield Sample("twice", f"{path}?token=x&token=y", status=REFUSED)
        yield Sample("dots", "/media/b/%2e%2e/a.pdf?token=1r31eq:x", status=REFUSED)
        for length in (1000, 6000):
            yield Sample("oversized", f"{path}?token={'A' * length}", status=REFUSED)
            yield Sample("oversized, with dots", f"{path}?token={'A.' * (length // 2)}", status=REFUSED)
            yield Sample("oversized, a cookie", path, {"cookie": f"media={'A' * length}"}, status=REFUSED)
        many = "; ".join(f"media=x{number}" for number in range(200))
        yield Sample("many cookies", path, {"cookie": many}, status=REFUSED)
        policy = f"{path}?Policy={'A' * 4000}&Signature={'A' * 300}&Key-Pair-Id=K"
        yield Sample("oversized, a policy", policy, status=REFUSED)
        yield Sample("incomplete", f"{path}?Signature=x", status=REDIRECTED, location=path)
        # nginx refuses these itself.
        yield Sample("too long for nginx", f"{path}?token={'A' * 20000}", status=414, only_http1=True)
        yield Sample("too large for nginx", path, {"cookie": f"media={'A' * 20000}"}, status=400, only_http1=True)
        yield Sample("no request", f"{path} HTTP/1.1 x", status=400, only_http1=True)


class Samples:
    """Any of those that are of use while `server` has its keys."""

    def __init__(self):
        self.always = list(always())
        self.by_generation = {}

    def prepare(self, generation):
        """Signs ahead: those who ask must not wait for it."""
        # Two that have been removed, two that hold, and one that is yet to come.
        wanted = range(max(generation - 3, 0), generation + 3)
        made = self.by_generation
        self.by_generation = {number: made.get(number) or list(of_generation(number)) for number in wanted}

    def any(self, generation, random):
        if random.random() < 0.25:
            return random.choice(self.always)
        # Mostly of those that hold.
        number = generation - random.choice([0, 0, 0, 0, 1, 1, 1, 2, 3, -1])
        return random.choice(self.by_generation.get(number, self.always))
