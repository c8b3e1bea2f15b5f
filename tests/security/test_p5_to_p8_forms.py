"""Security P5 to P8: parameters twice, parameters elsewhere, other types, other characters."""

import gzip
from urllib.parse import urlencode

import pytest

from tests.builders import API, OTHER_API, basic

GRANT = b"grant_type=client_credentials"
FORM = b"application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    "name",
    ["grant_type", "code", "client_id", "client_secret", "scope", "refresh_token", "redirect_uri",
     "code_verifier", "username", "password", "unknown"],
)  # fmt: skip
@pytest.mark.parametrize(
    "pair",
    [
        pytest.param("{0}=a&{0}=a", id="equal"),
        pytest.param("{0}=a&{0}=b", id="different"),
        pytest.param("{0}=&{0}=a", id="one empty"),
        pytest.param("{0}=a&{0}", id="one without a value"),
        pytest.param("{0}=a&x=1&{1}=a", id="one with an encoded name"),
    ],
)
def test_a_parameter_that_is_there_twice_is_refused(post, name, pair):
    """RFC 6749 section 3.2: MUST NOT be included more than once; security P5."""
    escaped = f"%{ord(name[0]):02x}{name[1:]}"
    answer = post(GRANT + b"&" + pair.format(name, escaped).encode())
    assert (answer.status, answer.error) == (400, "invalid_request")


def test_a_resource_may_be_there_twice(post):
    """RFC 8707 section 2; two audiences are then refused for what they are."""
    two = urlencode([("resource", API), ("resource", OTHER_API)]).encode()
    answer = post(GRANT + b"&" + two)
    assert answer.error == "invalid_target"
    assert post(GRANT + b"&resource=&" + urlencode({"resource": API}).encode()).status == 200


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"&&" + GRANT + b"&&&", id="empty fields"),
        pytest.param(b"=&" + GRANT, id="an empty name"),
        pytest.param(b"%67rant_type=client%5Fcredentials", id="escapes"),
        pytest.param(GRANT + b"&grant_type[]=password", id="brackets are another name"),
        pytest.param(GRANT + b"&Grant_Type=password", id="another case is another name"),
        pytest.param(GRANT + b"&grant_type%00=password", id="a NUL makes another name"),
        pytest.param(GRANT + b"&+grant_type=password", id="a blank makes another name"),
    ],
)
def test_a_form_is_read_as_it_is_spelt(post, body):
    assert post(body).status == 200


@pytest.mark.parametrize(
    ("body", "error"),
    [
        pytest.param(GRANT + b";scope=read", "unsupported_grant_type", id="a semicolon"),
        pytest.param(b"scope=read;" + GRANT, "invalid_request", id="a semicolon before"),
        pytest.param(GRANT + b"\r\n", "unsupported_grant_type", id="a line end behind"),
        pytest.param(GRANT + b"&scope=read%20admin%26x", "invalid_scope", id="an ampersand inside"),
        pytest.param(b"", "invalid_request", id="nothing"),
        pytest.param(b"grant_type", "invalid_request", id="no value"),
    ],
)
def test_what_only_looks_like_two_parameters_is_one(post, body, error):
    """Security P6."""
    assert post(body).error == error


def test_parameters_of_the_query_are_ignored(post):
    """RFC 6749 section 3.2; security P6."""
    line = b"POST /token?grant_type=client_credentials HTTP/1.1"
    assert post(b"", line=line).error == "invalid_request"
    line = b"POST /token?grant_type=password&scope=admin&client_secret=x HTTP/1.1"
    assert post(line=line).status == 200
    line = b"POST /token?client_id=billing&client_secret=x HTTP/1.1"
    assert post(line=line, authorization=None).error == "invalid_client"


@pytest.mark.parametrize(
    "content_type",
    [
        FORM,
        FORM.title(),
        FORM.upper(),
        FORM + b";charset=UTF-8",
        FORM + b"; charset=utf-8",
        FORM + b' ; Charset="UTF-8"',
        FORM + b";",
    ],
)
def test_a_form_is_a_form_however_its_type_is_spelt(post, content_type):
    """Security P7."""
    assert post(content_type=content_type).status == 200


@pytest.mark.parametrize(
    "content_type",
    [
        pytest.param(b"", id="none"),
        pytest.param(b"application/json", id="JSON"),
        pytest.param(b"text/plain", id="text"),
        pytest.param(b"multipart/form-data; boundary=x", id="multipart"),
        pytest.param(FORM + b"x", id="a longer name"),
        pytest.param(b"x-www-form-urlencoded", id="half a name"),
        pytest.param(FORM + b"; charset=utf-16", id="UTF-16"),
        pytest.param(FORM + b"; charset=latin1", id="Latin-1"),
        pytest.param(FORM + b"; charset=utf-7", id="UTF-7"),
        pytest.param(FORM + b"; boundary=x", id="another parameter"),
        pytest.param(FORM + b"; charset=utf-8; charset=utf-16", id="two charsets"),
        pytest.param(FORM + b", text/plain", id="two types"),
    ],
)
def test_another_content_type_is_refused(post, content_type):
    """Security P7."""
    answer = post(content_type=content_type)
    assert (answer.status, answer.error) == (415, "invalid_request")


@pytest.mark.parametrize("body", [b'{"grant_type":"client_credentials"}', b"<xml/>", b"\x00\x01"])
def test_a_form_that_is_none_is_refused(post, body):
    answer = post(body)
    assert (answer.status, answer.error) == (400, "invalid_request")


@pytest.mark.parametrize("encoding", [b"gzip", b"deflate", b"br", b"GZIP", b"identity, gzip"])
def test_a_compressed_body_is_refused(post, encoding):
    """Security P7: no bomb is opened."""
    more = b"Content-Encoding: " + encoding + b"\r\n"
    answer = post(gzip.compress(GRANT), more=more)
    assert (answer.status, answer.error) == (415, "invalid_request")
    assert post(more=b"Content-Encoding: identity\r\n").status == 200


@pytest.mark.parametrize("name", [b"Content-Type: " + FORM, b"Content-Encoding: identity"])
def test_a_header_that_matters_is_refused_where_it_is_there_twice(post, name):
    """Security P10: proxies differ in which one they believe."""
    answer = post(more=2 * (name + b"\r\n"))
    assert (answer.status, answer.error) == (400, "invalid_request")


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(b"%FF", id="no UTF-8"),
        pytest.param(b"%C0%AF", id="an overlong slash"),
        pytest.param(b"%ED%A0%80", id="half a surrogate pair"),
        pytest.param(b"%F4%90%80%80", id="beyond Unicode"),
        pytest.param(b"%C3", id="half a character"),
        pytest.param(b"%zz", id="no hexadecimal"),
        pytest.param(b"%", id="a percent sign"),
        pytest.param(b"%4", id="half an escape"),
        pytest.param(b"%u0041", id="an escape of JavaScript"),
        pytest.param(b"%+1", id="a sign in an escape"),
        pytest.param(b"%_1", id="a mark in an escape"),
        pytest.param(b"\xe9", id="a raw byte"),
        pytest.param(b"\xc3\xa9", id="raw UTF-8"),
    ],
)
@pytest.mark.parametrize("place", [b"unknown=%s", b"%s=x", b"scope=%s"])
def test_what_is_not_a_form_in_utf_8_is_refused(post, place, value):
    """Security P8: %FF and %FE must not become the same."""
    answer = post(GRANT + b"&" + place.replace(b"%s", value))
    assert (answer.status, answer.error) == (400, "invalid_request")


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("%00", id="a NUL"),
        pytest.param("%0D%0ASet-Cookie:%20a=b", id="a header"),
        pytest.param("%EF%BC%8E", id="a wide full stop"),
        pytest.param("%EF%BF%BD", id="the replacement character itself"),
        pytest.param("%F0%9F%94%91", id="a key"),
    ],
)
def test_any_character_is_taken_where_it_means_nothing(post, value):
    """Security P8."""
    answer = post(GRANT + b"&unknown=" + value.encode())
    assert answer.status == 200
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "client_id",
    [
        pytest.param("a:b c/a\u0308", id="decomposed (NFD)"),
        pytest.param("a:b c/\u00c4", id="upper case"),
        pytest.param("a:b\u00a0c/\u00e4", id="another blank"),
        pytest.param("a:b c\uff0f\u00e4", id="a wide slash"),
        pytest.param("a:b c/\u00e4\0", id="a NUL behind"),
    ],
)
def test_names_are_compared_byte_by_byte(post, client_id):
    """Security P8: nothing is normalized."""
    assert post(authorization=basic("a:b c/\u00e4", "s%cr+t&=:\u00f6")).status == 200
    answer = post(authorization=basic(client_id, "s%cr+t&=:\u00f6"))
    assert (answer.status, answer.error) == (401, "invalid_client")
