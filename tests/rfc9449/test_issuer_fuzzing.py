"""P27: whatever is sent as a proof, to whichever endpoint, there is no fault and no token."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from issuer.browser import pushed
from issuer.browser.userinfo import tell
from issuer.errors import InvalidDPoPProof
from issuer.protocol.request import TokenRequest
from keys import AccessRefused
from keys.encoding import from_base64url
from tests.asking import a_public_request, ask, told
from tests.browser.builders import a_form
from tests.builders import NOW, a_client, a_public_client, a_request, a_server, basic, showing
from tests.openid.builders import an_openid_server
from tests.rfc9449.proving import PAR_URL, USERINFO_URL, Prover, nonce_of, proving
from tests.rfc9449.test_issuer_userinfo import a_token

KEY = Prover()
GOOD = {
    "header": {"typ": "dpop+jwt", "alg": "ES256", "jwk": KEY.jwk},
    "claims": {"htm": "POST", "htu": "https://issuer.example/token", "iat": NOW, "jti": "1"},
}
SERVERS = {
    nonce: a_server(a_client(), a_public_client(), dpop_nonce=nonce)
    for nonce in ("none", "optional", "required")
}
OPENID = an_openid_server()
TOKEN = a_token(key=KEY, server=OPENID)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
NUMBERS = st.sampled_from([KEY.jwk["x"], KEY.jwk["y"], "", "AA", "A" * 43, "é", "=", " "]) | JSON
JWK = st.fixed_dictionaries(
    {},
    optional={
        "kty": st.sampled_from(["EC", "RSA", "OKP", "oct"]) | JSON,
        "crv": st.sampled_from(["P-256", "P-384", "Ed25519", "X25519"]) | JSON,
        "x": NUMBERS, "y": NUMBERS, "n": NUMBERS, "e": st.sampled_from(["AQAB", "AQ"]) | JSON,
        "d": NUMBERS, "k": NUMBERS, "use": JSON, "key_ops": JSON, "alg": JSON, "kid": JSON,
    },
)  # fmt: skip
HEADER = st.fixed_dictionaries(
    {},
    optional={
        "typ": st.sampled_from(["dpop+jwt", "DPOP+JWT", "application/dpop+jwt", "JWT"]) | JSON,
        "alg": st.sampled_from(["ES256", "RS256", "EdDSA", "HS256", "none"]) | JSON,
        "jwk": JWK | JSON,
        "crit": JSON, "kid": JSON, "jku": JSON, "x5u": JSON, "b64": JSON, "zip": JSON,
    },
)  # fmt: skip
TIMES = st.integers(NOW - 200, NOW + 200)
CLAIMS = st.fixed_dictionaries(
    {},
    optional={
        "htm": st.sampled_from(["POST", "GET", "post"]) | JSON,
        "htu": st.sampled_from(
            ["https://issuer.example/token", "https://issuer.example//token", "HTTPS://[", "%"]
        ) | JSON,
        "iat": TIMES | st.floats(NOW - 1, NOW + 1) | JSON,
        "jti": st.text(max_size=300) | JSON,
        "nonce": JSON, "ath": JSON, "exp": JSON, "nbf": JSON,
    },
)  # fmt: skip
TEXTS = st.text(max_size=200) | st.binary(max_size=200).map(lambda each: each.decode("latin-1"))


def signed(header: dict[str, Any], claims: dict[str, Any]) -> str:
    return KEY.sign(GOOD["header"] | header, json.dumps(GOOD["claims"] | claims).encode())


PROOFS = (
    st.builds(signed, HEADER, CLAIMS)
    | st.builds(signed, st.just({}), CLAIMS)
    | st.builds(signed, HEADER, st.just({}))
    | st.binary(max_size=200).map(lambda payload: KEY.sign(GOOD["header"], payload))
    | TEXTS
)


@given(proofs=st.lists(PROOFS, min_size=1, max_size=2), nonce=st.sampled_from([*SERVERS]))
@example(proofs=[signed({}, {"jti": "\ud800"})], nonce="none")
@example(proofs=[signed({}, {"iat": 10**400})], nonce="none")
def test_a_token_is_given_for_a_good_proof_alone(proofs, nonce):
    """Any other gets 400 and one of two codes, and a good one beside it is good as ever."""
    server = SERVERS[nonce]
    answer = ask(server, proving(a_request(), *proofs))
    if answer.status == 200:
        (proof,) = proofs
        assert answer.body["token_type"] == "DPoP"
        claims = json.loads(_payload(proof))
        assert (claims["htm"], type(claims["iat"])) == ("POST", int)
        assert abs(claims["iat"] - NOW) <= 60
        assert claims["htu"].lower() == "https://issuer.example/token"
        assert nonce != "required"
    else:
        assert answer.status == 400
        assert answer.error in ("invalid_dpop_proof", "use_dpop_nonce")
        assert "access_token" not in answer.body
    said = str(answer.body.get("error_description", ""))
    assert said.isascii() and '"' not in said and "\\" not in said  # noqa: PT018
    good = KEY.proof(nonce=nonce_of(server) if nonce != "none" else None)
    assert ask(server, proving(a_request(), good)).status == 200


@given(proof=PROOFS)
def test_a_public_client_hears_the_same_of_a_code_whatever_its_proof_is(proof):
    """P24: a bad proof is told before anything is told of the code."""
    request = a_public_request("authorization_code", code="x")
    answer = ask(SERVERS["none"], proving(request, proof))
    other = ask(SERVERS["none"], proving(request, KEY.proof()))
    assert answer.error == "invalid_dpop_proof" or told(answer) == told(other)


@given(proofs=st.lists(PROOFS, min_size=1, max_size=2))
def test_a_push_is_never_bound_to_a_key_that_was_not_proved(proofs):
    headers = {"authorization": basic("web")}
    request = TokenRequest(form=a_form(), headers=headers, received_at=NOW)
    with pytest.raises(InvalidDPoPProof):  # htu is never /par
        pushed.push(SERVERS["none"], proving(request, *proofs, url=PAR_URL))


@given(proofs=st.lists(PROOFS, max_size=2), scheme=st.sampled_from(["DPoP", "Bearer", "dpop", "x"]))
def test_userinfo_tells_nobody_anything_without_a_proof_of_the_token(proofs, scheme):
    request = proving(showing(f"{scheme} {TOKEN}"), *proofs, url=USERINFO_URL)
    with pytest.raises(AccessRefused) as refused:
        tell(OPENID, request)
    assert refused.value.status == 401


def _payload(proof: str) -> bytes:
    return from_base64url(proof.split(".")[1])
