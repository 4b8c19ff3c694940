"""Which key signs: rotated with fallbacks, derived, salted."""

import pytest
from answers import granted, minted, refused, sent_to
from client import Viewer, hops
from stack import content
from tokens import mint

PATH = "/media/plain.txt"
BODY = content("plain.txt")
NEXT_KEY = "the-key-after-the-first-one-also-long-enough-0123456789"


def test_a_key_is_replaced_while_links_are_out(own_stack):
    stack, old_key = own_stack, own_stack.key
    alice = Viewer(stack.www)
    alice.sign_in("alice")
    old_link = alice.follow(stack.media + PATH).url

    # As the README says: nginx learns the new key, the application signs with it, the old one is given up later.
    stack.write_key("old_key", old_key)
    stack.write_key("secret_key", NEXT_KEY)
    stack.restart_nginx(keys=("secret_key id=new", "old_key id=old"))
    stack.restart_app(fallbacks=("old_key",))
    granted(alice.get(old_link), BODY)
    # The session was made with the old key as well, and goes on.
    new_link = minted(alice.get(stack.www + PATH), stack.media + PATH)
    assert new_link != mint(PATH, old_key)
    granted(alice.get(f"{stack.media}{PATH}?token={new_link}"), BODY)
    # A link of the old key that has expired is renewed, not refused, as long as the key is known.
    response = alice.follow(f"{stack.media}{PATH}?token={mint(PATH, old_key, age=200)}")
    granted(response, BODY)
    assert [status for status, _, _ in hops(response)] == [302, 302, 200]

    stack.restart_nginx(keys=("secret_key",))
    refused(alice.get(old_link))
    granted(alice.get(f"{stack.media}{PATH}?token={new_link}"), BODY)


def test_links_of_a_key_that_is_gone_renew_themselves_where_invalid_redirects(stack, alice):
    path = "/rotated/plain.txt"
    link = f"{stack.media}{path}?token={mint(path, 'a key that nobody has any more')}"
    sent_to(alice.get(link), stack.www + path)
    response = alice.follow(link)
    granted(response, BODY)
    assert [status for status, _, _ in hops(response)] == [302, 302, 200]


def test_order_of_keys_does_not_matter_to_the_viewer(own_stack):
    stack = own_stack
    for number in range(3):
        stack.write_key(f"other_{number}", f"another-key-that-signs-nothing-here-{number}-0123456789")
    stack.restart_nginx(keys=("other_0", "other_1", "secret_key", "other_2"))
    viewer = Viewer(stack.www)
    granted(viewer.get(f"{stack.media}{PATH}?token={mint(PATH, stack.key)}"), BODY)
    refused(viewer.get(f"{stack.media}{PATH}?token={mint(PATH, 'none of them')}"))


def test_nginx_needs_the_derived_key_only(own_stack):
    """SECRET_KEY itself, good for sessions too, need not be on the media host."""
    stack = own_stack
    derived = "derived_key derived encoding=hex"
    named = ("secret_key salt=documents.media", "secret_key salt=variants.media.DocumentSigner", "secret_key")
    stack.restart_nginx(
        keys=(derived,),
        # The locations of the variants, which name SECRET_KEY themselves.
        replace=[(f"crossdomain_media_key {key}", f"crossdomain_media_key {derived}") for key in named],
    )
    assert "secret_key" not in (stack.folder / "nginx.conf").read_text()
    alice = Viewer(stack.www)
    alice.sign_in("alice")
    granted(alice.follow(stack.media + PATH), BODY)
    # Used as if it were SECRET_KEY, it opens nothing.
    refused(alice.get(f"{stack.media}{PATH}?token={mint(PATH, stack.derived_key())}"))


@pytest.mark.parametrize(
    ("prefix", "salt"),
    [("derived", None), ("salted", "documents.media"), ("subclass", "variants.media.DocumentSigner")],
)
def test_the_salt_is_part_of_the_key(stack, alice, prefix, salt):
    path = f"/{prefix}/plain.txt"
    response = alice.follow(stack.media + path)
    granted(response, BODY)
    assert [status for status, _, _ in hops(response)] == [302, 302, 200]
    granted(alice.get(f"{stack.media}{path}?token={mint(path, stack.key, salt=salt)}"), BODY)
    for other in {None, "documents.media", "variants.media.DocumentSigner"} - {salt}:
        refused(alice.get(f"{stack.media}{path}?token={mint(path, stack.key, salt=other)}"))
