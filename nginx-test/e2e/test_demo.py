"""`make demo` as a person uses it: what it prints, both ways to be public, and that it leaves nothing running."""

import json
import subprocess
import time

import pytest
from answers import granted, minted, refused, sent_to
from client import hops, raw_get
from demo import RUN, Demo, mentions
from stack import eventually, listens

PLAN = "/media/public/site%20plan.png"
PRESS = "/media/mixed/press%20release.pdf"
DRAFT = "/media/mixed/draft.txt"
REPORT = "/media/report.pdf"


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    folder.chmod(0o755)
    demo = Demo(folder / "state")
    yield demo
    if demo.process.poll() is None:
        demo.press_ctrl_c()


def test_it_prints_where_to_go_and_who_to_be(demo):
    printed = demo.printed()
    assert f"{demo.www}/" in printed
    assert f"{demo.media}{REPORT}" in printed
    assert "Users (the password is the name): alice, bob, staff" in printed


def test_every_private_sample_opens_for_its_owner_and_nobody_else(demo):
    for name, titles in {
        "alice": {"Annual report", "Mountain lake", "Notes on fabrics", "Draft of the next press release"},
        "bob": {"Letter"},
    }.items():
        owner, others = demo.viewer(name), (demo.viewer(), demo.viewer("bob" if name == "alice" else "alice"))
        links = owner.links(demo.documents)
        for title in titles:
            response = owner.follow(links[title])
            assert response.status_code == 200, title
            assert response.headers["Referrer-Policy"] == "no-referrer"
            for other in others:
                assert other.follow(links[title]).status_code == 403, title


def test_samples_are_what_they_claim_to_be(demo):
    staff = demo.viewer("staff")
    links = staff.links(demo.documents)
    for title, kind, start in [
        ("Annual report", "application/pdf", b"%PDF-1.4\n"),
        ("Mountain lake", "image/png", b"\x89PNG\r\n\x1a\n"),
        ("Notes on fabrics", "text/plain; charset=utf-8", b"Notes on fabrics\n"),
    ]:
        response = staff.follow(links[title])
        assert (response.status_code, response.headers["Content-Type"]) == (200, kind)
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert response.content.startswith(start)


def test_an_expired_link_renews_itself(demo):
    alice = demo.viewer("alice")
    expired = f"{demo.media}{REPORT}?token={demo.token(REPORT, age=32)}"
    sent_to(alice.get(expired), demo.www + REPORT)
    response = alice.follow(expired)
    granted(response, demo.file("report.pdf"))
    assert [status for status, _, _ in hops(response)] == [302, 302, 200]
    granted(alice.get(f"{demo.media}{REPORT}?token={demo.token(REPORT, age=25)}"), demo.file("report.pdf"))


def test_public_by_path_needs_neither_token_nor_application(demo):
    viewer = demo.viewer()
    response = viewer.get(demo.media + PLAN)
    assert response.status_code == 200
    assert response.content == demo.file("public/site plan.png")
    # Served by location /media/ itself, unguarded: no verdict, and none of the module's headers.
    assert "Referrer-Policy" not in response.headers
    demo.logs(f'"GET {PLAN} HTTP/1.1" 200 - -')


def test_public_by_path_cannot_be_borrowed_by_other_paths(demo):
    for path in ("/media/public/../report.pdf", "/media/public/%2e%2e/report.pdf", "/media/public%2F../report.pdf"):
        status, headers, body = raw_get(demo.media, path)
        assert (status, headers["Location"]) == (302, demo.www + path)
        assert demo.file("report.pdf") not in body
    # Not below public/.
    sent_to(demo.viewer().get(f"{demo.media}/media/publicity.txt"), f"{demo.www}/media/publicity.txt")


def test_public_by_the_application_s_word_needs_no_token(demo):
    response = demo.viewer().get(demo.media + PRESS)
    assert response.status_code == 200
    assert response.content == demo.file("mixed/press release.pdf")
    assert response.headers["Content-Type"] == "application/pdf"
    assert "X-Accel-Redirect" not in response.headers
    demo.logs(f'"GET {PRESS} HTTP/1.1" 200 missing no_token')


def test_beside_it_a_private_document_is_guarded_as_everywhere(demo):
    nobody, alice = demo.viewer(), demo.viewer("alice")
    response = nobody.follow(demo.media + DRAFT)
    assert hops(response) == [(302, "media.localhost", DRAFT), (403, "www.localhost", DRAFT)]
    token = minted(alice.get(demo.www + DRAFT), demo.media + DRAFT)
    granted(nobody.get(f"{demo.media}{DRAFT}?token={token}"), demo.file("mixed/draft.txt"))
    sent_to(nobody.get(f"{demo.media}{DRAFT}?token={demo.token(DRAFT, age=32)}"), demo.www + DRAFT)
    refused(nobody.get(f"{demo.media}{DRAFT}?token={token}x"))


def test_public_links_of_the_list_open_for_everybody(demo):
    viewer = demo.viewer()
    links = viewer.links(demo.documents)
    for title, file in {"Site plan": "public/site plan.png", "Press release": "mixed/press release.pdf"}.items():
        response = viewer.follow(links[title])
        assert (response.status_code, response.content) == (200, demo.file(file))
        # Asking the application first ends at the same place, not in a circle.
        response = viewer.follow(links[title].replace(demo.media, demo.www))
        assert (response.status_code, response.content) == (200, demo.file(file))


def test_the_way_of_x_accel_redirect_is_closed_to_viewers(demo):
    viewer = demo.viewer()
    assert viewer.get(f"{demo.media}/protected/report.pdf").status_code == 404


def test_everything_else_on_the_media_host_is_guarded(demo):
    viewer = demo.viewer()
    for path in ("/", "/secret_key", "/media/", "/media/../secret_key"):
        status, headers, _ = raw_get(demo.media, path)
        assert (status, headers["Location"]) == (302, demo.www + path)
    assert viewer.get(f"{demo.www}/secret_key").status_code == 404


def test_the_terminal_shows_the_requests_without_tokens(demo):
    alice = demo.viewer("alice")
    url = alice.follow(demo.media + REPORT).url
    line = 'media.localhost "GET /media/report.pdf?token=*** HTTP/1.1" 200 granted valid'
    eventually(lambda: line in demo.printed(), line)
    assert url.split("%3A")[1] not in demo.printed()


def test_the_gallery_s_log_holds_paths_and_verdicts_and_no_token(demo):
    alice = demo.viewer("alice")
    token = minted(alice.get(demo.www + REPORT), demo.media + REPORT)
    granted(alice.get(f"{demo.media}{REPORT}?token={token}"), demo.file("report.pdf"))
    # Where it does not belong, nobody masks it.
    alice.get(f"{demo.www}{DRAFT}?token={token}")
    log = demo.folder / "logs" / "requests.jsonl"
    eventually(lambda: f'"path":"{DRAFT}"' in log.read_text(), "the last request")
    assert token.split(":")[1] not in log.read_text()
    entry = [one for one in map(json.loads, log.read_text().splitlines()) if one["path"] == REPORT][-1]
    assert (entry["host"], entry["status"]) == ("media.localhost", 200)
    assert (entry["verdict"], entry["reason"]) == ("granted", "valid")


def test_the_gallery_is_told_what_has_happened_since(demo):
    viewer = demo.viewer()
    since = time.time()
    viewer.follow(f"{demo.media}/media/paper/guide.pdf")
    rows = "<td>media</td><td>guide.pdf</td><td>no_token</td>", "<td>www</td><td>guide.pdf</td><td>refused</td>"

    def told(since):
        answer = viewer.get(f"{demo.www}/requests/?since={since}")
        assert answer.headers["Content-Type"] == "application/json"
        return answer.json()["paper"]

    eventually(lambda: all(row in told(since) for row in rows), "two requests")
    assert "None yet." in told(time.time() + 60)
    for nonsense in ("", "?since=", "?since=yesterday"):
        assert viewer.get(f"{demo.www}/requests/{nonsense}").status_code == 400


def test_pages_of_the_application_say_what_they_may_load(demo):
    viewer = demo.viewer()
    for page in ("/", "/documents/", "/sign-in/", REPORT):
        headers = viewer.get(demo.www + page).headers
        policy = headers["Content-Security-Policy"].split("; ")
        assert {"default-src 'self'", f"img-src 'self' {demo.media}", "frame-ancestors 'self'"} <= set(policy)
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        if page != "/documents/":
            assert "no-store" in headers["Cache-Control"]


def test_a_taken_port_is_named(demo, tmp_path):
    environment = {**demo.environment(), "DEMO_DIR": str(tmp_path)}
    second = subprocess.run([RUN], env=environment, capture_output=True, text=True, timeout=30)
    assert second.returncode == 1
    assert f"error: port {demo.port} is in use" in second.stderr
    assert listens(demo.port), "the first one goes on"


@pytest.mark.parametrize("port", ["http", "0", "70000", "-1"])
def test_a_bad_port_is_named(demo, tmp_path, port):
    environment = {**demo.environment(), "DEMO_DIR": str(tmp_path), "PORT": port}
    second = subprocess.run([RUN], env=environment, capture_output=True, text=True, timeout=30)
    assert second.returncode == 1
    assert f"error: PORT: {port}: expected a port number" in second.stderr


def test_ctrl_c_leaves_nothing_running_and_a_second_start_keeps_everything(demo):
    """The last test of the module: it ends the demo."""
    key = (demo.folder / "secret_key").read_text()
    assert mentions(demo.folder), "the search itself must find what runs"
    assert demo.press_ctrl_c() == 0
    assert mentions(demo.folder) == []
    assert not listens(demo.port)
    assert not listens(demo.app_port)

    again = Demo(demo.folder)
    try:
        assert (again.folder / "secret_key").read_text() == key
        granted(again.viewer("alice").follow(again.media + REPORT), again.file("report.pdf"))
    finally:
        assert again.press_ctrl_c() == 0
    assert mentions(demo.folder) == []
