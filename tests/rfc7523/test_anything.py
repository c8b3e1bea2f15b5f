"""Anything at all as an assertion: never an exception of another kind, and never a token."""

import json

from hypothesis import given
from hypothesis import strategies as st

from issuer.errors import AccessTokenException, InvalidClient, InvalidRequest
from issuer.protocol.form import Form
from issuer.protocol.published_keys import needed
from issuer.token import TokenGenerator
from keys.encoding import to_base64url
from tests.builders import ISSUER, NOW, a_client, a_public_client, a_server
from tests.rfc7523.builders import a_signed_request, a_signing_client, an_assertion, claims
from tests.rfc7523.keys import KID, PRIVATE, sign, sign_text

PUBLISHED = a_signing_client("publisher", jwks=None, jwks_uri="https://app.example/jwks.json")
SERVER = a_server(a_signing_client(), a_client(), a_public_client(), PUBLISHED)

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
ODD = st.sampled_from(
    ["", " ", "signer", "web", "nobody", ISSUER, f"{ISSUER}/token", "\0", "none", KID, NOW,
     NOW + 61, NOW - 61, 10**18, -1, 1e308, True, None, [], {}, ["signer"]]
)  # fmt: skip
VALUES = ANY_JSON | ODD
CLAIMS = st.dictionaries(
    st.sampled_from(["iss", "sub", "aud", "exp", "iat", "nbf", "jti", "client_id"]), VALUES,
    min_size=1,
)  # fmt: skip
HEADERS = st.dictionaries(
    st.sampled_from(["alg", "kid", "typ", "crit", "jwk", "jku", "x5c", "b64", "zip"]), VALUES,
    min_size=1,
)  # fmt: skip
GOOD_CLAIMS = {"iss": "signer", "sub": "signer", "aud": ISSUER}


def asked(text: str, **others: str) -> AccessTokenException | str:
    """The client that a token would be for, or the refusal. Anything else is raised."""
    request = a_signed_request(text, **others)
    needed(SERVER.registry, request.form)
    try:
        return TokenGenerator().validate(SERVER, request).client.client_id
    except (InvalidClient, InvalidRequest) as refused:
        return refused


def is_good(said: object) -> bool:
    """Whether the claims that were signed are those of an assertion, judged here once more."""
    if not isinstance(said, dict) or not all(said.get(k) == v for k, v in GOOD_CLAIMS.items()):
        return False

    def is_time(value: object) -> bool:
        return type(value) in (int, float) and 0 <= value <= 253_402_300_799  # type: ignore[operator]

    if not is_time(said.get("exp")) or not NOW - 60 < int(said["exp"]) <= NOW + 360:
        return False
    for name in ("iat", "nbf"):
        if name in said and not (is_time(said[name]) and int(said[name]) <= NOW + 60):
            return False
        if name in said and int(said["exp"]) - int(said[name]) > (300 if name == "iat" else 360):
            return False
    return isinstance(said.get("jti"), str) and 0 < len(said["jti"]) <= 256


@given(changes=CLAIMS, alg=st.sampled_from(list(PRIVATE)))
def test_whatever_is_claimed_a_token_is_for_a_good_assertion_alone(changes, alg):
    said = claims() | changes
    try:
        text = sign_text(
            json.dumps({"alg": alg, "kid": KID}).encode(),
            json.dumps(said, allow_nan=False).encode(),
            alg=alg,
        )
    except (ValueError, UnicodeEncodeError):
        return
    assert (asked(text) == "signer") is is_good(json.loads(json.dumps(said)))


@given(header=HEADERS, alg=st.sampled_from(list(PRIVATE)))
def test_whatever_its_header_says_nobody_else_is_let_in(header, alg):
    given_header = {"alg": alg, "kid": KID, "typ": "client-authentication+jwt"} | header
    try:
        written = json.dumps(given_header, allow_nan=False).encode()
    except ValueError:
        return
    good = asked(sign_text(written, json.dumps(claims()).encode(), alg=alg)) == "signer"
    harmless = (
        given_header["alg"] == alg
        and (given_header["kid"] is None or given_header["kid"] == KID)
        and "crit" not in header
    )
    assert not good or harmless


@given(st.binary(max_size=200), st.binary(max_size=200), st.binary(max_size=80))
def test_bytes_of_any_kind_are_refused(header, payload, signature):
    assert isinstance(asked(".".join(map(to_base64url, (header, payload, signature)))), Exception)


@given(st.text(max_size=300))
def test_text_of_any_kind_is_refused(text):
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    assert isinstance(asked(text), Exception) or not text


@given(
    at=st.integers(min_value=0, max_value=10_000),
    bit=st.integers(min_value=0, max_value=6),
    cut=st.booleans(),
)
def test_no_byte_of_a_good_one_can_be_changed(at, bit, cut):
    text = an_assertion()
    at %= len(text)
    changed = chr(ord(text[at]) ^ (1 << bit)) if not cut else ""
    spoilt = text[:at] + changed + text[at + 1 :]
    assert isinstance(asked(spoilt), Exception) or spoilt == text


BESIDE = st.sampled_from(["client_id", "client_secret", "client_assertion_type"])


@given(BESIDE, st.text(max_size=40))
def test_whatever_stands_beside_it_nobody_else_is_let_in(name, value):
    try:
        value.encode()
    except UnicodeEncodeError:
        return
    answer = asked(an_assertion(), **{name: value})
    assert answer == "signer" or isinstance(answer, Exception)


@given(said=ANY_JSON)
def test_a_payload_of_any_json_is_refused(said):
    try:
        text = sign(said)
    except ValueError:
        return
    assert isinstance(asked(text), Exception)


@given(body=st.dictionaries(
    st.sampled_from(["client_id", "client_assertion", "request"]),
    st.sampled_from(["publisher", "", "x", "a.b.c"]),
))  # fmt: skip
def test_no_form_makes_looking_for_keys_fail(body):
    form = Form({name: (value,) if value else () for name, value in body.items()})
    assert needed(SERVER.registry, form) is None
