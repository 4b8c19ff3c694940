import os
import shutil
from contextlib import contextmanager

import pytest
from browser import CHROMIUM, DRIVER, Browser
from clients import ClientsStack, PlayerStack
from demo import Demo, mentions
from stack import MODULE, NGINX, eventually
from video import VideoStack

KEY = "browser-secret-key-long-enough-for-everybody-0123456789"
# The driver is Debian's: nothing is to be downloaded instead.
os.environ["SE_OFFLINE"] = "true"


def pytest_sessionstart(session):
    missing = [str(file) for file in (NGINX, MODULE) if not file.exists()]
    missing += [name for name, file in {"chromium": CHROMIUM, "chromedriver": DRIVER}.items() if not file]
    if missing:
        pytest.exit(f"missing: {', '.join(missing)}: run 'make test-browser'", returncode=2)


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    folder.chmod(0o755)
    demo = Demo(folder / "state")
    yield demo
    assert demo.press_ctrl_c() == 0
    assert mentions(folder) == []


@contextmanager
def browser(folder, demo):
    browser = Browser(folder, demo)
    try:
        yield browser
    finally:
        browser.quit()
    eventually(lambda: mentions(folder) == [], "Chromium has not ended")
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def alice(demo, tmp_path_factory):
    """Signed in for the whole session."""
    with browser(tmp_path_factory.mktemp("alice"), demo) as alice:
        alice.sign_in("alice")
        yield alice


@pytest.fixture
def nobody(demo, tmp_path):
    with browser(tmp_path, demo) as nobody:
        yield nobody


@pytest.fixture(scope="session")
def cinema(tmp_path_factory):
    """A private film, and the application that shows it."""
    yield from running(VideoStack(tmp_path_factory.mktemp("cinema"), KEY))


@pytest.fixture
def viewer(cinema, tmp_path):
    with browser(tmp_path, cinema) as viewer:
        yield viewer


@pytest.fixture(scope="session")
def clients(tmp_path_factory):
    yield from running(ClientsStack(tmp_path_factory.mktemp("clients"), KEY))


@pytest.fixture
def client(clients, tmp_path):
    with browser(tmp_path, clients) as client:
        yield client


@pytest.fixture(scope="session")
def player_example(tmp_path_factory):
    yield from running(PlayerStack(tmp_path_factory.mktemp("player"), KEY))


@pytest.fixture
def listener(player_example, tmp_path):
    with browser(tmp_path, player_example) as listener:
        yield listener


def running(stack):
    try:
        stack.start()
        yield stack
    finally:
        stack.stop()
