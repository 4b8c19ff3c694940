"""Random requests with CloudFront credentials: what is to be signed, what a signer made of it, and what somebody tries."""

import base64
import json
import re
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import IPv4Network
from urllib.parse import quote

from rules import PARAMETERS, Request
from signers import FROM_CF64, canned_text, cf64, cookies_of

# Few letters, so that what wildcards leave open happens to fit; and what some layer treats in its own way.
LETTERS = "aab"
ODD = [
    "%20",
    "%C3%BC",
    "%2A",
    "%3F",
    "%25",
    "%2e",
    "%41",
    "+",
    ";",
    "=",
    ",",
    "@",
    ":",
    "!",
    "$",
    "'",
    "(",
    ")",
    "*",
    "A",
]
ODDER = [" ", "é", '"', "\\", "|", "<", "[", "`", "%5C", "%22", "%c3%bc"]
ARGUMENTS = [
    "a",
    "b=1",
    "b=",
    "size=large",
    "a=%20b",
    "a=a+b",
    "x=a/b",
    "a=*",
    "b=a?b",
    "expires=1",
    "é=é",
    "a='b'",
    "=1",
    "",
]
NETWORKS = ["127.0.0.1", "127.0.0.0/30", "192.0.2.7", "192.0.2.7/25", "198.51.100.0/24", "10.0.0.0/8", "0.0.0.0/0"]
MINUTE, YEAR = 60, 365 * 86400


@dataclass
class Asked:
    """A request in parts, and how it came to be. `parameters` and `cookies` are pairs of texts."""

    site: str
    path: str
    own: list[str]
    address: str
    parameters: list[tuple[str, str]] = field(default_factory=list)
    cookies: list[tuple[str, str]] = field(default_factory=list)
    # Where the parameters stand among the application's own.
    at: int = 0
    label: str = ""
    change: str = ""

    def request(self):
        pairs = [f"{name}={value}" for name, value in self.parameters]
        query = "&".join([*self.own[: self.at], *pairs, *self.own[self.at :]])
        target = self.path + ("?" + query if pairs or self.own else "")
        return Request(target, "; ".join(f"{name}={value}" for name, value in self.cookies), self.address)


def wire(url):
    """What a client percent-encodes, so that it is a request at all."""
    return quote(url, safe="".join(map(chr, range(0x21, 0x7F))))


class Maker:
    """Everything random comes from `random`, and the times from `now`."""

    def __init__(self, random, now, sites, keys):
        self.random = random
        self.now = now
        self.sites = sites
        self.keys = keys

    def chance(self, share):
        return self.random.random() < share

    def path(self):
        def segment():
            pieces = self.random.choices([LETTERS, ODD, ODDER], [12, 2, 0.2], k=self.random.randint(1, 4))
            return "".join(self.random.choice(piece) for piece in pieces)

        folders = [segment() for _ in range(self.random.randint(0, 3))]
        return "/" + "/".join([*folders, segment() + self.random.choice(["", ".a", ".b"])])

    def own(self):
        return [self.random.choice(ARGUMENTS) for _ in range(self.random.choice([0, 0, 0, 1, 1, 2, 3]))]

    def ends(self):
        """Also while the test runs."""
        away = self.random.choice(
            [self.random.randint(0, 30), 10 * MINUTE, 40 * MINUTE, 3 * 60 * MINUTE, self.random.randint(86400, YEAR)]
        )
        return self.now + (away if self.chance(0.8) else -away)

    def starts(self):
        away = self.random.choice([self.random.randint(-30, 0), 10 * MINUTE, self.random.randint(10 * MINUTE, YEAR)])
        return self.now - away if self.chance(0.8) else self.now + 10 * MINUTE

    def address(self, network=None):
        """Mostly in the network, or at its very edge."""
        if network and self.chance(0.8):
            inside = IPv4Network(network, strict=False)
            edge = self.random.choice(
                [inside[0], inside[-1], inside[0] - 1 if inside[0] != IPv4Network("0.0.0.0/0")[0] else inside[0]]
            )
            address = str(self.random.choice([inside[self.random.randrange(min(inside.num_addresses, 2**20))], edge]))
            if address == "255.255.255.255":
                # nginx's realip takes that for no address.
                address = "255.255.255.254"
            return f"::ffff:{address}" if self.chance(0.1) else address
        return self.random.choice(["127.0.0.1", "127.0.0.2", "127.0.0.9", "192.0.2.1", "192.0.2.8", "2001:db8::1"])

    def resource(self, url):
        """A pattern that covers the URL, or almost."""
        origin, slash, target = url.partition("//")[2].partition("/")
        scheme, target = url.partition("//")[0], slash + target
        for _ in range(self.random.choice([0, 1, 1, 2, 3])):
            begin, end = sorted(self.random.choices(range(1, len(target) + 1), k=2))
            change = self.random.randrange(6)
            if change == 0:
                target = target[:begin] + "*" + target[end:]
            elif change == 1:
                target = target[:begin] + "*"
            elif change == 2:
                target = target[:begin] + "?" + target[begin + 1 :]
            elif change == 3:
                target = target.replace("?", "\\?", 1)
            elif change == 4:
                target = target.partition("?")[0] + self.random.choice(["", "*", "?*", "\\?*", "?", "\\?a=*"])
            else:
                target = target[:begin] + self.random.choice(["*", "?", "a", "\\?", "**", "/"]) + target[begin:]
        host = self.random.choices(
            [
                origin,
                "*",
                origin.replace("localhost", "*"),
                "*." + origin.partition(".")[2],
                "?" + origin[1:],
                origin.upper(),
                "other.localhost",
            ],
            [12, 2, 2, 1, 1, 1, 0.5],
        )[0]
        scheme = self.random.choices([scheme + "//", "*://", "http*://", "", "ftp://"], [12, 3, 3, 0.5, 0.3])[0]
        whole = self.random.choices(
            [scheme + host + target, "*", "*" + target, scheme + host + "*", scheme + host], [40, 1, 2, 1, 0.5]
        )[0]
        return whole

    def policy(self, resource, ends, starts=None, network=None):
        """As somebody writes it by hand, rightly or not."""
        condition = {"DateLessThan": {"AWS:EpochTime": ends}}
        if starts is not None:
            condition["DateGreaterThan"] = {"AWS:EpochTime": starts}
        if network:
            condition["IpAddress"] = {"AWS:SourceIp": network}
        statement = {"Resource": resource, "Condition": condition}
        if self.chance(0.1):
            del statement["Resource"]
        policy = {"Statement": statement if self.chance(0.2) else [statement]}
        if self.chance(0.15):
            self.random.choice(FAULTS)(policy, statement, condition)
        text = json.dumps(
            policy, **self.random.choice([{}, {"indent": 2}, {"separators": (",", ":")}, {"ensure_ascii": False}])
        )
        # As the documentation writes it.
        return text.replace("\\\\?", "\\?") if self.chance(0.5) else text


FAULTS = [
    lambda policy, statement, condition: policy.update(Statement=[statement, statement]),
    lambda policy, statement, condition: policy.update(Statement=[]),
    lambda policy, statement, condition: policy.update(Version="2012-10-17"),
    lambda policy, statement, condition: policy.pop("Statement"),
    lambda policy, statement, condition: statement.update(Effect="Allow"),
    lambda policy, statement, condition: statement.update(Resource=None),
    lambda policy, statement, condition: statement.update(Resource=[statement.get("Resource")]),
    lambda policy, statement, condition: statement.pop("Condition"),
    lambda policy, statement, condition: condition.pop("DateLessThan"),
    lambda policy, statement, condition: condition["DateLessThan"].update({"AWS:EpochTime": "1999999999"}),
    lambda policy, statement, condition: condition["DateLessThan"].update({"AWS:EpochTime": 1999999999.0}),
    lambda policy, statement, condition: condition.update(StringLike={"AWS:Referer": "*"}),
    lambda policy, statement, condition: condition.update(IpAddress={"AWS:SourceIp": "2001:db8::/32"}),
    lambda policy, statement, condition: condition.update(IpAddress={"AWS:SourceIp": "192.0.2.0/33"}),
    lambda policy, statement, condition: condition.update(IpAddress={"AWS:SourceIp": ["127.0.0.1"]}),
]


def asked(maker, site, signed, label, network=None, url=None):
    """The request that a client makes of a signed URL, or of cookies and the URL that they are for."""
    cookies = signed if isinstance(signed, dict) else {}
    target = wire(url if cookies else signed).removeprefix(maker.sites[site].origin)
    path, mark, query = target.partition("?")
    pairs = query.split("&") if mark else []
    own = [pair for pair in pairs if pair.partition("=")[0] not in PARAMETERS]
    parameters = [tuple(pair.split("=", 1)) for pair in pairs if pair not in own]
    cookies = [(name, str(value)) for name, value in cookies.items()]
    return Asked(site, path, own, maker.address(network), parameters, cookies, len(own), label)


def date(seconds):
    return datetime.fromtimestamp(seconds, UTC)


def by_botocore(maker, signer):
    """One, canned or custom, for the URL or, with the same texts, as cookies."""
    random = maker.random
    site = random.choice(list(maker.sites))
    url = maker.sites[site].origin + maker.path()
    query = "&".join(maker.own())
    url += "?" + query if query else ""
    key_id, algorithm = random.choice(list(maker.keys)), random.choice([None, None, "SHA1", "SHA256"])
    network = None
    if maker.chance(0.4):
        kind = "canned"
        signed = signer.canned(key_id, url, date(maker.ends()), algorithm)
    else:
        kind = "custom"
        resource = maker.resource(wire(url))
        starts = maker.starts() if maker.chance(0.4) else None
        network = random.choice(NETWORKS) if maker.chance(0.4) else None
        if maker.chance(0.5):
            policy = signer.policy(resource, date(maker.ends()), starts and date(starts), network)
        else:
            kind = "custom by hand"
            policy = maker.policy(resource, maker.ends(), starts, network)
        signed = signer.custom(key_id, url, policy, algorithm)
    if maker.chance(0.4):
        return asked(maker, site, cookies_of(signed), f"botocore, {kind}, cookies", network, url)
    return asked(maker, site, signed, f"botocore, {kind}", network)


def by_sdk(maker, signer, count):
    """So many: the SDK is asked once."""
    random, inputs, about = maker.random, [], []
    for _ in range(count):
        site = random.choice(list(maker.sites))
        query = "&".join(maker.own())
        url = maker.sites[site].origin + maker.path() + ("?" + query if query else "")
        one = {"keyPairId": random.choice(list(maker.keys)), "url": url, "cookies": maker.chance(0.4)}
        if maker.chance(0.5):
            one["algorithm"] = random.choice(["SHA1", "SHA256"])
        starts = maker.starts() if maker.chance(0.3) else None
        network = random.choice(NETWORKS) if maker.chance(0.3) else None
        if maker.chance(0.4):
            kind = "custom by hand"
            one["policy"] = maker.policy(maker.resource(wire(url)), maker.ends(), starts, network)
        else:
            kind = "custom" if starts or network else "canned"
            one["dateLessThan"] = date(maker.ends()).isoformat()
            if starts:
                one["dateGreaterThan"] = date(starts).isoformat()
            if network:
                one["ipAddress"] = network
        inputs.append(one)
        about.append((site, f"sdk, {kind}{', cookies' if one['cookies'] else ''}", network, url))
    for (site, label, network, url), output in zip(about, signer.sign(inputs), strict=True):
        assert "error" not in output, output
        yield asked(maker, site, output.get("url") or output["cookies"], label, network, url)


class Changer:
    """Does to a request what a method of a subclass says, any of them."""

    def __init__(self, maker):
        self.maker = maker
        self.random = maker.random
        # In the order of the file, so that the same numbers mean the same.
        self.names = [name for name in vars(type(self)) if not name.startswith("_")]

    def of(self, asked, others):
        changed = deepcopy(asked)
        changed.change = self.random.choice(self.names)
        getattr(self, changed.change)(changed, self.random.choice(others))
        return changed

    def _place(self, asked):
        return self.random.randrange(1, len(asked.path) + 1)

    def _insert(self, asked, text):
        # At a boundary: not within an escape.
        place = self._place(asked)
        place = asked.path.find("/", place)
        asked.path = asked.path + text if place < 0 else asked.path[:place] + text + asked.path[place:]

    def _credential(self, asked):
        return asked.parameters or asked.cookies

    def _value(self, asked, name):
        return next((value for one, value in self._credential(asked) if one.endswith(name)), None)

    def _replace(self, asked, name, change):
        """The value of a parameter, if there is one."""
        pairs = self._credential(asked)
        pairs[:] = [(one, change(value) if one.endswith(name) else value) for one, value in pairs]

    def _prefix(self, asked):
        return "" if asked.parameters else "CloudFront-"


class Changes(Changer):
    """What somebody may try, in one way each; the request may be as good as before, or better."""

    def path_letter(self, asked, other):
        asked.path = asked.path.replace("a", "b", 1)

    def path_case(self, asked, other):
        asked.path = asked.path.replace("a", "A", 1)

    def path_escaped(self, asked, other):
        asked.path = asked.path.replace("a", "%61", 1)

    def path_escape_case(self, asked, other):
        asked.path = asked.path.replace("%C3%BC", "%c3%bc").replace("%2A", "%2a")

    def path_longer(self, asked, other):
        asked.path += self.random.choice(["a", ".a", "/a", "/", "*", "?"])
        asked.path = asked.path.rstrip("?")

    def path_shorter(self, asked, other):
        asked.path = asked.path.rpartition("/")[0] or "/"

    def path_slash(self, asked, other):
        self._insert(asked, self.random.choice(["/", "//a", "%2Fa", "%2fa"]))

    def path_backslash(self, asked, other):
        self._insert(asked, self.random.choice(["\\a", "%5Ca"]))

    def path_dots(self, asked, other):
        self._insert(asked, self.random.choice(["/.", "/a/..", "/%2e", "/a/.%2E", "/...", "/..a"]))

    def path_of_another(self, asked, other):
        asked.path = other.path

    def as_the_pattern_says(self, asked, other):
        """What a policy's wildcards may stand for, or almost."""
        text = base64.b64decode((self._value(asked, "Policy") or "").translate(FROM_CF64)).decode(errors="replace")
        resource = re.search(r'"Resource": ?"[^"/]*//[^"/]*(/[^"]*)"', text)
        if not resource:
            return
        stands = {
            "*": ["", "a", "b.a", "aab/b", "a?b", "?a=b"],
            "?": ["a", "a", "?", "?", "/"],
            "\\?": ["?", "?", "?", "a", "??"],
        }
        parts = re.findall(r"\\+\?|.", wire(resource[1]), flags=re.DOTALL)
        target = "".join(self.random.choice(stands.get(part.replace("\\\\", "\\"), [part])) for part in parts)
        asked.path, mark, query = target.partition("?")
        asked.own = query.split("&") if mark and query else []
        asked.at = self.random.randint(0, len(asked.own))

    def fragment(self, asked, other):
        asked.path += "#a"

    def own_added(self, asked, other):
        place = self.random.randint(0, len(asked.own))
        asked.own.insert(place, self.random.choice(ARGUMENTS[:8]))
        asked.at += place <= asked.at

    def own_removed(self, asked, other):
        asked.own, asked.at = asked.own[1:], 0

    def own_reversed(self, asked, other):
        asked.own.reverse()

    def parameters_moved(self, asked, other):
        asked.at = self.random.randint(0, len(asked.own))

    def parameters_shuffled(self, asked, other):
        self.random.shuffle(self._credential(asked))

    def parameter_missing(self, asked, other):
        pairs = self._credential(asked)
        pairs.pop(self.random.randrange(len(pairs)))

    def parameter_twice(self, asked, other):
        pairs = self._credential(asked)
        pairs.append(self.random.choice(pairs))

    def parameter_empty(self, asked, other):
        pairs = self._credential(asked)
        name, _ = pairs.pop(self.random.randrange(len(pairs)))
        pairs.append((name, ""))

    def name_case(self, asked, other):
        pairs = self._credential(asked)
        name, value = pairs.pop()
        pairs.append((name.lower(), value))

    def name_escaped(self, asked, other):
        asked.parameters = [(name.replace("e", "%65"), value) for name, value in asked.parameters]

    def value_escaped(self, asked, other):
        asked.parameters = [(name, value.replace("_", "%5f").replace("1", "%31")) for name, value in asked.parameters]

    def value_changed(self, asked, other):
        pairs = self._credential(asked)
        place = self.random.randrange(len(pairs))
        name, value = pairs[place]
        at = self.random.randrange(len(value))
        pairs[place] = (
            name,
            value[:at]
            + self.random.choice("A1a-~_+ /="[: 5 if asked.cookies else 10].replace(" ", "%20"))
            + value[at + 1 :],
        )

    def end_later(self, asked, other):
        self._replace(asked, "Expires", lambda value: str(int(value) + YEAR))

    def end_spelled(self, asked, other):
        spelled = self.random.choice(["0{}", "+{}", "{}.0", "-{}", "{}000", "x"])
        self._replace(asked, "Expires", spelled.format)

    def key_of_another(self, asked, other):
        self._replace(asked, "Key-Pair-Id", lambda value: self.random.choice([*self.maker.keys, value.lower()]))

    def hash_said(self, asked, other):
        pairs = self._credential(asked)
        pairs[:] = [pair for pair in pairs if not pair[0].endswith("Hash-Algorithm")]
        pairs.append(
            (self._prefix(asked) + "Hash-Algorithm", self.random.choice(["SHA1", "SHA256", "sha256", "MD5", "SHA512"]))
        )

    def hash_unsaid(self, asked, other):
        pairs = self._credential(asked)
        pairs[:] = [pair for pair in pairs if not pair[0].endswith("Hash-Algorithm")]

    def signature_of_another(self, asked, other):
        self._replace(asked, "Signature", lambda value: self._value(other, "Signature") or value)

    def signature_shorter(self, asked, other):
        self._replace(asked, "Signature", lambda value: value[: self.random.choice([-1, -2, -4, 4])])

    def signature_spelled(self, asked, other):
        """Other alphabets, other padding, and bits that decode to nothing."""

        def next_letter(value):
            bare = value.rstrip("_")
            return bare[:-1] + chr(ord(bare[-1]) + 1).replace("\x7f", "}") + value[len(bare) :]

        spelled = self.random.choice(
            [
                lambda value: value.translate(FROM_CF64),
                lambda value: value.replace("~", "_").rstrip("_"),
                lambda value: value.rstrip("_"),
                lambda value: value + "_",
                next_letter,
            ]
        )
        self._replace(asked, self.random.choice(["Signature", "Policy"]), spelled)

    def policy_of_another(self, asked, other):
        self._replace(asked, "Policy", lambda value: self._value(other, "Policy") or value)

    def policy_changed(self, asked, other):
        def changed(value):
            text = bytearray(base64.b64decode(value.translate(FROM_CF64)))
            text[self.random.randrange(len(text))] ^= 1
            return cf64(bytes(text))

        self._replace(asked, "Policy", changed)

    def both_policies(self, asked, other):
        pairs = self._credential(asked)
        missing = "Policy" if self._value(asked, "Expires") else "Expires"
        pairs.append((self._prefix(asked) + missing, self._value(other, missing) or "1999999999"))

    def canned_as_custom(self, asked, other):
        """The same text is signed."""
        if expires := self._value(asked, "Expires"):
            pairs = self._credential(asked)
            query = "?" + "&".join(asked.own) if asked.own else ""
            policy = cf64(canned_text(self.maker.sites[asked.site].origin + asked.path + query, expires))
            pairs[:] = [
                (self._prefix(asked) + "Policy", policy) if name.endswith("Expires") else (name, value)
                for name, value in pairs
            ]

    def other_carrier(self, asked, other):
        if asked.parameters:
            asked.cookies = [(f"CloudFront-{name}", value) for name, value in asked.parameters]
            asked.parameters = []
        else:
            asked.parameters = [(name.removeprefix("CloudFront-"), value) for name, value in asked.cookies]
            asked.cookies = []

    def both_carriers(self, asked, other):
        if asked.parameters:
            asked.cookies = [(f"CloudFront-{name}", value) for name, value in self._credential(other)]
        else:
            asked.parameters = [(name.removeprefix("CloudFront-"), value) for name, value in self._credential(other)]

    def one_in_the_url(self, asked, other):
        """With which the cookies do not count."""
        if asked.cookies:
            asked.parameters = [(self.random.choice(PARAMETERS), self.random.choice(["", "1"]))]

    def other_cookies(self, asked, other):
        asked.cookies = [("theme", "dark"), *asked.cookies, ("CloudFront", "x"), ("cloudfront-Policy", "x")]

    def another_address(self, asked, other):
        asked.address = self.maker.address(self.random.choice(NETWORKS))

    def another_site(self, asked, other):
        asked.site = self.random.choice(list(self.maker.sites))
