"""base64url and JSON, read strictly: what everything else in the package stands on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.encoding import MAX_DEPTH, from_base64url, parse_object, to_base64url, to_json


def test_rfc_7515_appendix_c_is_the_published_example():
    assert to_base64url(bytes([3, 236, 255, 224, 193])) == "A-z_4ME"
    assert from_base64url("A-z_4ME") == bytes([3, 236, 255, 224, 193])


@given(st.binary(max_size=200))
def test_every_value_survives_the_way_there_and_back(data):
    assert from_base64url(to_base64url(data)) == data


@given(st.text(alphabet="AQIYabgw-_+/=!\n é", max_size=9))
def test_a_text_that_decodes_is_the_one_spelling_of_its_value(text):
    """J8."""
    try:
        data = from_base64url(text)
    except ValueError:
        return
    assert to_base64url(data) == text


@pytest.mark.parametrize(
    "text",
    ["YWI=", "YWJ", "YWK", "YW Jj", "YWJj\n", "YW!Jj", "YQ==", "a", "+/+/", "ü", "\ud800"],
)
def test_a_second_spelling_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011 - its subclasses do as well
        from_base64url(text)
    assert from_base64url("YWI") == b"ab"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"[]", id="an array"),
        pytest.param(b'"exp"', id="a string"),
        pytest.param(b'{"a":1,"a":1}', id="a member named twice"),
        pytest.param(b'{"a":{"b":1,"b":2}}', id="an inner member named twice"),
        pytest.param(b'{"a":1,"\\u0061":2}', id="a member named twice in two spellings"),
        pytest.param('{"a":1}'.encode("utf-16"), id="UTF-16"),
        pytest.param('{"a":1}'.encode("utf-16-le"), id="UTF-16 without a mark"),
        pytest.param(b'\xef\xbb\xbf{"a":1}', id="a byte order mark"),
        pytest.param(b'{"a":"\xff"}', id="no UTF-8"),
        pytest.param(b'{"a":"\xc0\xaf"}', id="an overlong form"),
        pytest.param(b'{"a":"\xed\xa0\x80"}', id="a surrogate in UTF-8"),
        pytest.param(b'{"a":"\\ud800"}', id="half a pair"),
        pytest.param(b'{"\\udfff":1}', id="half a pair in a name"),
        pytest.param(b'{"a":NaN}', id="NaN"),
        pytest.param(b'{"a":-Infinity}', id="minus infinity"),
        pytest.param(b'{"a":' + b"9" * 5000 + b"}", id="a number of 5000 digits"),
        pytest.param(b'{"a":1} x', id="something after it"),
        pytest.param(b'{"a":1,}', id="a comma too many"),
        pytest.param(b"[" * 100_000, id="arrays without end"),
        pytest.param(b'{"a":' * 50_000 + b"1" + b"}" * 50_000, id="objects without end"),
        pytest.param(b'{"a":' + b"[" * 16 + b"]" * 16 + b"}", id="one level too many"),
    ],
)
def test_json_that_readers_would_understand_differently_is_refused(data):
    """J21, J22 and J23."""
    with pytest.raises(ValueError):  # noqa: PT011 - its subclasses do as well
        parse_object(data)


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b'{"a":1}', {"a": 1}),
        ('{"ä":"\u20ac"}'.encode(), {"ä": "\u20ac"}),
        (b'{"a":"\\ud83d\\ude00"}', {"a": "\N{GRINNING FACE}"}),
        (b'{"a":"' + b"[" * 99 + b'"}', {"a": "[" * 99}),
        (b'{"a":[' + b"[]," * 99 + b"[]]}", {"a": [[]] * 100}),
    ],
)
def test_plain_json_is_read(data, value):
    assert parse_object(data) == value


def test_the_allowed_depth_is_read():
    depth = MAX_DEPTH - 1
    assert parse_object(b'{"a":' + b"[" * depth + b"]" * depth + b"}")


def test_json_is_written_compactly_and_in_ascii():
    assert to_json({"a": ["ä", None, True, 1]}) == b'{"a":["\\u00e4",null,true,1]}'
