"""The gallery of `make demo` in a real browser, on two sites.

alice's tests share one browser and one page, and run in this order. Her tokens expire while nobody's tests run.
"""

import io
import json
import re
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from browser import DESKTOP, PHONE
from PIL import Image

POSTCARD = "/media/private/postcard.jpg"
PRIVATE = ["lake.jpg", "fog.jpg", "night.jpg"]
SIGNED = [("302", "media", "no_token"), ("302", "www", "signed"), ("200", "media", "valid")]
RENEWED = [("302", "media", "token_expired"), *SIGNED[1:]]
CONTRAST = (Path(__file__).parent / "contrast.js").read_text()


def steps(browser, section, file):
    """What the page shows of the requests for a file: (status, site, reason)."""
    return [(status, site, reason) for status, site, of, reason in browser.rows(section) if of == file]


def logged(demo, path):
    """What nginx has logged."""
    lines = (demo.folder / "logs" / "requests.jsonl").read_text().splitlines()
    return [entry for entry in map(json.loads, lines) if entry["path"] == path]


def decoded(browser):
    """Alternative text and width of each image, once all of them can be painted."""
    return browser.script(
        "return Promise.all([...document.images].map(one => one.decode().then(() => [one.alt, one.naturalWidth])))"
    )


def video(browser, expression):
    return browser.script(f"const video = document.querySelector('video'); return {expression}")


def part_of_film(demo, low, high):
    """Where the last partial response begins that begins between these shares of the film; None without any."""
    for entry in reversed(logged(demo, "/media/film/day.webm")):
        if entry["status"] == 206:
            start, _, size = map(int, re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", entry["range"]).groups())
            if low < start / size < high:
                return start
    return None


def sunset(screenshot):
    """Whether the orange of the paper's picture is seen."""
    with Image.open(io.BytesIO(screenshot)) as image:
        colours = image.convert("RGB").getcolors(image.width * image.height)
    near = [count for count, (red, green, blue) in colours if red > 215 and 120 < green < 170 and 80 < blue < 120]
    return sum(near) > 1000


def portray(browser, name):
    """Takes the whole page's picture in both widths and both schemes, and looks at what can be measured."""
    for shape, width in {"desktop": DESKTOP, "phone": PHONE}.items():
        for scheme in ("light", "dark"):
            browser.prefer(scheme)
            browser.resize(width)
            height = browser.script("return document.documentElement.scrollHeight")
            browser.resize(width, height)
            assert browser.script("return document.documentElement.scrollWidth") <= width
            assert browser.script(CONTRAST) == []
            # Frames are painted by processes of their own.
            time.sleep(0.3)
            browser.screenshot(f"{name}-{shape}-{scheme}")
    browser.prefer("light")
    browser.resize(DESKTOP)


def test_pictures_come_in_three_steps(alice):
    pictures = decoded(alice)
    assert [width for _, width in pictures] == 5 * [960]
    assert all(alt.endswith(".") for alt, _ in pictures)
    for file in PRIVATE:
        alice.until(lambda file=file: steps(alice, "pictures", file) == SIGNED, file)
    for file in ("dawn.jpg", "islands.jpg"):
        assert steps(alice, "pictures", file) == [("200", "media", "public")]


def test_what_is_not_hers_is_not_asked_for(alice):
    assert "Bob’s, not for you" in alice.find(".pictures").text
    assert steps(alice, "pictures", "dunes.jpg") == []


def test_the_film_jumps_ahead(alice):
    has_data = "!video.seeking && video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA"
    alice.until(lambda: video(alice, has_data), "the film's beginning")
    assert video(alice, "[video.videoWidth, video.videoHeight, video.duration]") == [640, 360, 16]
    assert video(alice, "video.buffered.end(video.buffered.length - 1)") < 11, "nothing is left to jump to"
    video(alice, "video.currentTime = 12")
    alice.until(lambda: video(alice, has_data), "what follows the jump")
    assert video(alice, "[video.currentTime, video.error]") == [12, None]


def test_the_film_plays(alice):
    alice.script("document.querySelector('video').scrollIntoView({ block: 'center' })")
    alice.find("video").click()
    alice.until(lambda: video(alice, "video.currentTime > 13"), "playing")
    assert video(alice, "[video.paused, video.error]") == [False, None]
    assert video(alice, "video.getVideoPlaybackQuality().totalVideoFrames") > 5
    video(alice, "video.pause()")


def test_nginx_was_asked_for_a_part_of_it(alice):
    # A request is logged when the browser has all that it asked for.
    start = alice.until(lambda: part_of_film(alice.demo, 0.65, 0.9), "206 for its last third", seconds=20)
    row = ("206", "media", f"valid, at {start / 1e6:.1f} MB")
    alice.until(lambda: row in steps(alice, "film", "day.webm"), "the same on the page")


def test_the_paper_is_shown(alice):
    alice.script("document.querySelector('.paper').scrollIntoView({ block: 'center' })")
    alice.until(lambda: steps(alice, "paper", "guide.pdf") == SIGNED, "guide.pdf")
    alice.until(lambda: sunset(alice.screenshot("paper-in-the-gallery")), "the paper's picture")


def test_the_tampered_link_is_refused(alice):
    assert alice.in_frame(".refusal", lambda: alice.find("p").text) == "403"
    assert alice.rows("tampered") == [("403", "media", "lake.jpg", "bad_signature")]
    (entry,) = [one for one in logged(alice.demo, "/media/pictures/lake.jpg") if one["status"] == 403]
    assert (entry["host"], entry["verdict"]) == ("media.localhost", "invalid")


def test_it_looks_as_it_should(alice):
    portray(alice, "gallery")


def test_only_public_pictures_are_shown(nobody):
    nobody.open(nobody.demo.www)
    assert [width for _, width in decoded(nobody)] == [960, 960]
    assert nobody.script("return document.querySelectorAll('.pictures .closed, p.closed').length") == 4 + 3
    nobody.until(lambda: len(nobody.rows("pictures")) == 2, "the table")
    assert {row[0] for row in nobody.rows("pictures")} == {"200"}
    portray(nobody, "signed-out")
    assert nobody.console() == []


def test_a_private_picture_is_refused(nobody):
    nobody.open(nobody.demo.www)
    nobody.responses()
    nobody.link("Fog").click()
    refusal = f"{nobody.demo.www}/media/pictures/fog.jpg"
    nobody.until(lambda: nobody.driver.current_url == refusal, "the refusal")
    assert (refusal, 403, "text/html") in nobody.responses()
    assert nobody.find("h1").text == "This document is private"
    portray(nobody, "refused")


def test_a_private_link_leads_through_sign_in_to_the_file(nobody):
    nobody.open(nobody.demo.www)
    nobody.link("Open the postcard").click()
    nobody.until(lambda: nobody.driver.current_url == nobody.demo.www + POSTCARD, "the refusal")
    nobody.find("main").find_element("link text", "Sign in").click()
    portray(nobody, "sign-in")
    nobody.fill_in("alice")
    nobody.until(lambda: "token=" in nobody.driver.current_url, "the postcard")
    assert nobody.driver.current_url.startswith(f"{nobody.demo.media}{POSTCARD}?token=")
    assert [width for _, width in decoded(nobody)] == [1000]
    nobody.screenshot("postcard")

    nobody.open(nobody.demo.www)
    shown = [("302", "media", "no_token"), ("403", "www", "refused"), *SIGNED[1:]]
    nobody.until(lambda: steps(nobody, "private", "postcard.jpg")[-4:] == shown, "the way there")


def test_signed_in_as_another_it_stays_closed(nobody):
    nobody.sign_in("bob")
    nobody.open(nobody.demo.media + POSTCARD)
    assert nobody.driver.current_url == nobody.demo.www + POSTCARD
    assert "It is not shared with bob." in nobody.find("main").text


def test_sites_are_apart_and_tokens_stay_where_they_are(nobody):
    """By Chromium's own record of what it sent."""
    www, media, elsewhere = (f"{name}.localhost:{nobody.demo.port}" for name in ("www", "media", "elsewhere"))
    nobody.sign_in("alice")
    decoded(nobody)
    ticket = nobody.find(".ticket").get_attribute("src")
    # A page that came with a token, its style sheet and script, and a link of it to another site.
    nobody.open(ticket)
    assert "token=" in nobody.driver.current_url
    nobody.script(
        "const link = Object.assign(document.createElement('a'), { href: arguments[0], textContent: 'elsewhere' });"
        "document.body.append(link); link.click()",
        f"http://{elsewhere}/",
    )
    nobody.until(lambda: elsewhere in nobody.driver.current_url, "another site")
    nobody.quit()
    sent = nobody.sent()
    to = {host: [headers for _, headers in sent if headers["host"] == host] for host in (www, media, elsewhere)}

    pictures = [headers for target, headers in sent if ".jpg" in target and headers["sec-fetch-dest"] == "image"]
    pictures = [headers for headers in pictures if headers["host"] == media]
    assert len(pictures) == 2 + 2 * 3
    assert {headers["sec-fetch-site"] for headers in pictures} == {"cross-site"}

    assert all("cookie" not in headers for headers in to[media])
    assert any("sessionid=" in headers.get("cookie", "") for target, headers in sent if target.endswith("/lake.jpg"))

    assert any(target.startswith("/media/public/frame.css") for target, _ in sent)
    assert [headers["referer"] for headers in to[media] if "referer" in headers] == []
    referers = {(headers["host"], headers["referer"]) for _, headers in sent if "referer" in headers}
    assert {host for host, _ in referers} == {www, elsewhere}, "the search itself must find some"
    for host, referer in referers:
        assert referer.startswith(f"http://{host}/"), "of the site itself"
        assert "token" not in referer


def test_the_link_has_renewed_itself_and_counts_down(alice):
    def token_and_seconds():
        return alice.in_frame(".ticket", lambda: (alice.find("#token").text, int(alice.find("#seconds").text)))

    signed = parse_qs(urlsplit(alice.find(".ticket").get_attribute("src")).query)["token"][0]
    first = signed.partition(":")[0] + ":…"
    alice.until(lambda: token_and_seconds()[0] != first, "another token", seconds=18)
    assert logged(alice.demo, "/media/short/ticket.html")[0]["status"] == 200, "the page's own link is signed"
    alice.until(lambda: steps(alice, "short", "ticket.html")[-3:] == RENEWED, "expired, signed, granted", seconds=18)
    token, seconds = token_and_seconds()
    assert 0 <= seconds <= 15
    alice.until(lambda: token_and_seconds() in [(token, seconds - 1), (token, seconds - 2)], "counting down")


def test_the_film_is_still_there_when_other_tokens_have_expired(alice):
    """Whether Chromium would follow a redirect now depends on what it holds of the film; it must not come to that."""
    first = logged(alice.demo, "/media/film/day.webm")[0]["time"]
    time.sleep(max(0, first + 31.5 - time.time()))
    assert part_of_film(alice.demo, 0.3, 0.6) is None
    video(alice, "video.currentTime = 7")
    alice.until(lambda: video(alice, "!video.seeking"), "what follows the jump")
    assert video(alice, "[video.currentTime, video.error]") == [7, None]
    alice.until(lambda: part_of_film(alice.demo, 0.3, 0.6), "206 for its middle", seconds=20)
    assert "expired" not in [one["verdict"] for one in logged(alice.demo, "/media/film/day.webm")]


def test_nothing_was_amiss_in_the_console(alice):
    assert alice.console() == []


def test_the_plain_list_looks_as_it_should_too(alice):
    alice.open(alice.demo.documents)
    portray(alice, "documents")


def test_the_paper_opens_in_full(alice):
    alice.open(alice.demo.www)
    alice.responses()
    alice.link("Open it in full").click()
    alice.until(lambda: "token=" in alice.driver.current_url, "guide.pdf")
    assert alice.driver.current_url.startswith(f"{alice.demo.media}/media/paper/guide.pdf?token=")
    assert (alice.driver.current_url, 200, "application/pdf") in alice.responses()
    alice.until(lambda: sunset(alice.screenshot("paper")), "the paper's picture")


def test_signing_out_leads_to_the_refusal_of_a_private_link(alice):
    alice.open(alice.demo.www)
    alice.find("#private ~ form button").click()
    alice.until(lambda: alice.driver.current_url == f"{alice.demo.www}/media/private/postcard.jpg", "the refusal")
    assert alice.find("h1").text == "This document is private"
