"""Players, scripts and uploads, on sites that are foreign to each other."""

import json
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from clients import FILM, FILM_SECONDS, TOKEN_SECONDS
from stack import eventually
from video import SEGMENTS

PAGE = "/pages/page.html"
SEGMENT = "low/0.ts"
# A short buffer, and no second try of what is refused.
CONFIG = (
    "maxBufferLength: 3, maxMaxBufferLength: 3, enableWorker: false, fragLoadPolicy: { default: {"
    " maxTimeToFirstByteMs: 20000, maxLoadTimeMs: 60000, timeoutRetry: null, errorRetry: null } }"
)


def video(viewer, expression):
    return viewer.script(f"const video = document.querySelector('video'); return {expression}")


def fetched(viewer, url, **init):
    """What a script of the page gets: (status, headers, body), or the name of the error."""
    return viewer.driver.execute_async_script(
        "const [url, init, done] = arguments;"
        "fetch(url, init).then(async (one) => done([one.status, Object.fromEntries(one.headers), await one.text()]),"
        " (error) => done(error.name))",
        url,
        init,
    )


def token_for(client, folder):
    """Of the application, for whoever is signed in. The page has to be one of the application's site."""
    where = f"{client.demo.www}/token/media/{folder}/{SEGMENT}"
    status, _, body = fetched(client, where, headers={"Accept": "application/json"})
    assert status == 200, body
    return json.loads(body)["token"]


def signed_playlist(client, folder):
    client.sign_in("alice")
    client.open(client.demo.www + PAGE)
    return f"{client.demo.media}/media/{folder}/master.m3u8?token={token_for(client, folder)}"


def play_with_hls(client, url):
    """hls.js's own loader, which is to send cookies."""
    client.script(
        "window.fatal = null;"
        f"const hls = new Hls({{ {CONFIG}, xhrSetup(one) {{ one.withCredentials = true; }} }});"
        "hls.on(Hls.Events.ERROR, (_, { fatal, details, response }) => {"
        "  if (fatal) window.fatal = [details, response?.code];"
        "});"
        "hls.loadSource(arguments[0]); hls.attachMedia(document.querySelector('video'));"
        "void document.querySelector('video').play().catch(() => {})",
        url,
    )


def play_by_itself(client, url):
    client.script(
        "const video = document.querySelector('video'); video.src = arguments[0]; void video.play().catch(() => {})",
        url,
    )


def has_played(client):
    client.until(lambda: video(client, "video.ended || window.fatal || video.error"), "the end", seconds=40)
    return video(client, "video.ended && [video.error, video.currentTime]") == [None, SEGMENTS]


def in_order(clients, since, folder):
    """What the media host was asked for of a folder: (file, status, reason), and when the last was answered."""
    asked = clients.media_log(since)
    assert all(target.startswith(f"/media/{folder}/") for _, target, *_ in asked)
    files = [(target.removeprefix(f"/media/{folder}/"), status, reason) for _, target, status, reason, _ in asked]
    return files, asked[-1][4]


FILES = ["low/index.m3u8", *(f"low/{number}.ts" for number in range(SEGMENTS))]


def test_a_film_plays_past_its_token_by_the_cookie_that_it_was_handed(clients, client):
    url = signed_playlist(client, "handed/1")
    since = len(clients.access_log())
    play_with_hls(client, url)
    assert has_played(client)
    assert client.console() == []
    eventually(lambda: len(clients.media_log(since)) == 1 + len(FILES), "the log of all pieces")
    files, last = in_order(clients, since, "handed/1")
    assert files == [("master.m3u8?token=***", 200, "valid"), *((file, 200, "valid") for file in FILES)]
    (first, *_) = clients.media_log(since)
    assert last > first[4] + TOKEN_SECONDS, "the first token was over by then"
    client.quit()
    sent = [(target, headers) for target, headers in client.sent() if headers["host"].startswith("media.")]
    assert "cookie" not in sent[0][1]
    assert all("token" not in target and "__secure-media=" in headers["cookie"] for target, headers in sent[1:])
    assert {headers["sec-fetch-site"] for _, headers in sent} == {"cross-site"}


def test_the_browser_plays_a_playlist_itself_by_the_cookie(clients, client):
    """No script at all: a video element with a URL."""
    url = signed_playlist(client, "handed/1")
    since = len(clients.access_log())
    play_by_itself(client, url)
    assert has_played(client)
    eventually(lambda: len(clients.media_log(since)) >= 1 + len(FILES), "the log of all pieces")
    files, _ = in_order(clients, since, "handed/1")
    assert {(status, reason) for _, status, reason in files} == {(206, "valid")}
    assert {file for file, _, _ in files} == {"master.m3u8?token=***", *FILES}


@pytest.mark.parametrize("play", [play_with_hls, play_by_itself])
def test_without_hand_over_it_does_not_play(clients, client, play):
    url = signed_playlist(client, "alone/1")
    since = len(clients.access_log())
    play(client, url)
    eventually(lambda: len(clients.media_log(since)) > 1, "the playlist that the first one names")
    assert {entry[:2] for entry in in_order(clients, since, "alone/1")[0][1:]} == {("low/index.m3u8", 403)}
    assert video(client, "[video.ended, video.currentTime]") == [False, 0]


def test_the_cookie_with_the_token_itself_ends_with_the_token(clients, client):
    """So it is not the browser's buffer that carries the film to its end."""
    url = signed_playlist(client, "briefly/1")
    since = len(clients.access_log())
    play_with_hls(client, url)
    assert not has_played(client)
    assert client.script("return window.fatal") == ["fragLoadError", 403]
    files, _ = in_order(clients, since, "briefly/1")
    assert ("low/0.ts", 200, "valid") in files
    assert (f"low/{SEGMENTS - 1}.ts", 200, "valid") not in files
    # The browser has forgotten it by then, or sends it a last time.
    assert files[-1][1:] in [(403, "no_token"), (403, "token_expired")]


def test_a_browser_that_blocks_others_cookies_takes_partitioned_ones(clients, client):
    url = signed_playlist(client, "shared/1")
    client.driver.get_log("performance")
    assert fetched(client, url, credentials="include")[0] == 200
    (cookie,) = blocked_cookies(client)
    assert cookie["blockedReasons"] == ["UserPreferences"]
    assert "; SameSite=None; Secure" in cookie["cookieLine"]
    assert "Partitioned" not in cookie["cookieLine"]

    url = signed_playlist(client, "handed/1")
    client.driver.get_log("performance")
    assert fetched(client, url, credentials="include")[0] == 200
    assert blocked_cookies(client) == []
    assert fetched(client, url.partition("?")[0], credentials="include")[0] == 200
    assert fetched(client, url.partition("?")[0])[0] == 403, "without cookies"


def blocked_cookies(client):
    events = [json.loads(entry["message"])["message"] for entry in client.driver.get_log("performance")]
    extra = [event["params"] for event in events if event["method"] == "Network.responseReceivedExtraInfo"]
    return [cookie for one in extra for cookie in one["blockedCookies"]]


def test_a_seek_after_the_end_of_the_token_finds_the_rest_of_the_film(clients, client):
    """The browser asks for another range of the same URL, whose token is over."""
    folder = "handed/1"
    url = signed_playlist(client, folder).replace("master.m3u8", FILM)
    since = len(clients.access_log())
    play_by_itself(client, url)
    client.until(lambda: video(client, f"video.currentTime > {TOKEN_SECONDS + 2}"), "the token's end", seconds=30)
    video(client, "(video.pause(), video.currentTime = 18)")
    client.until(lambda: video(client, "!video.seeking"), "what follows the jump", seconds=30)
    assert video(client, "[video.error, video.currentTime]") == [None, 18]
    video(client, "void video.play()")
    client.until(lambda: video(client, "video.ended"), "the end", seconds=30)
    assert video(client, "video.duration") == pytest.approx(FILM_SECONDS, abs=0.2)
    client.quit()
    eventually(lambda: len(clients.media_log(since)) > 1, "another request")
    asked = clients.media_log(since)
    assert {entry[1:4] for entry in asked} == {(f"/media/{folder}/{FILM}?token=***", 206, "valid")}
    sent = [headers for target, headers in client.sent() if target.startswith(f"/media/{folder}/{FILM}")]
    assert "cookie" not in sent[0]
    assert "__secure-media=" in sent[-1]["cookie"]
    assert sent[-1]["range"] != "bytes=0-"


def test_the_example_player_renews_its_token_in_the_middle_of_the_film(player_example, listener):
    listener.sign_in("alice")
    since = len(player_example.access_log())
    listener.open(f"{player_example.www}/player/index.html")
    video(listener, "void video.play()")
    listener.until(lambda: video(listener, "video.ended || video.error"), "the end", seconds=40)
    assert video(listener, "[video.error, video.currentTime]") == [None, SEGMENTS]
    assert listener.find("[role=alert]").text == ""

    folder = "/media/course/1/"
    eventually(lambda: f"low/{SEGMENTS - 1}.ts" in player_example.access_log()[since:], "the log of all pieces")
    asked = [entry for entry in player_example.media_log(since) if entry[0] == "GET"]
    assert asked[0][1:4] == (f"{folder}master.m3u8", 401, "no_token"), "it begins without one"
    refused = [target for _, target, status, reason, _ in asked if (status, reason) == (401, "token_expired")]
    assert len(refused) >= 2, "expired more than once in the middle"
    granted = [target for _, target, status, _, _ in asked if status == 200]
    assert granted == [f"{folder}{file}" for file in ["master.m3u8", *FILES]], "each piece once"
    assert {entry[2] for entry in asked} == {200, 401}
    # Each refusal fetched one token, where it said.
    minted = [line for line in player_example.access_log()[since:].splitlines() if '"GET /token/media/' in line]
    assert len(minted) == 1 + len(refused)
    for target in refused:
        assert any(f'"GET /token{target} HTTP/1.1" 200' in line for line in minted)
    listener.quit()
    sent = [(target, headers) for target, headers in listener.sent() if headers["host"].startswith("media.")]
    assert all("token" not in target and "cookie" not in headers for target, headers in sent)


def test_the_example_player_says_that_a_film_is_private(player_example, listener):
    listener.sign_in("bob")
    listener.open(f"{player_example.www}/player/index.html")
    alert = "This film is private: sign in as who may see it."
    listener.until(lambda: listener.find("[role=alert]").text == alert, alert)
    assert video(listener, "video.readyState") == 0


def test_the_example_player_asks_once_for_all_that_wait(player_example, listener):
    listener.sign_in("alice")
    listener.open(f"{player_example.www}/player/index.html")
    since = len(player_example.access_log())
    urls = [f"{player_example.media}/media/course/1/{file}" for file in FILES[:6]]
    statuses = listener.driver.execute_async_script(
        "const [urls, done] = arguments;"
        "import('/player/player.js').then(async ({ MediaClient }) => {"
        "  const client = new MediaClient(urls[0]);"
        "  const answers = await Promise.all(urls.map((url) => client.fetch(url)));"
        "  done(answers.map((one) => one.status));"
        "}).catch((error) => done(String(error)))",
        urls,
    )
    assert statuses == [200] * len(urls)
    # The page's own player asks for itself, for its playlist.
    eventually(lambda: '"GET /token/media/' in player_example.access_log()[since:], "a token")
    minted = re.findall(r'"GET /token/media/course/1/(low/\S+) ', player_example.access_log()[since:])
    assert len(minted) <= 1 + 1


def test_the_example_player_sends_nothing_to_others(player_example, listener):
    """Neither the token to hosts that a playlist names, nor a request for one to hosts that an answer names."""
    listener.sign_in("alice")
    listener.open(f"{player_example.www}/player/index.html")
    outcome = listener.driver.execute_async_script(
        "const [url, done] = arguments;"
        "import('/player/player.js').then(({ MediaClient }) => new MediaClient(url, 'http://elsewhere.localhost').fetch(url))"
        ".then((one) => done(one.status), (error) => done(error.message))",
        f"{player_example.media}/media/course/1/{SEGMENT}",
    )
    where = f"{player_example.www}/token/media/course/1/{SEGMENT}"
    assert outcome == f"no token is asked for at {where}"
    since = len(player_example.access_log())
    status = listener.driver.execute_async_script(
        "const [media, own, done] = arguments;"
        "import('/player/player.js').then(async ({ MediaClient }) => {"
        "  const client = new MediaClient(media);"
        "  await client.fetch(media);"
        "  done((await client.fetch(own)).status);"
        "}).catch((error) => done(String(error)))",
        f"{player_example.media}/media/course/1/{SEGMENT}",
        f"{player_example.www}/?other",
    )
    assert status == 200
    eventually(lambda: '"GET /?other ' in player_example.access_log()[since:], "the log")
    listener.quit()
    (headers,) = [headers for target, headers in listener.sent() if target == "/?other"]
    assert "authorization" not in headers


def test_a_script_cannot_read_where_it_is_redirected(clients, client):
    client.open(clients.www + PAGE)
    url = f"{clients.media}/media/plain/1/{SEGMENT}"
    assert fetched(client, url) == "TypeError"
    eventually(lambda: clients.media_log()[-1][1:4] == (f"/media/plain/1/{SEGMENT}", 302, "no_token"), "the redirect")


def test_a_script_reads_why_and_where_to(clients, client):
    client.open(clients.www + PAGE)
    url = f"{clients.media}/media/scripts/1/{SEGMENT}"
    where = f"{clients.www}/token/media/scripts/1/{SEGMENT}"
    status, headers, body = fetched(client, url)
    assert (status, headers["content-type"]) == (401, "application/json")
    assert json.loads(body) == {"status": "missing", "reason": "no_token", "location": where}
    assert headers["crossdomain-media-location"] == where
    assert headers["www-authenticate"] == "Bearer"

    client.sign_in("alice")
    client.open(clients.www + PAGE)
    token = token_for(client, "scripts/1")
    expected = (clients.folder / "media" / "scripts/1" / SEGMENT).stat().st_size
    status, headers, _ = fetched(client, url, headers={"Authorization": f"Bearer {token}"})
    assert status == 200
    assert int(headers["content-length"]) == expected
    eventually(lambda: clients.media_log()[-1][:4] == ("GET", f"/media/scripts/1/{SEGMENT}", 200, "valid"), "the log")
    assert clients.media_log()[-2][:3] == ("OPTIONS", f"/media/scripts/1/{SEGMENT}", 204)
    # An image is redirected as ever, to the application and back with a token.
    since = len(clients.access_log())
    client.script("new Image().src = arguments[0]", url)
    eventually(lambda: len(clients.media_log(since)) == 2, "the log")
    assert [entry[1:4] for entry in clients.media_log(since)] == [
        (f"/media/scripts/1/{SEGMENT}", 302, "no_token"),
        (f"/media/scripts/1/{SEGMENT}?token=***", 200, "valid"),
    ]


def test_scripts_of_other_sites_read_nothing(clients, client):
    client.sign_in("alice")
    client.open(clients.www + PAGE)
    token = token_for(client, "scripts/1")
    client.open(clients.elsewhere + PAGE)
    url = f"{clients.media}/media/scripts/1/{SEGMENT}"
    since = len(clients.access_log())
    assert fetched(client, url) == "TypeError"
    assert fetched(client, url, headers={"Authorization": f"Bearer {token}"}) == "TypeError"
    assert fetched(client, f"{url}?token={token}") == "TypeError"
    eventually(lambda: len(clients.media_log(since)) == 3, "the log")
    assert [entry[0:3:2] for entry in clients.media_log(since)] == [("GET", 401), ("OPTIONS", 403), ("GET", 200)]


def uploaded(clients, name):
    folder = clients.folder / "media" / "upload"
    return sorted(str(file.relative_to(folder)) for file in folder.rglob(name))


def upload(client, folder, name, text, way):
    """With the example's page, as a person would."""
    file = folder / name
    file.write_text(text)
    client.open(f"{client.demo.www}/upload/")
    client.find("[name=file]").send_keys(str(file))
    client.find(f"button[value={way}]").click()
    client.until(lambda: client.find("[role=status]").text, "an outcome")
    return client.find("[role=status]").text


def test_an_upload_by_put_asks_first_and_arrives_as_whose_it_is(clients, client, tmp_path):
    client.sign_in("alice")
    assert upload(client, tmp_path, "put.txt", "by PUT", "token") == "upload/alice/put.txt: 6 bytes from alice"
    assert (clients.folder / "media/upload/alice/put.txt").read_text() == "by PUT"
    eventually(lambda: clients.media_log()[-1][0] == "PUT", "the log")
    assert [entry[:3] for entry in clients.media_log()[-2:]] == [
        ("OPTIONS", "/upload/alice/put.txt", 204),
        ("PUT", "/upload/alice/put.txt", 201),
    ]
    url, init = f"{clients.media}/upload/alice/put.txt", {"method": "PUT", "body": "forged"}
    # Without a token, and with one for another file.
    status, _, body = fetched(client, url, **init)
    assert (status, json.loads(body)["reason"]) == (401, "no_token")
    token = json.loads(
        client.driver.execute_async_script(
            "const form = document.querySelector('main form');"
            "fetch(form.dataset.tokenUrl, {method: 'POST', body: new URLSearchParams({name: 'other.txt'}),"
            " headers: {'X-CSRFToken': form.elements.csrfmiddlewaretoken.value}})"
            ".then((one) => one.text()).then(arguments[0])"
        )
    )["token"]
    status, *_ = fetched(client, url, **init, headers={"Authorization": f"Bearer {token}"})
    assert status == 403
    assert uploaded(clients, "put*") == ["alice/put.txt"]


def test_a_widget_without_cookies_uploads_as_the_right_user(clients, client, tmp_path):
    for name in ("alice", "bob"):
        client.driver.delete_all_cookies()
        client.sign_in(name)
        outcome = upload(client, tmp_path, f"of-{name}.txt", f"from {name}", "widget")
        assert outcome == f"upload/{name}/of-{name}.txt: {len(name) + 5} bytes from {name}"
        assert (clients.folder / "media/upload" / name / f"of-{name}.txt").read_text() == f"from {name}"
        session = session_id(client)
        assert session not in clients.access_log() + clients.error_log()
    line = '"POST /upload/?session=*** HTTP/1.1" 201'
    eventually(lambda: line in clients.access_log(), line)
    client.quit()
    posts = [headers for target, headers in client.sent() if target.startswith("/upload/?session=")]
    assert len(posts) == 2
    assert all("cookie" not in headers for headers in posts)
    assert all(headers["content-type"].startswith("multipart/form-data") for headers in posts)


def session_id(client):
    url = client.script("return document.querySelector('main form').dataset.widgetUrl")
    return parse_qs(urlsplit(url).query)["session"][0]


POST = """
const [url, mode, credentials, done] = arguments;
const body = new FormData();
body.append("file", new File(["forged"], "forged.txt"));
fetch(url, { method: "POST", body, mode, credentials }).then(async (one) => done([one.status, await one.text()]),
  (error) => done(error.name));
"""


def test_a_forged_upload_does_not_arrive(clients, client):
    client.sign_in("alice")
    client.open(f"{clients.www}/upload/")
    session = session_id(client)
    good, bad = (f"{clients.www}/upload/?session={one}" for one in (session, session[::-1]))

    def post(url, mode="same-origin", credentials="omit"):
        return client.driver.execute_async_script(POST, url, mode, credentials)

    assert post(bad) == [403, '{"error": "nobody is signed in"}']
    assert post(f"{clients.www}/upload/") == [403, '{"error": "nobody is signed in"}']
    # A GET is nobody's, whatever the argument.
    answer = client.driver.execute_async_script(
        "fetch(arguments[0], {credentials: 'omit'}).then((one) => arguments[1](one.url))", good
    )
    assert answer == f"{clients.www}/sign-in/?next=/upload/"
    # Another site that knows the id, by a script and by a form, with the cookies that the browser has or without.
    since = len(clients.application_requests())
    client.open(clients.elsewhere + PAGE)
    for credentials in ("omit", "include"):
        post(good, "no-cors", credentials)
        eventually(lambda: '"POST /upload/?session=*** HTTP/1.1" 403' in clients.access_log(), "the refusal")
    client.script(
        "const form = document.createElement('form');"
        "Object.assign(form, {method: 'post', enctype: 'multipart/form-data', action: arguments[0]});"
        "document.body.append(form); form.submit()",
        good,
    )
    client.until(lambda: client.driver.current_url.startswith(clients.www), "nginx's answer")
    assert "403 Forbidden" in client.driver.page_source
    assert '"POST"' not in clients.application_requests()[since:]
    assert clients.error_log().count("another site sent the client here") == 3
    # The same by its own page is alice's, so none of these was refused for another reason.
    client.open(f"{clients.www}/upload/")
    assert uploaded(clients, "forged*") == []
    assert json.loads(post(good)[1])["owner"] == "alice"
    assert uploaded(clients, "forged*") == ["alice/forged.txt"]


def test_a_session_of_ones_own_is_not_replaced_by_an_argument(clients, client):
    client.sign_in("bob")
    client.open(f"{clients.www}/upload/")
    theirs = session_id(client)
    client.driver.delete_all_cookies()
    client.sign_in("alice")
    client.open(f"{clients.www}/upload/")
    url = f"{clients.www}/upload/?session={theirs}"
    said = client.driver.execute_async_script(POST, url, "same-origin", "same-origin")
    assert json.loads(said[1])["owner"] == "alice"
    said = client.driver.execute_async_script(POST, url, "same-origin", "omit")
    assert json.loads(said[1])["owner"] == "bob"
