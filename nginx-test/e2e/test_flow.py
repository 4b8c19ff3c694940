"""The seven steps, as a viewer lives through them: granted, refused, expired, renewed, tampered."""

import json
import time

import pytest
from answers import granted, minted, refused, sent_to
from client import Viewer, hops, links
from stack import content, eventually
from tokens import flip, mint

PATH = "/media/plain.txt"
BODY = content("plain.txt")
EXPIRED = 125


def test_the_seven_steps_one_by_one(stack, alice):
    # 1, 2: nginx alone.
    sent_to(alice.get(stack.media + PATH), stack.www + PATH)
    # 3: the application.
    token = minted(alice.get(stack.www + PATH), stack.media + PATH)
    # 4, 5: nginx alone.
    granted(alice.get(f"{stack.media}{PATH}?token={token}"), BODY)


def test_the_seven_steps_followed(stack, alice):
    response = alice.follow(stack.media + PATH)
    granted(response, BODY)
    assert [(status, host) for status, host, _ in hops(response)] == [
        (302, "media.localhost"),
        (302, "www.localhost"),
        (200, "media.localhost"),
    ]


def test_an_expired_link_sends_the_viewer_back_without_the_token(stack, alice, token):
    expired = f"{stack.media}{PATH}?token={token(PATH, age=EXPIRED)}"
    sent_to(alice.get(expired), stack.www + PATH)
    response = alice.follow(expired)
    granted(response, BODY)
    assert [status for status, _, _ in hops(response)] == [302, 302, 200]


def test_a_link_expires_while_it_is_open_and_renews_itself(stack, alice):
    path = "/short/plain.txt"
    first = alice.follow(stack.media + path)
    granted(first, BODY)
    time.sleep(2.1)
    sent_to(alice.get(first.url), stack.www + path)
    second = alice.follow(first.url)
    granted(second, BODY)
    assert second.url != first.url


def test_a_young_token_is_good_and_so_is_one_from_a_clock_that_is_ahead(stack, nobody, token):
    for age in (0, 110, -30, -3600):
        granted(nobody.get(f"{stack.media}{PATH}?token={token(PATH, age=age)}"), BODY)


def test_signed_out_the_application_refuses(stack, nobody):
    response = nobody.follow(stack.media + PATH)
    assert hops(response) == [(302, "media.localhost", PATH), (403, "www.localhost", PATH)]
    assert BODY not in response.content


def test_the_refusal_leads_through_signing_in_back_to_the_file(stack, nobody):
    url = stack.media + PATH + "?page=2"
    refusal = nobody.follow(url)
    assert refusal.status_code == 403
    sign_in = links(refusal.text)["Sign in"]
    assert sign_in == "/sign-in/?next=%2Fmedia%2Fplain.txt%3Fpage%3D2"
    answer = nobody.submit_sign_in(stack.www + sign_in, "alice", next=f"{PATH}?page=2")
    assert answer.headers["Location"] == f"{PATH}?page=2"
    granted(nobody.follow(stack.www + answer.headers["Location"]), BODY)


def test_another_user_is_refused_also_with_an_expired_link(stack, bob, token):
    for url in (stack.media + PATH, f"{stack.media}{PATH}?token={token(PATH, age=EXPIRED)}"):
        response = bob.follow(url)
        assert hops(response)[1:] == [(403, "www.localhost", PATH)]
        assert BODY not in response.content


def test_staff_may_open_what_others_own(stack, staff):
    granted(staff.follow(stack.media + PATH), BODY)


def test_whoever_has_the_link_may_open_it_while_it_lasts(stack, alice, nobody):
    granted(nobody.get(alice.follow(stack.media + PATH).url), BODY)


@pytest.mark.parametrize(
    "tamper",
    [
        pytest.param(lambda good: flip(good, 0), id="timestamp"),
        pytest.param(lambda good: flip(good, 10), id="signature"),
        # The last of 43 characters holds two bits that decode to nothing; the comparison is of text.
        pytest.param(lambda good: good[:-1] + chr(ord(good[-1]) + 1), id="unused bits"),
        pytest.param(lambda good: good + "=", id="padded"),
        pytest.param(lambda good: good[:-1], id="shortened"),
        pytest.param(lambda good: good + "A", id="lengthened"),
        pytest.param(lambda good: good + "%0A", id="newline"),
        pytest.param(lambda good: "%20" + good, id="space"),
        pytest.param(lambda good: good.replace(":", "%253A"), id="encoded twice"),
        pytest.param(lambda good: good.replace(":", "."), id="other separator"),
        pytest.param(lambda good: good.split(":")[1], id="signature alone"),
        pytest.param(lambda good: good.split(":")[0], id="timestamp alone"),
        pytest.param(lambda good: ":" + good, id="leading colon"),
        pytest.param(lambda good: "", id="empty"),
        pytest.param(lambda good: f"{good}&token={good}", id="twice"),
        pytest.param(lambda good: good.swapcase(), id="other case"),
    ],
)
def test_a_tampered_token_is_refused(stack, alice, token, tamper):
    good = token(PATH)
    granted(alice.get(f"{stack.media}{PATH}?token={good}"), BODY)
    refused(alice.get(f"{stack.media}{PATH}?token={tamper(good)}"))


def test_a_token_opens_nothing_but_its_own_path(stack, alice, token):
    good = token(PATH)
    for other in ("/media/it's.txt", "/media/folder/one.txt", "/media/Plain.txt", "/media/plain.txt/", "/media/"):
        refused(alice.get(f"{stack.media}{other}?token={good}"))


def test_an_expired_token_of_another_path_or_key_is_refused_not_renewed(stack, alice, token):
    for bad in (token("/media/it's.txt", age=EXPIRED), mint(PATH, "another key", age=EXPIRED)):
        refused(alice.get(f"{stack.media}{PATH}?token={bad}"))


def test_head_follows_the_same_way(stack, alice):
    response = alice.follow(stack.media + PATH, method="HEAD")
    assert [status for status, _, _ in hops(response)] == [302, 302, 200]
    assert response.headers["Content-Length"] == str(len(BODY))
    granted(response, b"")


def test_a_range_survives_the_redirects(stack, alice):
    response = alice.follow(stack.media + PATH, headers={"Range": "bytes=5-11"})
    assert [status for status, _, _ in hops(response)] == [302, 302, 206]
    assert response.content == BODY[5:12]
    assert response.headers["Content-Range"] == f"bytes 5-11/{len(BODY)}"
    assert response.headers["Referrer-Policy"] == "no-referrer"


def test_a_missing_file_is_a_404_only_for_who_may_know(stack, alice, nobody, token):
    path = "/media/no such file.txt"
    assert alice.get(f"{stack.media}{path}?token={token('/media/no%20such%20file.txt')}").status_code == 404
    sent_to(nobody.get(stack.media + path), f"{stack.www}/media/no%20such%20file.txt")


@pytest.mark.parametrize(
    ("asked", "handed_on", "comes_back"),
    [
        pytest.param("x=1", "x=1", "x=1", id="kept"),
        pytest.param("x=1&y=two%20words", "x=1&y=two%20words", "x=1&y=two+words", id="written anew by the package"),
        pytest.param("b=2&a=1&b=3", "b=2&a=1&b=3", "b=2&b=3&a=1", id="regrouped by the package"),
        pytest.param("a=1&;=%C3%BC", "a=1&;=%C3%BC", "a=1&%3B=%C3%BC", id="escaped by the package"),
        pytest.param("download", "download", "", id="without value: dropped by the package"),
        pytest.param("x=&y=1", "x=&y=1", "y=1", id="empty value: dropped by the package"),
        pytest.param("x=1&token=EXPIRED&y=2", "x=1&y=2", "x=1&y=2", id="token in the middle"),
        pytest.param("token=EXPIRED&y=2", "y=2", "y=2", id="token first"),
        pytest.param("x=1&t%6Fken=EXPIRED", "x=1", "x=1", id="name of the token encoded"),
        pytest.param("Token=1&tokens=2", "Token=1&tokens=2", "Token=1&tokens=2", id="no token at all"),
    ],
)
def test_the_query_survives_a_renewal(stack, alice, token, asked, handed_on, comes_back):
    asked = asked.replace("EXPIRED", token(PATH, age=EXPIRED))
    location = stack.www + PATH + ("?" + handed_on if handed_on else "")
    sent_to(alice.get(f"{stack.media}{PATH}?{asked}"), location)
    answer = alice.get(location)
    minted(answer, stack.media + PATH + ("?" + comes_back if comes_back else ""))
    granted(alice.get(answer.headers["Location"]), BODY)


def test_the_application_sees_no_token_and_nothing_of_the_media_host(stack, token):
    viewer = Viewer(stack.www)
    viewer.sign_in("alice")
    expired = token(PATH, age=EXPIRED)
    before = len(stack.application_requests().splitlines())
    granted(viewer.follow(f"{stack.media}{PATH}?a=1&token={expired}&b=2"), BODY)
    refused(viewer.get(f"{stack.media}{PATH}?token={expired}x"))

    seen = stack.application_requests().splitlines()[before:]
    assert len(seen) == 1
    request = json.loads(seen[0])
    assert request["HTTP_HOST"] == stack.www.removeprefix("http://")
    assert (request["PATH_INFO"], request["QUERY_STRING"]) == (PATH, "a=1&b=2")
    assert "HTTP_REFERER" not in request
    assert expired.split(":")[1] not in seen[0]


def test_no_log_holds_a_token(stack, alice, token):
    good, expired, path = token(PATH), token(PATH, age=EXPIRED), PATH + "?marker=logs"
    alice.get(f"{stack.media}{path}&token={good}")
    alice.get(f"{stack.media}{path}&token={expired}")
    alice.get(f"{stack.media}{path}&token={expired}x")
    for end in ("200 granted valid", "302 expired token_expired", "403 invalid token_malformed"):
        line = f'GET /media/plain.txt?marker=logs&token=*** HTTP/1.1" {end}'
        eventually(lambda line=line: line in stack.access_log(), line)
    for secret in (good, expired):
        assert secret.split(":")[1] not in stack.access_log() + stack.error_log()


def test_the_log_says_why_a_viewer_was_sent_away(stack, alice, token):
    alice.get(f"{stack.media}{PATH}?marker=why&token={token(PATH, age=EXPIRED)}")
    (line,) = [line for line in stack.error_log().splitlines() if "marker=why" in line and "crossdomain_media:" in line]
    age = line.partition("age: ")[2].partition("s")[0]
    assert EXPIRED <= int(age) <= EXPIRED + 5
    assert "crossdomain_media: expired, reason: token_expired" in line
    assert 'uri: "/media/plain.txt?marker=why"' in line
