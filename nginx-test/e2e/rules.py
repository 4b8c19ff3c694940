"""What CloudFront's rules say about a request: read from their description (FORMATS.md, section 2), not from the
module, and written for being read: slowly, with `re`, `json` and `cryptography`.
"""

import base64
import binascii
import json
import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, ip_address
from urllib.parse import unquote_to_bytes

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

PARAMETERS = ("Expires", "Policy", "Signature", "Key-Pair-Id", "Hash-Algorithm")
HASHES = {"SHA1": hashes.SHA1(), "SHA256": hashes.SHA256()}
LONGEST = 4096


@dataclass(frozen=True)
class Key:
    public: rsa.RSAPublicKey | ec.EllipticCurvePublicKey
    hashes: tuple[str, ...] = ("SHA1", "SHA256")


@dataclass(frozen=True)
class Site:
    """`origin`: scheme and host as viewers see them. `any_http`: `http*://` is both schemes."""

    origin: str
    keys: dict[str, Key]
    any_http: bool = False
    leeway: int = 0


@dataclass
class Request:
    target: str
    cookie: str = ""
    address: str = "127.0.0.1"


class Verdict(Exception):
    """Raised with one of: granted, missing, expired, invalid; and why, for people."""

    def __init__(self, verdict, why):
        super().__init__(verdict, why)
        self.verdict = verdict
        self.why = why


def verdict(site, request, now):
    try:
        decide(site, request, now)
    except Verdict as told:
        return told.verdict, told.why
    return "granted", ""


def split(target):
    """The path, the pairs of the query that are the application's own, and the five parameters."""
    path, mark, query = target.partition("?")
    own, found = [], []
    for pair in query.split("&") if mark else []:
        name, _, value = pair.partition("=")
        name = unquote_to_bytes(name)
        if name.decode("latin-1") in PARAMETERS:
            found.append((name.decode(), unquote_to_bytes(value)))
        else:
            own.append(pair)
    return path, own, found


def without_parameters(target):
    path, own, found = split(target)
    if not found:
        return target
    return path + ("?" + "&".join(own) if own else "")


def cookies(line):
    found = []
    for cookie in line.split(";"):
        name, is_there, value = cookie.strip(" \t").partition("=")
        name = name.removeprefix("CloudFront-") if name.startswith("CloudFront-") else ""
        if is_there and name in PARAMETERS:
            found.append((name, value.encode()))
    return found


def decide(site, request, now):
    _, _, found = split(request.target)
    # Any parameter in the URL, and the cookies do not count.
    found = found or cookies(request.cookie)
    if not found:
        raise Verdict("missing", "nothing is signed")
    have = dict(found)
    if len(have) < len(found):
        raise Verdict("invalid", "a parameter is repeated")
    if any(not value or len(value) > LONGEST for value in have.values()):
        raise Verdict("invalid", "a parameter is empty or too long")
    if "Expires" in have and "Policy" in have:
        raise Verdict("invalid", "both kinds of policy")
    if not ("Expires" in have or "Policy" in have) or "Signature" not in have or "Key-Pair-Id" not in have:
        raise Verdict("missing", "a parameter is missing")

    url = site.origin + without_parameters(request.target)
    path = request.target.partition("?")[0]
    if "#" in request.target or any(part in (b".", b"..") for part in unquote_to_bytes(path).split(b"/")):
        raise Verdict("invalid", "its path is not what is served")

    key = site.keys.get(have["Key-Pair-Id"].decode("latin-1"))
    name = have.get("Hash-Algorithm", b"SHA1").decode("latin-1")
    if key is None or name not in HASHES or name not in key.hashes:
        raise Verdict("invalid", "no such key, or not with this hash")
    if "Expires" in have:
        expires = have["Expires"].decode("latin-1")
        if not re.fullmatch("0|[1-9][0-9]{0,9}", expires):
            raise Verdict("invalid", "Expires is no number")
        # Not by `json`, which would escape what stands in the URL as it is.
        head, tail = '{"Statement":[{"Resource":"', '","Condition":{"DateLessThan":{"AWS:EpochTime":'
        text = (head + url + tail + expires + "}}}]}").encode("latin-1")
        check_signature(key, name, have["Signature"], text)
        check_end(int(expires), site, now)
    else:
        text = from_base64(have["Policy"])
        check_signature(key, name, have["Signature"], text)
        check_policy(text, site, request, url, now)


def from_base64(value):
    text = value.decode("latin-1")
    if not re.fullmatch(r"[A-Za-z0-9~-]+_{0,2}", text):
        raise Verdict("invalid", "not in CloudFront's base64")
    bare = text.rstrip("_")
    whole = bare + "_" * (-len(bare) % 4)
    # All of the padding or none, and no bits of which nothing is made: they would be another spelling of the same.
    try:
        data = base64.b64decode(whole.translate(str.maketrans("-_~", "+=/")), validate=True)
    except binascii.Error:
        raise Verdict("invalid", "not in base64") from None
    if text not in (bare, whole) or base64.b64encode(data).decode() != whole.translate(str.maketrans("-_~", "+=/")):
        raise Verdict("invalid", "not what base64 makes of it")
    return data


def check_signature(key, name, signature, text):
    signature = from_base64(signature)
    try:
        if isinstance(key.public, rsa.RSAPublicKey):
            key.public.verify(signature, text, padding.PKCS1v15(), HASHES[name])
        else:
            key.public.verify(signature, text, ec.ECDSA(HASHES[name]))
    except InvalidSignature:
        raise Verdict("invalid", "another signature") from None


def check_end(expires, site, now):
    if now >= expires + site.leeway:
        raise Verdict("expired", "it has ended")


def once(pairs):
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a member is repeated")
    return dict(pairs)


def only(members, allowed):
    if not isinstance(members, dict) or not set(members) <= set(allowed):
        raise ValueError(f"not an object of {allowed}")
    return members


def whole(members, name="AWS:EpochTime"):
    number = only(members, [name])[name]
    if type(number) is not int or abs(number) >= 2**63:
        raise ValueError("no whole number")
    return number


def check_policy(text, site, request, url, now):
    try:
        text = text.decode()
        # As the documentation writes it, although it is no escape of JSON.
        text = re.sub(r"\\(.)", lambda found: r"\\?" if found[1] == "?" else found[0], text, flags=re.DOTALL)
        policy = only(json.loads(text, object_pairs_hook=once), ["Statement"])["Statement"]
        if isinstance(policy, list):
            (policy,) = policy
        condition = only(policy, ["Resource", "Condition"])["Condition"]
        only(condition, ["DateLessThan", "DateGreaterThan", "IpAddress"])
        expires = whole(condition["DateLessThan"])
        starts = whole(condition["DateGreaterThan"]) if "DateGreaterThan" in condition else None
        network = None
        if "IpAddress" in condition:
            source = only(condition["IpAddress"], ["AWS:SourceIp"])["AWS:SourceIp"]
            if not re.fullmatch(r"[0-9.]+(/[0-9]+)?", source):
                raise ValueError("no address of IPv4")
            network = IPv4Network(source, strict=False)
        resource = policy.get("Resource")
        if "Resource" in policy and not isinstance(resource, str):
            raise ValueError("Resource is no text")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Verdict("invalid", f"no such policy: {error!r}") from None
    check_end(expires, site, now)
    # A second is tolerated, since nginx's clock has whole ones.
    if starts is not None and now + 1 <= starts:
        raise Verdict("invalid", "it has not begun")
    if network is not None:
        address = ip_address(request.address)
        address = getattr(address, "ipv4_mapped", None) or address
        if not isinstance(address, IPv4Address) or address not in network:
            raise Verdict("invalid", "for another address")
    if resource is not None and not covers(resource, url, site.any_http):
        raise Verdict("invalid", "for another URL")
    path = request.target.partition("?")[0]
    decoded = unquote_to_bytes(path)
    if resource != url and (b"//" in decoded or b"\\" in decoded or decoded.count(b"/") != path.count("/")):
        raise Verdict("invalid", "a path that wildcards do not cover")


def wildcards(pattern, stands_for="."):
    """A regular expression of a section: `*` any characters, `?` just one; `\\?` is itself."""
    made = {"*": f"{stands_for}*", "?": stands_for, "\\?": re.escape("?")}
    parts = re.findall(r"\\\?|.", pattern, flags=re.DOTALL)
    return "".join(made.get(part) or re.escape(part) for part in parts)


def is_like(pattern, text):
    return re.fullmatch(wildcards(pattern), text, flags=re.DOTALL) is not None


def covers(resource, url, any_http):
    if resource in ("*", url):
        return True
    scheme, authority, path, query = re.fullmatch(r"(\w+)://([^/]*)(/[^?]*)(?:\?(.*))?", url, flags=re.DOTALL).groups()
    # Bytes are what `?` counts.
    resource = resource.encode().decode("latin-1")
    named = re.match(r"([^/?]*)://", resource)
    if named:
        if named[1] not in ("*", scheme) and not (named[1] == "http*" and any_http):
            return False
        resource = resource[named.end() :]
    elif not resource.startswith("*"):
        return False
    host, slash, target = resource.partition("/")
    if not is_like(host.lower(), authority.lower()):
        return False
    if not slash:
        return host.endswith("*")
    return any(covers_target(*sections, path, query) for sections in sections_of(slash + target))


def sections_of(target):
    """The path and the query that a pattern may mean; None: it has no query."""
    mark = target.find("\\?")
    if mark >= 0:
        yield target[:mark], target[mark + 2 :]
        return
    yield target, None
    for found in re.finditer(r"\?", target):
        yield target[: found.start()], target[found.end() :]


def covers_target(path_pattern, query_pattern, path, query):
    if not is_like(path_pattern, path):
        return False
    if query_pattern is None:
        return query is None or path_pattern.endswith("*")
    return query is not None and is_like(query_pattern, query)
