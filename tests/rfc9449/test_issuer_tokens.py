"""RFC 9449 sections 4 to 6 at the token endpoint: which tokens are bound, and by which proofs."""

import pytest

from tests.asking import a_public_request, ask, claims_of
from tests.builders import (
    API,
    ISSUER,
    MAC_API,
    NOW,
    PASSWORD,
    VERIFIER,
    a_client,
    a_code,
    a_public_client,
    a_request,
    a_server,
)
from tests.rfc9449.proving import MAKERS, Prover, asked_by, proving

KEY, OTHER = Prover(), Prover()
PHONE = a_public_client("spa", grant_types=("authorization_code", "refresh_token", "password"))
SERVER = a_server(a_client(), PHONE)
BOUND = a_server(a_client(dpop_bound_access_tokens=True))
USER = {"username": "alice", "password": PASSWORD}


@pytest.mark.parametrize("alg", MAKERS)
def test_a_token_is_bound_to_the_key_of_the_proof(alg):
    """Sections 5 and 6.1."""
    key = Prover.by(alg)
    answer = ask(SERVER, asked_by(key))
    assert answer.body["token_type"] == "DPoP"
    assert claims_of(SERVER, answer)["cnf"] == {"jkt": key.jkt}


@pytest.mark.parametrize("public", [False, True])
@pytest.mark.parametrize("grant_type", ["client_credentials", "password", "authorization_code"])
def test_each_grant_can_be_bound_and_need_not(grant_type, public):
    if public and grant_type == "client_credentials":
        pytest.skip("a public client cannot act for itself")
    more = {
        "client_credentials": {},
        "password": USER,
        "authorization_code": {
            "code": a_code(SERVER, client_id="spa" if public else "web"),
            "code_verifier": VERIFIER,
        },
    }[grant_type]
    bound = ask(SERVER, asked_by(KEY, grant_type, public=public, **more))
    assert bound.body["token_type"] == "DPoP"
    assert claims_of(SERVER, bound)["cnf"] == {"jkt": KEY.jkt}
    make = a_public_request if public else a_request
    borne = ask(SERVER, make(grant_type, **more))
    assert borne.body["token_type"] == "Bearer"
    assert "cnf" not in claims_of(SERVER, borne)


def test_a_client_that_registered_it_gets_no_token_without_a_proof():
    """Section 5.2."""
    refused = ask(BOUND, a_request())
    assert refused.error == "invalid_dpop_proof"
    assert "dpop_bound_access_tokens" in str(refused.body["error_description"])
    assert ask(BOUND, asked_by(KEY)).body["token_type"] == "DPoP"


@pytest.mark.parametrize(
    ("proofs", "word"),
    [
        ((KEY.proof(), KEY.proof()), "one"),
        ((KEY.proof(), ""), "one"),
        (("",), "compact"),
        (("x",), "compact"),
        ((KEY.proof(method="GET"),), "htm"),
        ((KEY.proof(method="post"),), "htm"),
        ((KEY.proof("https://other.example/token"),), "htu"),
        ((KEY.proof(f"{ISSUER}/par"),), "htu"),
        ((KEY.proof(f"{ISSUER}/token/"),), "htu"),
        ((KEY.proof("http://issuer.example/token"),), "htu"),
        ((KEY.proof(now=NOW - 61),), "iat"),
        ((KEY.proof(now=NOW + 61),), "iat"),
        ((KEY.proof(iat=float(NOW)),), "iat"),
        ((KEY.proof(iat=str(NOW)),), "iat"),
        ((KEY.proof(jti=None),), "jti"),
        ((KEY.proof(jti="j" * 1000),), "jti"),
        ((KEY.proof(jti=["j"]),), "text"),
        ((KEY.proof(htm=None),), "htm"),
        ((KEY.proof(htu=None),), "htu"),
        ((KEY.proof(header={"typ": "JWT"}),), "typ"),
        ((KEY.proof(header={"typ": "at+jwt"}),), "typ"),
        ((KEY.proof(header={"alg": "none"}),), "alg"),
        ((KEY.proof(header={"alg": "HS256"}),), "alg"),
        ((KEY.proof(header={"jwk": None}),), "jwk"),
        ((KEY.proof(header={"jwk": OTHER.jwk}),), "signature"),
        ((KEY.proof(header={"jwk": dict(KEY.key.as_dict(private=True))}),), "public"),
        ((KEY.proof(header={"crit": ["exp"]}),), "crit"),
        ((KEY.proof()[:-4] + "AAAA",), "signature"),
        ((KEY.proof() + "=",), "compact"),
        ((KEY.proof(jti="j" * 1_000_000),), "length"),
    ],
)  # fmt: skip
def test_a_proof_that_is_not_of_this_request_gets_no_token(proofs, word):
    """P27, J1 to J12, J20, J23, J29. The answer says what is wrong, and quotes nothing."""
    refused = ask(SERVER, proving(a_request(), *proofs))
    assert (refused.status, refused.error) == (400, "invalid_dpop_proof")
    assert word in str(refused.body["error_description"])
    assert ask(SERVER, asked_by(KEY)).status == 200


@pytest.mark.parametrize(
    "url", [f"{ISSUER}/token?x=1", f"{ISSUER}/token#f", "HTTPS://Issuer.Example:443/%74oken"]
)
def test_other_spellings_of_the_url_are_the_same_url(url):
    """Section 4.3: RFC 3986 section 6.2.2 and 6.2.3."""
    assert ask(SERVER, proving(a_request(), KEY.proof(url))).status == 200


def test_a_proof_comes_after_who_the_client_is():
    """P24: who is not the client hears nothing of what is registered."""
    wrong = proving(a_request(authorization="Basic d2ViOndyb25n"), "x")
    assert ask(BOUND, wrong).error == "invalid_client"
    assert ask(BOUND, proving(a_request(), "x")).error == "invalid_dpop_proof"


def test_a_token_of_type_mac_is_bound_to_its_own_key():
    server = a_server(a_client(resources=(API, MAC_API)))
    refused = ask(server, asked_by(KEY, resource=MAC_API))
    assert refused.error == "invalid_target"
    assert "of type mac" in str(refused.body["error_description"])
    assert ask(server, a_request(resource=MAC_API)).body["token_type"] == "mac"
    assert ask(server, asked_by(KEY, resource=API)).body["token_type"] == "DPoP"
