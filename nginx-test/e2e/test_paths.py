"""How the application spells the path that it signs: path= and signs= of crossdomain_media_key."""

from urllib.parse import quote

import pytest
from answers import granted, refused
from client import hops, raw_get
from django.utils.encoding import iri_to_uri
from stack import NAMES, content

# FileSystemStorage.url turns a backslash into a slash, so the package cannot sign such a name this way.
STORAGE = [name for name in NAMES if "\\" not in name]
# In a hand-made URL these characters mean something else, whoever verifies.
HAND_MADE = [name for name in NAMES if not set(name) & set("%?#")]


def opens(stack, viewer, url, name):
    response = viewer.follow(url)
    granted(response, content(name))
    assert [status for status, _, _ in hops(response)] == [302, 302, 200]


@pytest.mark.parametrize("name", STORAGE)
def test_a_path_from_the_storage(stack, alice, name):
    opens(stack, alice, f"{stack.media}/storage/{quote(name)}", name)


@pytest.mark.parametrize("name", HAND_MADE)
def test_a_path_made_by_hand(stack, alice, name):
    opens(stack, alice, stack.media + iri_to_uri(f"/handmade/{name}"), name)


@pytest.mark.parametrize("name", NAMES)
def test_a_path_compared_as_sent(stack, alice, name):
    opens(stack, alice, f"{stack.media}/raw/{quote(name)}", name)


def test_each_spelling_is_another_string_to_sign(stack, nobody, token):
    """The setting matters: what one spelling's location grants, the others refuse."""
    name = "!$&'()*+,;=.txt"
    spellings = {
        "media": "!$&'()*+,;=.txt",
        "storage": "!%24%26'()*%2B%2C%3B%3D.txt",
    }
    for prefix in spellings:
        for spelled_for, spelling in spellings.items():
            token_of = token(f"/{prefix}/{spelling}")
            response = nobody.get(f"{stack.media}/{prefix}/{quote(name)}?token={token_of}")
            if prefix == spelled_for:
                granted(response, content(name))
            else:
                refused(response)


def test_decoded_and_quoted_are_different_strings(stack, nobody, token):
    name = "Übergrößenträger.txt"
    url = f"{stack.media}/handmade/{quote(name)}"
    granted(nobody.get(f"{url}?token={token(f'/handmade/{name}')}"), content(name))
    refused(nobody.get(f"{url}?token={token(f'/handmade/{quote(name)}')}"))
    url = f"{stack.media}/media/{quote(name)}"
    granted(nobody.get(f"{url}?token={token(f'/media/{quote(name)}')}"), content(name))
    refused(nobody.get(f"{url}?token={token(f'/media/{name}')}"))


def test_as_sent_means_byte_for_byte(stack, token):
    good = token("/raw/My%20File.txt")
    assert raw_get(stack.media, f"/raw/My%20File.txt?token={good}")[0] == 200
    assert raw_get(stack.media, f"/raw/M%79%20File.txt?token={good}")[0] == 403


def test_one_token_for_everything_directly_in_a_folder(stack, alice):
    url = f"{stack.media}/folder/folder/"
    response = alice.follow(url + "one.txt")
    granted(response, content("folder/one.txt"))
    token = response.url.split("?")[1]
    granted(alice.get(f"{url}two%20words.txt?{token}"), content("folder/two words.txt"))
    for other in (
        "deeper/three.txt",
        "deeper%2Fthree.txt",
        "deeper%5Cthree.txt",
        "../plain.txt",
        "/one.txt",
        "%2Fone.txt",
    ):
        status, _, body = raw_get(stack.media, f"/folder/folder/{other}?{token}")
        assert status == 403, other
        assert b"all of it" not in body


def test_a_folder_token_is_none_for_the_file_and_the_other_way_round(stack, nobody, token):
    refused(nobody.get(f"{stack.media}/folder/folder/one.txt?token={token('/folder/folder/one.txt')}"))
    refused(nobody.get(f"{stack.media}/media/folder/one.txt?token={token('/media/folder')}"))
    granted(
        nobody.get(f"{stack.media}/folder/folder/one.txt?token={token('/folder/folder')}"), content("folder/one.txt")
    )
