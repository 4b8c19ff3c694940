import shutil

import pytest

# Their assertions are to explain themselves as those in tests do.
pytest.register_assert_rewrite("answers", "client")

from client import Viewer
from stack import MODULE, NGINX, Stack
from tokens import mint

KEY = "e2e-secret-key-that-is-long-enough-for-everybody-0123456789"


def pytest_sessionstart(session):
    missing = [str(file) for file in (NGINX, MODULE) if not file.exists()]
    if missing:
        pytest.exit(f"missing: {', '.join(missing)}: run 'make build' first", returncode=2)


@pytest.fixture(scope="session")
def filled(tmp_path_factory):
    """Database and media, made once; nothing runs."""
    stack = Stack(tmp_path_factory.mktemp("filled"), KEY)
    stack.fill()
    return stack


@pytest.fixture(scope="session")
def stack(filled, tmp_path_factory):
    """The pair of servers that most tests share. They change nothing in it."""
    stack = Stack(tmp_path_factory.mktemp("shared"), KEY)
    yield from running(stack, filled)


@pytest.fixture
def own_stack(filled, tmp_path):
    """A pair for one test, which may restart it with other keys."""
    yield from running(Stack(tmp_path / "stack", KEY), filled)


def running(stack, filled):
    stack.fill_from(filled)
    try:
        stack.start_app()
        stack.start_nginx()
        yield stack
    finally:
        stack.stop()
        shutil.rmtree(stack.folder / "media", ignore_errors=True)


def signed_in(stack, name):
    viewer = Viewer(stack.www)
    viewer.sign_in(name)
    return viewer


@pytest.fixture(scope="session")
def alice(stack):
    """Owns the documents."""
    return signed_in(stack, "alice")


@pytest.fixture(scope="session")
def bob(stack):
    return signed_in(stack, "bob")


@pytest.fixture(scope="session")
def staff(stack):
    return signed_in(stack, "staff")


@pytest.fixture
def nobody(stack):
    return Viewer(stack.www)


@pytest.fixture
def token(stack):
    """Mints with the application's key, at any time."""

    def token(path, **kwargs):
        return mint(path, stack.key, **kwargs)

    return token
