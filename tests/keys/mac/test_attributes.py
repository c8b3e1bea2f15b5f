"""The header field of draft-ietf-oauth-v2-http-mac-01 section 3.1, read strictly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.errors import InvalidMac
from keys.mac.attributes import MAX_AUTHORIZATION, MAX_NONCE, Credentials, parse, to_header

EXAMPLE = 'MAC id="h480djs93hd8", ts="1336363200", nonce="dj83hs9s", mac="6T3zZzy2Empp="'
CREDENTIALS = Credentials(id="h480djs93hd8", ts=1336363200, nonce="dj83hs9s", mac="6T3zZzy2Empp=")

PLAIN = st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters='"\\'))


def refusal(authorization: str) -> str:
    with pytest.raises(InvalidMac) as refused:
        parse(authorization)
    assert refused.value.status == 401
    assert parse(EXAMPLE) == CREDENTIALS
    return refused.value.detail


@pytest.mark.parametrize(
    "authorization",
    [
        EXAMPLE,
        EXAMPLE.replace("MAC", "mac"),
        EXAMPLE.replace("MAC ", "MAC   "),
        EXAMPLE.replace(", ", ","),
        EXAMPLE.replace(", ", " , "),
        EXAMPLE.replace('"', ""),
        EXAMPLE.replace("id=", "ID="),
        EXAMPLE + ', ext=""',
        'MAC mac="6T3zZzy2Empp=", nonce=dj83hs9s, id="h480djs93hd8", ts=1336363200',
    ],
)
def test_every_spelling_of_the_grammar_is_read(authorization):
    assert parse(authorization) == CREDENTIALS


@pytest.mark.parametrize("authorization", [None, "", "Bearer x", "Basic YTpi", "MACS id=x", "id=x"])
def test_other_schemes_are_not_ours(authorization):
    assert parse(authorization) is None


def test_draft_00_has_no_timestamp_and_may_have_a_body_hash():
    read = parse('MAC id="a", nonce="1:b", bodyhash="c=", ext="d e", mac="f="')
    assert read == Credentials(id="a", nonce="1:b", bodyhash="c=", ext="d e", mac="f=")


@pytest.mark.parametrize("attribute", ["id", "ts", "nonce", "mac"])
def test_an_attribute_that_is_there_twice_is_refused(attribute):
    """P28: one reader takes the first, another the last."""
    twice = f'{EXAMPLE}, {attribute}="1"'
    assert refusal(twice) == "header: an attribute is there twice"
    assert refusal(twice.replace(f"{attribute}=", f"{attribute.upper()}=", 1))


@pytest.mark.parametrize("attribute", ["id", "nonce", "mac"])
def test_an_attribute_that_is_missing_is_refused(attribute):
    assert refusal(EXAMPLE.replace(f"{attribute}=", "ext=")) == (
        "header: id, nonce and mac are needed"
    )


@pytest.mark.parametrize(
    "authorization",
    [
        "MAC",
        "MAC ",
        "MAC h480djs93hd8",
        EXAMPLE + ",",
        EXAMPLE + ", ",
        EXAMPLE.replace("MAC ", "MAC ,"),
        EXAMPLE.replace(", ", " "),
        EXAMPLE.replace(", ", "; "),
        EXAMPLE.replace(", ", ",, "),
        EXAMPLE.replace("id=", "id ="),
        EXAMPLE.replace("nonce=", "nonce= "),
        EXAMPLE.replace('"dj83hs9s"', ""),
        EXAMPLE[:-1],
        EXAMPLE + '"',
        EXAMPLE + "\n",
        EXAMPLE + ", x",
        EXAMPLE + f", {EXAMPLE}",
    ],
)
def test_what_the_grammar_does_not_have_is_refused(authorization):
    refusal(authorization)


@pytest.mark.parametrize("character", ["\n", "\r", "\t", "\0", "\\", "\x7f", "\x80", "é", "\u2028"])
@pytest.mark.parametrize("attribute", ["id", "nonce", "mac", "ext"])
def test_a_character_that_would_need_an_escape_is_refused(attribute, character):
    """P28: no line break reaches the text that is signed."""
    header = f'{EXAMPLE}, ext="x"'.replace(f'{attribute}="', f'{attribute}="a{character}')
    assert refusal(header) == "header: not attributes, each with its value"


def test_an_attribute_that_no_draft_has_is_refused():
    """The MAC would not cover it."""
    assert refusal(EXAMPLE + ', seq="1"') == "header: an unknown attribute"


@pytest.mark.parametrize("ts", ["0", "01336363200", "-1", "+1", "1.0", "1e9", "1" * 13, "", " 1"])
def test_a_timestamp_is_a_positive_integer_in_its_one_spelling(ts):
    assert refusal(EXAMPLE.replace("1336363200", ts)) == "header: ts is no timestamp"


def test_a_body_hash_that_the_mac_would_not_cover_is_refused():
    assert refusal(EXAMPLE + ', bodyhash="c="') == "header: no draft has both ts and bodyhash"
    assert parse(EXAMPLE + ', bodyhash=""') == CREDENTIALS


def test_a_nonce_has_a_length():
    assert parse(EXAMPLE.replace("dj83hs9s", "n" * MAX_NONCE))
    refusal(EXAMPLE.replace("dj83hs9s", "n" * (MAX_NONCE + 1)))
    refusal(EXAMPLE.replace("dj83hs9s", ""))


def test_a_header_that_is_too_long_is_not_looked_at():
    room = MAX_AUTHORIZATION - len(EXAMPLE + ', ext=""')
    assert parse(f'{EXAMPLE}, ext="{"x" * room}"')
    assert "longer" in refusal(f'{EXAMPLE}, ext="{"x" * (room + 1)}"')
    assert "longer" in refusal("MAC " + "\\" * 10_000_000)


@given(PLAIN, PLAIN, PLAIN.filter(bool), PLAIN, st.integers(1, 10**12 - 1))
def test_what_is_written_is_read_again(id_, ext, nonce, mac, ts):
    credentials = Credentials(
        id=id_ or "i", ext=ext, nonce=nonce[:MAX_NONCE], mac=mac or "m", ts=ts
    )
    assert parse(to_header(credentials)) == credentials


@pytest.mark.parametrize("part", ["id", "nonce", "mac", "ext", "bodyhash"])
@pytest.mark.parametrize("character", ['"', "\\", "\n", "é"])
def test_what_cannot_be_read_is_not_written(part, character):
    values = {"id": "i", "nonce": "n", "mac": "m", part: f"a{character}"}
    with pytest.raises(ValueError, match=part):
        to_header(Credentials(**values))


def test_neither_token_nor_mac_shows_in_a_representation():
    assert "h480djs93hd8" not in repr(CREDENTIALS)
    assert "6T3zZzy2Empp" not in repr(CREDENTIALS)


def test_a_body_hash_is_recognised_in_either_place():
    plain = {"id": "i", "nonce": "n", "mac": "m"}
    assert Credentials(**plain, bodyhash="h").has_body_hash
    assert Credentials(**plain, ext="sha-256=h").has_body_hash
    assert not Credentials(**plain, ext="app;sha-256=h").has_body_hash
