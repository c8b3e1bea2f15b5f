"""Files as editors save them: with a byte order mark or without, and in the wrong encoding."""

import json

import pytest

from issuer.registry import InvalidRegistry, parse
from issuer.token import OFFERED
from keys import private_file
from keys.file_text import BYTE_ORDER_MARK, NotUTF8, decode
from keys.mac.key_wrapping import DecryptionKeys, generate_key
from keys.ring import InvalidKeyRing, KeyRing

TOML = '[issuer]\nurl = "https://id.example"\n\n[users."zo\u00eb"]\n'
JSON = '{"issuer": {"url": "https://id.example"}, "users": {"zo\u00eb": {}}}'
RING = KeyRing.new("ES256", 1_800_000_000).format()
REMEDY = "save it as UTF-8 (in PowerShell: Set-Content -Encoding utf8)"
WRONG = [
    ("utf-16-le", b"\xff\xfe", "is UTF-16 (little-endian), not UTF-8"),
    ("utf-16-be", b"\xfe\xff", "is UTF-16 (big-endian), not UTF-8"),
    ("utf-16-le", b"", "is UTF-16 (little-endian), not UTF-8"),
    ("utf-16-be", b"", "is UTF-16 (big-endian), not UTF-8"),
    ("utf-32-le", b"\xff\xfe\0\0", "is UTF-32 (little-endian), not UTF-8"),
    ("utf-32-be", b"\0\0\xfe\xff", "is UTF-32 (big-endian), not UTF-8"),
    ("utf-32-le", b"", "is UTF-32 (little-endian), not UTF-8"),
    ("utf-32-be", b"", "is UTF-32 (big-endian), not UTF-8"),
]
ENCODINGS = pytest.mark.parametrize(
    ("codec", "mark", "sentence"), WRONG, ids=[f"{c}{', marked' * bool(m)}" for c, m, _ in WRONG]
)


@pytest.mark.parametrize(("name", "text"), [("registry.toml", TOML), ("registry.json", JSON)])
def test_a_registry_that_windows_editors_saved_is_read(name, text):
    registry = parse({name: BYTE_ORDER_MARK + text.encode()}, OFFERED)
    assert (registry.issuer.url, set(registry.users)) == ("https://id.example", {"zo\u00eb"})
    crlf = BYTE_ORDER_MARK + text.replace("\n", "\r\n").encode()
    assert parse({name: crlf}, OFFERED).users == registry.users


def test_of_a_directory_each_file_may_have_a_byte_order_mark():
    files = {"a.toml": TOML.encode(), "b.toml": BYTE_ORDER_MARK + b"[users.bob]\n"}
    assert set(parse(files, OFFERED).users) == {"zo\u00eb", "bob"}


def test_a_second_byte_order_mark_is_none():
    """It stands in the text, where it is a character that no key begins with."""
    with pytest.raises(InvalidRegistry, match="line 1"):
        parse({"registry.toml": BYTE_ORDER_MARK * 2 + TOML.encode()}, OFFERED)


@ENCODINGS
@pytest.mark.parametrize(("name", "text"), [("registry.toml", TOML), ("registry.json", JSON)])
def test_a_registry_in_another_encoding_is_told_which_and_the_remedy(
    name, text, codec, mark, sentence
):
    with pytest.raises(InvalidRegistry) as refused:
        parse({name: mark + text.encode(codec)}, OFFERED)
    assert str(refused.value) == f"{name}: {sentence}: {REMEDY}"


def test_latin_1_is_told_the_line():
    with pytest.raises(InvalidRegistry) as refused:
        parse({"registry.toml": TOML.encode("latin-1")}, OFFERED)
    assert str(refused.value) == f"registry.toml: is not UTF-8, first at line 4: {REMEDY}"


def test_a_key_ring_with_a_byte_order_mark_is_read():
    marked = KeyRing.parse(BYTE_ORDER_MARK + RING.encode())
    assert marked == KeyRing.parse(RING)


@ENCODINGS
def test_a_key_ring_in_another_encoding_is_told_which_and_the_remedy(codec, mark, sentence):
    with pytest.raises(InvalidKeyRing) as refused:
        KeyRing.parse(mark + RING.encode(codec))
    assert refused.value.problems == (f"keyring.json: {sentence}: {REMEDY}",)


@ENCODINGS
def test_the_private_keys_of_a_resource_server_are_read_alike(tmp_path, codec, mark, sentence):
    path = tmp_path / "api.jwks.json"
    jwk = generate_key()
    text = json.dumps({"keys": [jwk]})
    private_file.write(path, text)
    path.write_bytes(BYTE_ORDER_MARK + text.encode())
    assert jwk["kid"] in repr(DecryptionKeys.from_file(path))
    path.write_bytes(mark + text.encode(codec))
    with pytest.raises(ValueError, match="save it as UTF-8") as refused:
        DecryptionKeys.from_file(path)
    assert str(refused.value) == f"api.jwks.json: {sentence}: {REMEDY}"


@pytest.mark.parametrize("text", ["", "a", "{", "{}", "\u00e9", "a\u00e9", "# \u65e5\u672c"])
def test_whatever_is_utf8_is_its_text(text):
    assert decode(text.encode()) == decode(BYTE_ORDER_MARK + text.encode()) == text


@pytest.mark.parametrize("data", [b"\xff", b"\xfe", b"\xc3", b"\xed\xa0\x80", b"\xf5\x80\x80\x80"])
def test_what_is_no_text_is_refused(data):
    with pytest.raises(NotUTF8, match="is not UTF-8, first at line 1"):
        decode(data)
