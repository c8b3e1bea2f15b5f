"""Anything at all as a request object: refused in words, and nobody is sent astray (B1, B2)."""

import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from issuer.browser import interaction
from issuer.browser.answering import Answered
from issuer.browser.authorize import validate
from issuer.errors import AccessTokenException
from keys.encoding import to_json
from tests.browser.builders import parameters
from tests.builders import API, CALLBACK, ISSUER, NOW, a_client, a_server
from tests.rfc7523.keys import KID, OTHERS, PRIVATE, a_jwks, a_public_jwk, sign_text
from tests.rfc9101.builders import TYP, a_request_object, a_signing_client, carrying, said

SERVER = a_server(
    a_signing_client(jwks=a_jwks(*(a_public_jwk(each) for each in PRIVATE))), a_client("other")
)
EVIL = "https://evil.example/"

TEXTS = st.text(max_size=12) | st.sampled_from(
    ["", "web", "other", ISSUER, API, CALLBACK, CALLBACK + "@evil", EVIL, "code", "token", "jwt",
     "form_post.jwt", "query", "none", "login", "read", "openid read", "S256", "\0", "\r\nA: b"]
)  # fmt: skip
INSTANTS = st.integers(NOW - 4000, NOW + 4000)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | INSTANTS | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from([*said(), "prompt", "max_age", "nonce", "resource", "response_mode", "sub",
                         "request", "request_uri", "registration", "claims", "id_token_hint",
                         "dpop_jkt", "ui_locales"]) | TEXTS  # fmt: skip
BESIDE = st.dictionaries(
    st.sampled_from(["redirect_uri", "scope", "state", "response_mode", "response_type", "prompt"]),
    TEXTS.filter(bool),
    max_size=3,
)


def outcome(text: str, beside: dict[str, str]) -> Any:
    """What is received, or how it is refused."""
    try:
        return interaction.receive(SERVER, carrying(text, **beside), NOW)
    except (AccessTokenException, Answered) as refused:
        return refused


def judged(text: str, beside: dict[str, str]) -> None:
    """Whatever it is, it becomes a request of its client, or a no at a place of its client's."""
    found = outcome(text, beside)
    if isinstance(found, AccessTokenException):
        assert found.status == 400
    elif isinstance(found, Answered):
        assert found.response.redirect_uri == CALLBACK
        told = parameters(found.response)
        assert "response" in told or told["iss"] == ISSUER
    else:
        held, once = found
        assert held.request.client_id == "web"
        assert validate(SERVER, held.request).redirect_uri == CALLBACK
        assert all(each.expires_at <= NOW + 3600 + 120 for each in once)
        assert interaction.seal(SERVER, held, NOW)


@given(
    claims=st.dictionaries(NAMES, JSON, max_size=4),
    left_out=st.sets(NAMES, max_size=2),
    header=st.dictionaries(st.sampled_from(["typ", "kid", "alg", "crit", "jwk"]), JSON, max_size=2),
    key=st.sampled_from([PRIVATE["ES256"], PRIVATE["ES256"], OTHERS["ES256"]]),
    beside=BESIDE,
)
@example(claims={}, left_out=set(), header={}, key=PRIVATE["ES256"], beside={})
@example({"redirect_uri": EVIL}, set(), {}, PRIVATE["ES256"], {"redirect_uri": CALLBACK})
@example({"redirect_uri": CALLBACK}, set(), {}, OTHERS["ES256"], {"redirect_uri": EVIL})
def test_whatever_is_signed(claims, left_out, header, key, beside):
    whole = {name: each for name, each in (said() | claims).items() if name not in left_out}
    given_header = json.dumps({"alg": "ES256", "kid": KID, "typ": TYP, **header})
    text = sign_text(given_header.encode(), json.dumps(whole).encode(), key=key)
    judged(text, beside)


@given(header=st.binary(max_size=40), payload=st.binary(max_size=40), beside=BESIDE)
def test_whatever_bytes_are_signed(header, payload, beside):
    judged(sign_text(header, to_json(said()), key=PRIVATE["ES256"]), beside)
    judged(sign_text(to_json({"alg": "ES256", "kid": KID}), payload), beside)


@given(text=st.text(max_size=60), at=st.integers(0, 700), beside=BESIDE)
def test_whatever_it_is_spelt_as(text, at, beside):
    judged(text or ".", beside)
    good = a_request_object()
    judged(good[:at] + text + good[at + len(text) :], beside)


def test_and_a_good_one_is_taken():
    assert interaction.receive(SERVER, carrying(a_request_object()), NOW)
