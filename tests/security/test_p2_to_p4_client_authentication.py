"""Security P2 to P4: secrets that are hard to spell, and more of them than one."""

from base64 import b64encode
from urllib.parse import quote_plus, urlencode

import pytest

from tests.builders import SECRET, VERIFIER, basic

GRANT = {"grant_type": "client_credentials"}
CHALLENGE = 'Basic realm="token endpoint", charset="UTF-8"'
ODD_CLIENT, ODD_SECRET = "a:b c/\u00e4", "s%cr+t&=:\u00f6"


def encoded(pair: bytes) -> str:
    return "Basic " + b64encode(pair).decode()


def assert_not_authenticated(answer):
    """RFC 6749 section 5.2: 401 with the scheme that a client may use."""
    assert (answer.status, answer.error) == (401, "invalid_client")
    assert answer.headers["www-authenticate"] == CHALLENGE
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "client_secret",
    [
        pytest.param("%C3%A9", id="beyond ASCII"),
        pytest.param(SECRET + "%00", id="a NUL behind the right one"),
        pytest.param("%00" + SECRET, id="a NUL before the right one"),
        pytest.param(SECRET + "%0A", id="a line feed behind the right one"),
        pytest.param(SECRET[:-1], id="one character less"),
        pytest.param(SECRET + "x", id="one character more"),
        pytest.param(SECRET.upper(), id="upper case"),
        pytest.param("x" * 30_000, id="30 kB"),
    ],
)
@pytest.mark.parametrize("how", ["header", "body"])
def test_a_wrong_secret_is_refused_whatever_its_characters(post, how, client_secret):
    """Security P2: never a 5xx, never the right one by accident."""
    if how == "header":
        assert_not_authenticated(
            post(authorization=encoded(b"billing:" + client_secret.encode()[:12_000]))
        )
    else:
        body = urlencode(GRANT | {"client_id": "poster"}) + "&client_secret=" + client_secret
        assert_not_authenticated(post(body.encode(), authorization=None))


def test_the_right_secret_is_taken_in_header_and_body(post):
    body = urlencode(GRANT | {"client_id": "poster", "client_secret": SECRET}).encode()
    assert post(body, authorization=None).status == 200
    assert post(authorization=basic("billing")).status == 200


def test_a_secret_that_is_not_utf_8_is_a_malformed_request(post):
    """Security P2, P8."""
    answer = post(urlencode(GRANT).encode() + b"&client_id=poster&client_secret=%FF",
                  authorization=None)  # fmt: skip
    assert (answer.status, answer.error) == (400, "invalid_request")


def test_a_secret_of_a_megabyte_is_too_large(post):
    """Security P2, P9."""
    body = urlencode(GRANT | {"client_id": "poster"}) + "&client_secret=" + "x" * 2**20
    answer = post(body.encode(), authorization=None)
    assert answer.status in (0, 413)  # 0: it closed before it had read what was still coming


def test_a_secret_may_be_any_text_once_it_is_form_encoded(post):
    """RFC 6749 section 2.3.1; security P3."""
    assert post(authorization=basic(ODD_CLIENT, ODD_SECRET)).status == 200


@pytest.mark.parametrize(
    "pair",
    [
        pytest.param(f"{ODD_CLIENT}:{ODD_SECRET}", id="neither is encoded"),
        pytest.param(f"{quote_plus(ODD_CLIENT)}:{ODD_SECRET}", id="the secret is not encoded"),
        pytest.param(f"{ODD_CLIENT}:{quote_plus(ODD_SECRET)}", id="the name is not encoded"),
        pytest.param(quote_plus(f"{ODD_CLIENT}:{ODD_SECRET}"), id="encoded with the colon"),
        pytest.param(
            quote_plus(quote_plus(ODD_CLIENT)) + ":" + quote_plus(quote_plus(ODD_SECRET)),
            id="encoded twice",
        ),
        pytest.param("plain:a+b%41", id="a secret that means another when decoded"),
        pytest.param("billing:" + SECRET + "%", id="half an escape"),
        pytest.param("billing:" + SECRET + "%zz", id="a malformed escape"),
        pytest.param("billing:" + SECRET + "%ff", id="an escape that is not UTF-8"),
    ],
)
def test_a_secret_in_the_wrong_encoding_is_refused(post, pair):
    """Security P3: one encoding, the specification's."""
    assert_not_authenticated(post(authorization=encoded(pair.encode())))


def test_what_looks_like_an_escape_is_encoded_as_well(post):
    assert post(authorization=basic("plain", "a+b%41")).status == 200


def test_the_header_is_base64_and_not_base64url(post):
    """RFC 7617 section 2; security P3."""
    standard = encoded(b"tildes:" + b"~" * 12)
    assert "+" in standard
    assert post(authorization=standard).status == 200
    assert_not_authenticated(post(authorization=standard.replace("+", "-")))


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC", "bAsIc"])
def test_the_scheme_is_read_in_any_case(post, scheme):
    """RFC 9110 section 11.1."""
    assert post(authorization=scheme + basic("billing")[5:]).status == 200


GOOD = basic("billing")[6:]


@pytest.mark.parametrize(
    "authorization",
    [
        pytest.param("Basic", id="the scheme alone"),
        pytest.param("Basic ", id="no credentials"),
        pytest.param(GOOD, id="no scheme"),
        pytest.param("Basic  " + GOOD, id="two blanks"),
        pytest.param("Basic\t" + GOOD, id="a tab"),
        pytest.param("Basic " + GOOD[:8] + " " + GOOD[8:], id="a blank inside"),
        pytest.param("Basic " + GOOD + "!", id="junk behind"),
        pytest.param("Basic !" + GOOD, id="junk before"),
        pytest.param("Basic " + GOOD[:8] + "*" + GOOD[8:], id="junk inside"),
        pytest.param("Basic " + GOOD + "====", id="too much padding"),
        pytest.param("Basic " + GOOD.rstrip("="), id="no padding"),
        pytest.param(encoded(b"\xff\xfe:" + SECRET.encode()), id="not UTF-8"),
        pytest.param(encoded(b"billing"), id="no colon"),
        pytest.param(encoded(b":" + SECRET.encode()), id="no name"),
        pytest.param(encoded(b":"), id="a colon alone"),
        pytest.param(encoded(b"billing:"), id="no secret"),
        pytest.param(encoded(b"billing::" + SECRET.encode()), id="two colons"),
        pytest.param(encoded(b" billing:" + SECRET.encode()), id="a blank before the name"),
        pytest.param(encoded(b"Billing:" + SECRET.encode()), id="a capital letter"),
        pytest.param("Basic \u00e9", id="beyond ASCII"),
        pytest.param("Bearer " + GOOD, id="another scheme"),
        pytest.param("Digest username=billing", id="a scheme of the past"),
        pytest.param(f"Basic {GOOD},Basic {GOOD}", id="two in one header"),
        pytest.param(f"Basic {GOOD}, Bearer x", id="two schemes in one header"),
    ],
)
def test_a_malformed_header_proves_nobody(post, authorization):
    """Security P3, P4."""
    assert_not_authenticated(post(authorization=authorization))


@pytest.mark.parametrize(
    ("more", "body"),
    [
        pytest.param(b"Authorization: %s\r\n", {}, id="two headers, the same"),
        pytest.param(b"Authorization: Bearer x\r\n", {}, id="two headers, another scheme"),
        pytest.param(b"", {"client_secret": SECRET}, id="a secret in the body too"),
        pytest.param(
            b"", {"client_id": "billing", "client_secret": SECRET}, id="both in the body too"
        ),
        pytest.param(b"", {"client_id": "poster"}, id="another client in the body"),
        pytest.param(b"", {"client_id": "Billing"}, id="the same in another case"),
    ],
)
def test_two_mechanisms_in_one_request_are_refused(post, more, body):
    """RFC 6749 section 2.3, security P4: never does the first win."""
    more = more.replace(b"%s", basic("billing").encode())
    answer = post(urlencode(GRANT | body).encode(), more=more)
    assert (answer.status, answer.error) == (400, "invalid_request")


def test_an_empty_secret_in_the_body_counts_as_left_out(post):
    """RFC 6749 section 3.2."""
    body = urlencode(GRANT | {"client_secret": "", "client_id": "billing"}).encode()
    assert post(body).status == 200


def test_two_headers_are_refused_even_where_one_is_empty(post):
    answer = post(more=b"Authorization:\r\n")
    assert (answer.status, answer.error) == (400, "invalid_request")


# --- an empty secret is none, in the header as in the body ---

EMPTY = {
    "header": lambda client_id: ({}, basic(client_id, "")),
    "header, and the name in the body": lambda client_id: (
        {"client_id": client_id}, basic(client_id, "")),
    "body": lambda client_id: ({"client_id": client_id, "client_secret": ""}, None),
    "left out": lambda client_id: ({"client_id": client_id}, None),
}  # fmt: skip
"""What libraries send for a client without a secret."""


@pytest.mark.parametrize("spelled", EMPTY.values(), ids=EMPTY)
def test_a_public_client_may_send_an_empty_secret_wherever(attacked, post, spelled):
    """RFC 6749 section 2.3.1; requests-oauthlib sends the header always."""
    body, authorization = spelled("spa")
    code = {"grant_type": "authorization_code", "code": attacked.code(client_id="spa"),
            "code_verifier": VERIFIER}  # fmt: skip
    answer = post(urlencode(code | body).encode(), authorization=authorization)
    assert (answer.status, answer.error) == (200, None)


@pytest.mark.parametrize("spelled", EMPTY.values(), ids=EMPTY)
@pytest.mark.parametrize("client_id", ["billing", "poster", "nobody"])
def test_a_client_with_a_secret_may_not_and_hears_what_a_stranger_does(post, spelled, client_id):
    """Security P1, P2: the nearest neighbours, and no telling who is registered."""
    body, authorization = spelled(client_id)
    answer = post(urlencode(GRANT | body).encode(), authorization=authorization)
    assert_not_authenticated(answer)
    assert answer.json["error_description"] == "Client authentication failed."


@pytest.mark.parametrize(
    ("body", "authorization", "status"),
    [
        pytest.param({}, encoded(b"spa: "), 401, id="a blank is a secret"),
        pytest.param({}, encoded(b"spa:%00"), 401, id="a NUL is a secret"),
        pytest.param({}, encoded(b"spa"), 401, id="no colon"),
        pytest.param({}, encoded(b":"), 401, id="no name"),
        pytest.param({}, basic("spa"), 401, id="a secret"),
        pytest.param({"client_secret": "x"}, basic("spa", ""), 400, id="another in the body"),
        pytest.param({"client_secret": SECRET, "client_id": "poster"}, basic("spa", ""), 400,
                     id="another client in the body"),
        pytest.param({"client_id": "poster"}, basic("spa", ""), 400, id="another name in the body"),
    ],
)  # fmt: skip
def test_what_is_not_quite_an_empty_secret_is_refused(post, body, authorization, status):
    """Security P3, P4."""
    code = {"grant_type": "authorization_code", "code": "x", "code_verifier": VERIFIER}
    answer = post(urlencode(code | body).encode(), authorization=authorization)
    assert answer.status == status
    assert answer.error == ("invalid_client" if status == 401 else "invalid_request")
