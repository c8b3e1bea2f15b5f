"""Whatever is sent as a proof: it is refused by our exception, or it is a proof of this request."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys import AccessRefused, DPoP, Nonces, Verifier
from keys.dpop import InvalidProof, token_hash
from keys.encoding import to_base64url
from keys.target_uri import normalize, without_query
from tests.keys.builders import AUDIENCE, ISSUER, NOW, a_jwks, a_token
from tests.keys.builders import KEY as ISSUER_KEY
from tests.rfc9449.gateways import by_asgi, by_wsgi
from tests.rfc9449.proofs import (
    KEY,
    METHOD,
    TOKEN,
    URL,
    a_proof,
    read,
    signed,
    some_claims,
    some_header,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
SCALARS = JSON | st.sampled_from(["dpop+jwt", "ES256", METHOD, URL, NOW, token_hash(TOKEN)])
HEADER_NAMES = st.sampled_from(["typ", "alg", "jwk", "kid", "crit", "b64", "x5c", "jku"])
CLAIM_NAMES = st.sampled_from(["jti", "htm", "htu", "iat", "ath", "nonce", "exp", "nbf"])
JWK_NAMES = st.sampled_from(["kty", "crv", "x", "y", "n", "e", "d", "use", "key_ops", "alg"])

BOUND = a_token(cnf={"jkt": KEY.jkt})
VERIFIER = Verifier(
    ISSUER, AUDIENCE, a_jwks(ISSUER_KEY), dpop=DPoP(nonces=Nonces(b"s" * 32), require_nonce=False)
)


def judged(text: str) -> bool:
    """Whether it was accepted; anything but our exception ends the test."""
    try:
        proof = read(text)
    except InvalidProof:
        return False
    assert proof.jkt == KEY.jkt
    assert proof.ath == token_hash(TOKEN)
    assert 0 < len(proof.jti) <= 256
    return True


@given(st.text() | st.from_regex(r"[A-Za-z0-9_.=-]*", fullmatch=True))
def test_text(text):
    assert not judged(text)
    assert judged(a_proof())


@given(st.binary(), st.binary())
def test_parts(header, payload):
    assert not judged(signed(header, payload))
    assert not judged(signed(some_header(), payload))
    assert not judged(signed(header, some_claims()))


@given(st.dictionaries(HEADER_NAMES, SCALARS, min_size=1))
def test_headers(changes):
    changed = json.dumps({**some_header(), **changes}).encode()
    if judged(signed(changed, some_claims())):
        assert not changes.keys() & {"crit"}
        assert str(changes.get("typ", "dpop+jwt")).lower() == "dpop+jwt"
        assert changes.get("alg", "ES256") == "ES256"
        assert "jwk" not in changes


@given(st.dictionaries(JWK_NAMES, SCALARS, min_size=1))
def test_keys(changes):
    judged(signed({**some_header(), "jwk": {**KEY.public_jwk, **changes}}, some_claims()))


@given(st.dictionaries(CLAIM_NAMES, SCALARS, min_size=1))
def test_claims(changes):
    changed = json.dumps({**some_claims(), **changes}).encode()
    if judged(signed(some_header(), changed)):
        assert changes.get("htm", METHOD) == METHOD
        assert changes.get("htu", URL) == URL
        assert changes.get("ath", token_hash(TOKEN)) == token_hash(TOKEN)


@given(st.integers() | st.integers(NOW - 100, NOW + 100) | st.floats())
def test_times(iat):
    assert judged(a_proof(iat=iat)) == (type(iat) is int and NOW - 60 <= iat <= NOW + 60)


@given(st.data())
def test_a_proof_of_which_a_character_was_changed(data):
    proof = a_proof()
    index = data.draw(st.integers(0, len(proof) - 1))
    other = data.draw(st.characters(codec="utf-8") | st.sampled_from("AB_-.="))
    changed = proof[:index] + other + proof[index + 1 :]
    assert judged(changed) == (changed == proof)


@given(st.text(), st.text())
def test_urls(htu, url):
    for each in (htu, f"https://{htu}", f"https://api.example/{htu}"):
        normalized = normalize(without_query(each))
        if normalized is not None:
            assert normalize(normalized) == normalized
        if each != URL:
            with suppress(InvalidProof):
                read(a_proof(htu=each), url=url)


@given(
    st.sampled_from([BOUND, a_token(), "x"]),
    st.sampled_from(["DPoP ", "Bearer ", "dpop ", "", "MAC "]),
    st.none() | st.text() | st.lists(st.text() | st.just(a_proof()), max_size=3),
    st.text(),
)
def test_requests(token, scheme, dpop, url):
    """Never an access token that is bound to a key without a proof by it."""
    with suppress(AccessRefused):
        found = VERIFIER.verify_request(
            authorization=scheme + token, dpop=dpop, method=METHOD, url=url, now=NOW
        )
        assert (scheme.lower(), token) == ("bearer ", a_token()) or found.confirmation is None
    good = VERIFIER.verify_request(
        authorization=f"DPoP {BOUND}",
        dpop=a_proof(ath=token_hash(BOUND)),
        method=METHOD,
        url=URL,
        now=NOW,
    )
    assert good.confirmation.thumbprint == KEY.jkt


FIELD = st.text(st.characters(codec="latin-1"))
OPTIONS = {
    "bearer": Verifier(
        ISSUER, AUDIENCE, a_jwks(ISSUER_KEY), dpop=DPoP(nonces=Nonces(b"s" * 32)), clock=lambda: NOW
    )
}


@pytest.mark.parametrize("ask", [by_asgi, by_wsgi])
@given(
    fields=st.lists(st.tuples(st.sampled_from(["DPoP", "Host"]), FIELD | st.just(a_proof()))),
    authorization=st.sampled_from([f"DPoP {BOUND}", f"Bearer {BOUND}"]) | FIELD,
    path=st.text(st.characters(codec="latin-1"), min_size=1),
    method=st.sampled_from([METHOD, "POST", "x", ""]),
)
def test_answers(ask, fields, authorization, path, method):
    """Never a 5xx, never the application's."""
    request = {"path": path, "raw_path": path, "method": method}
    status, told = ask([*fields, ("Authorization", authorization)], request, OPTIONS)
    assert status == 401
    assert all("\n" not in value and value.isascii() for _, value in told)


def test_the_header_may_be_in_any_order_and_have_blanks():
    header = json.dumps(dict(reversed(some_header().items())), indent=3).encode()
    assert judged(signed(header, some_claims()))
    assert to_base64url(header) in signed(header, some_claims())
