"""A private film in pieces: hls.js plays it to its end by a token in the path, and only for who may see it."""

import re

from stack import FILMS, eventually
from video import FOLDER, SEGMENTS

PAGE = f"/video/{FOLDER}/"
OTHER = "course/2"
FILM = ["master.m3u8", "low/index.m3u8", *(f"low/{number}.ts" for number in range(SEGMENTS))]


def video(viewer, expression):
    return viewer.script(f"const video = document.querySelector('video'); return {expression}")


def media_log(cinema, since=0):
    """What was asked of the media host: (request line, status, reason, bytes of the body)."""
    lines = cinema.access_log()[since:].splitlines()
    return [
        re.fullmatch(r'media\.localhost "(.*)" (\d+) (\S+) (\d+)', line).groups()
        for line in lines
        if line.startswith("media.localhost ")
    ]


def watch(viewer):
    """Opens the page, and the film from beginning to end at four times its pace."""
    viewer.open(viewer.demo.www + PAGE)
    video(viewer, "(video.playbackRate = 4, void video.play())")
    viewer.until(lambda: video(viewer, "video.ended"), "the film's end", seconds=30)


def test_the_film_plays_to_its_end(cinema, viewer):
    viewer.sign_in("alice")
    since = len(cinema.access_log())
    viewer.responses()
    watch(viewer)
    assert video(viewer, "[video.error, video.currentTime, video.videoWidth, video.videoHeight]") == [
        None,
        SEGMENTS,
        320,
        180,
    ]
    assert video(viewer, "video.getVideoPlaybackQuality().totalVideoFrames") > SEGMENTS
    assert viewer.script("return failures") == []
    assert viewer.console() == []

    # Each piece was asked for once, was there at once, and no log says how.
    expected = {(f"GET /media/~***/{FOLDER}/{file} HTTP/1.1", "200", "valid") for file in FILM}
    eventually(lambda: len(media_log(cinema, since)) >= len(FILM), "the log of all pieces")
    asked = media_log(cinema, since)
    assert {entry[:3] for entry in asked} == expected
    assert len(asked) == len(FILM)
    sizes = {entry[0].split("/~***/")[1].split(" ")[0]: int(entry[3]) for entry in asked}
    assert sizes == {f"{FOLDER}/{file}": (cinema.folder / "media" / FOLDER / file).stat().st_size for file in FILM}

    playlist = video(viewer, "video.dataset.playlist")
    token = re.fullmatch(re.escape(f"{cinema.media}/media/~") + rf"(\S+)/{FOLDER}/master\.m3u8", playlist)[1]
    for part in token.split("."):
        assert part not in cinema.access_log() + cinema.error_log() + cinema.application_requests()

    # By the browser's own account: all of it with the token in the path, none by way of a redirect.
    urls = [(url, status) for url, status, _ in viewer.responses() if url.startswith(cinema.media)]
    assert sorted(urls) == sorted((f"{cinema.media}/media/~{token}/{FOLDER}/{file}", 200) for file in FILM)


def test_the_media_host_gets_neither_cookie_nor_referrer(cinema, viewer):
    viewer.sign_in("alice")
    watch(viewer)
    viewer.quit()
    sent = viewer.sent()
    media = [headers for target, headers in sent if headers["host"] == cinema.media.removeprefix("http://")]
    assert len(media) == len(FILM)
    for headers in media:
        assert headers["origin"] == cinema.www
        assert headers["sec-fetch-mode"] == "cors"
        assert "cookie" not in headers
        assert "referer" not in headers
    assert any("sessionid=" in headers.get("cookie", "") for _, headers in sent)


def test_signed_out_nothing_is_shown(cinema, viewer):
    since = len(cinema.access_log())
    viewer.responses()
    viewer.open(cinema.www + PAGE)
    assert (cinema.www + PAGE, 403, "text/html") in viewer.responses()
    assert viewer.find("h1").text == "This document is private"
    assert viewer.find("main a").text == "Sign in"
    assert viewer.script("return document.querySelectorAll('video').length") == 0
    assert "~" not in viewer.driver.page_source
    eventually(lambda: f'GET {PAGE} HTTP/1.1" 403' in cinema.access_log()[since:], "the refusal")
    assert media_log(cinema, since) == []


def test_another_user_gets_nothing_of_it_by_any_way(cinema, viewer):
    viewer.sign_in("bob")
    since = len(cinema.access_log())
    viewer.open(cinema.www + PAGE)
    assert viewer.find("h1").text == "This document is private"
    assert "It is not shared with bob." in viewer.find("main").text
    assert media_log(cinema, since) == []

    # bob has a film of his own, with a page, a player, and a token that is good for its folder.
    assert FILMS[OTHER] == "bob"
    viewer.open(f"{cinema.www}/video/{OTHER}/")
    own = video(viewer, "video.dataset.playlist")
    assert own.startswith(f"{cinema.media}/media/~")
    viewer.until(lambda: viewer.script("return failures.length") > 0, "that his film is no film")
    since = len(cinema.access_log())
    tried = {
        own.replace(OTHER, FOLDER): "wrong_path",
        f"{cinema.media}/media/{FOLDER}/master.m3u8": "no_token",
    }
    for playlist in tried:
        viewer.script("failures.length = 0; play(arguments[0])", playlist)
        viewer.until(lambda: viewer.script("return failures.some(one => one.fatal)"), "the player gives up", seconds=30)
        failed = viewer.script("return failures.find(one => one.fatal)")
        assert (failed["type"], failed["details"]) == ("networkError", "manifestLoadError")
    # Each segment by itself, as somebody would who knows the names.
    for playlist in tried:
        for file in FILM:
            url = playlist.replace("master.m3u8", file)
            outcome = viewer.driver.execute_async_script(
                "const done = arguments[1];"
                "fetch(arguments[0]).then(async (one) => done([one.status, (await one.text()).length]),"
                " (error) => done(error.name))",
                url,
            )
            if "~" in url:
                status, length = outcome
                assert status == 403
                assert length < 600
            else:
                # The redirect leads to the application, whose answer is none of a script's business.
                assert outcome == "TypeError"
    eventually(lambda: len(media_log(cinema, since)) >= 2 * (1 + len(FILM)), "the log")
    asked = media_log(cinema, since)
    assert {(status, reason) for _, status, reason, _ in asked} == {("403", "wrong_path"), ("302", "no_token")}
    assert {line.split()[1].replace("/~***", "") for line, _, _, _ in asked} == {
        f"/media/{FOLDER}/{file}" for file in FILM
    }
