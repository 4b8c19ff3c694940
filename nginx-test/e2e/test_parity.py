"""nginx answers what the package's own media view answers: both are asked, for real.

The application still has that view: asked for the media host, it verifies the token itself and answers with
X-Accel-Redirect (200), a redirect to the application (302) or a refusal (403).
"""

import pytest
from client import raw_get
from tokens import flip

PATH = "/media/plain.txt"


def verdicts(stack, target):
    """(status, Location) of the package and of nginx. nginx never sees the package's answer."""
    package, headers, _ = raw_get(stack.media, target, port=stack.app_port)
    assert package != 200 or headers["X-Accel-Redirect"].startswith("/protected/")
    package = (package, headers.get("Location"))
    status, headers, _ = raw_get(stack.media, target)
    # Without the module, the file would come without this.
    assert status == 403 or headers["Referrer-Policy"] == "no-referrer"
    return package, (status, headers.get("Location"))


SAME = {
    "no query": lambda token: PATH,
    "no token": lambda token: f"{PATH}?",
    "good": lambda token: f"{PATH}?token={token(PATH)}",
    "colon encoded": lambda token: f"{PATH}?token={token(PATH).replace(':', '%3A')}",
    "colon encoded in lower case": lambda token: f"{PATH}?token={token(PATH).replace(':', '%3a')}",
    "all encoded": lambda token: f"{PATH}?token=" + "".join(f"%{ord(one):02X}" for one in token(PATH)),
    "name encoded": lambda token: f"{PATH}?t%6Fken={token(PATH)}",
    "name in upper case": lambda token: f"{PATH}?TOKEN={token(PATH)}",
    "name with a space": lambda token: f"{PATH}?+token={token(PATH)}",
    "other parameters": lambda token: f"{PATH}?a=1&token={token(PATH)}&b=2",
    "empty parameters": lambda token: f"{PATH}?&&token={token(PATH)}&&",
    "semicolon is no separator": lambda token: f"{PATH}?a=1;token={token(PATH)}",
    "almost expired": lambda token: f"{PATH}?token={token(PATH, age=110)}",
    "expired": lambda token: f"{PATH}?token={token(PATH, age=130)}",
    "long expired": lambda token: f"{PATH}?token={token(PATH, age=10**9)}",
    "in the future": lambda token: f"{PATH}?token={token(PATH, age=-86400)}",
    "empty": lambda token: f"{PATH}?token=",
    "no value": lambda token: f"{PATH}?token",
    "a word": lambda token: f"{PATH}?token=abc",
    "only a colon": lambda token: f"{PATH}?token=:",
    "wrong timestamp": lambda token: f"{PATH}?token={flip(token(PATH), 0)}",
    "wrong signature": lambda token: f"{PATH}?token={flip(token(PATH), -5)}",
    "shortened": lambda token: f"{PATH}?token={token(PATH)[:-1]}",
    "padded": lambda token: f"{PATH}?token={token(PATH)}=",
    "space before": lambda token: f"{PATH}?token=+{token(PATH)}",
    "newline after": lambda token: f"{PATH}?token={token(PATH)}%0a",
    "NUL after": lambda token: f"{PATH}?token={token(PATH)}%00",
    "not UTF-8": lambda token: f"{PATH}?token=%FF{token(PATH)}",
    "another path": lambda token: f"{PATH}?token={token('/media/it%27s.txt')}",
    "parent folder": lambda token: f"{PATH}?token={token('/media')}",
    "path with the host": lambda token: f"{PATH}?token={token('//media.localhost' + PATH)}",
    "another salt": lambda token: f"{PATH}?token={token(PATH, salt='another')}",
    "path encoded": lambda token: f"/media/%70lain%2Etxt?token={token(PATH)}",
    "path encoded, slash too": lambda token: f"/media%2Fplain.txt?token={token(PATH)}",
    "unicode": lambda token: (
        f"/media/%c3%9cbergr%C3%B6%C3%9Fentr%C3%A4ger.txt"
        f"?token={token('/media/%C3%9Cbergr%C3%B6%C3%9Fentr%C3%A4ger.txt')}"
    ),
    "plus": lambda token: f"/media/a%2Bb.txt?token={token('/media/a+b.txt')}",
    "plus is no space": lambda token: f"/media/a%20b.txt?token={token('/media/a+b.txt')}",
    "percent": lambda token: f"/media/100%25.txt?token={token('/media/100%25.txt')}",
    "colon in the path": lambda token: f"/media/x:y.txt?token={token('/media/x:y.txt')}",
}


@pytest.mark.parametrize("case", SAME)
def test_same_verdict(stack, token, case):
    target = SAME[case](token)
    package, nginx = verdicts(stack, target)
    if package[0] == 302:
        # The package goes by its own idea of the URL, nginx by what the viewer asked for, without the token.
        assert package[1] == stack.www + PATH
        assert nginx[1].partition("?")[0] == package[1]
    assert nginx[0] == package[0]


def test_the_table_has_all_three_verdicts(stack, token):
    """Guards the table itself: a reference that always says the same would agree with anything."""
    found = {verdicts(stack, make(token))[0][0] for make in SAME.values()}
    assert found == {200, 302, 403}


STRICTER = {
    # The package never compares what was signed with the path that it meant.
    "colon confusion": lambda token: f"{PATH}?token=foo:{token(PATH + ':foo')}",
    # Django takes the last one; somebody else in between may take the first.
    "repeated": lambda token: f"{PATH}?token={token(PATH)}&token={token(PATH)}",
    "repeated, one encoded": lambda token: f"{PATH}?token=abc&t%6Fken={token(PATH)}",
}


@pytest.mark.parametrize("case", STRICTER)
def test_stricter_on_purpose(stack, token, case):
    package, nginx = verdicts(stack, STRICTER[case](token))
    assert package == (200, None)
    assert nginx == (403, None)
