"""RFC 9449 section 7 at /userinfo, and what /introspect says of tokens that are bound."""

import asyncio

import pytest
from msgspec.structs import replace

from issuer.browser.userinfo import challenged, tell
from issuer.errors import InvalidDPoPProof as Refused
from issuer.protocol.replay import spend
from issuer.stores.sqlite import SQLiteStore
from keys.errors import Challenged
from tests.asking import ask
from tests.builders import NOW, VERIFIER, a_client, a_request, showing
from tests.openid.builders import EVERYTHING, a_code_with, a_relying_party, an_openid_server
from tests.rfc7662.test_introspection import SERVER as INTROSPECTING
from tests.rfc7662.test_introspection import told as introspected
from tests.rfc9449.proving import USERINFO_URL, Prover, nonce_of, proving

KEY, OTHER = Prover(), Prover()
SERVER = an_openid_server()
STRICT = an_openid_server(dpop_nonce="required")


def a_token(*, key: Prover | None = KEY, server=SERVER, scope=EVERYTHING) -> str:
    code = a_code_with(server, scope=scope)
    request = a_request("authorization_code", code=code, code_verifier=VERIFIER)
    if key is not None:
        request = proving(request, key.proof(nonce=nonce_of(server)))
    answer = ask(server, request)
    assert answer.status == 200, answer.log
    return str(answer.access_token)


TOKEN, BORNE = a_token(), a_token(key=None)


def shown(token, *proofs, scheme="DPoP", method="GET", now=NOW):
    request = proving(showing(f"{scheme} {token}", now), *proofs, url=USERINFO_URL)
    return replace(request, method=method)


def a_proof(key=KEY, *, token=TOKEN, url=USERINFO_URL, method="GET", **more):
    return key.proof(url, method=method, access_token=token, **more)


def refusal(request, server=SERVER) -> Challenged:
    with pytest.raises(Challenged) as refused:
        tell(server, request)
    return challenged(server, request, refused.value)


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
@pytest.mark.parametrize("scheme", ["DPoP", "dpop", "DPOP"])
def test_a_bound_token_is_shown_with_a_proof(method, scheme):
    """Section 7.1, OpenID Connect Core section 5.3.1."""
    request = shown(TOKEN, a_proof(method=method), scheme=scheme, method=method)
    assert tell(SERVER, request).claims["email"] == "alice@example.com"


@pytest.mark.parametrize("proofs", [(), (a_proof(),)])
def test_a_bound_token_is_no_bearer_token(proofs):
    """Section 7.2: with a proof beside it or not. The challenge names the other scheme."""
    refused = refusal(shown(TOKEN, *proofs, scheme="Bearer"))
    assert (refused.status, refused.error) == (401, "invalid_token")
    bearer, dpop = refused.challenges
    assert bearer.startswith('Bearer error="invalid_token"')
    assert dpop.startswith("DPoP ")
    assert 'algs="ES256 RS256 PS256 EdDSA"' in dpop
    assert tell(SERVER, shown(TOKEN, a_proof()))


def test_a_bearer_token_is_none_that_is_bound():
    refused = refusal(shown(BORNE, a_proof(token=BORNE)))
    assert (refused.status, refused.error) == (401, "invalid_token")
    assert refused.challenges[0].startswith('DPoP error="invalid_token"')
    assert tell(SERVER, shown(BORNE, scheme="Bearer"))


@pytest.mark.parametrize(
    ("proofs", "why"),
    [
        ((), "one"),
        ((a_proof(), a_proof()), "one"),
        ((a_proof(OTHER),), "another key"),
        ((a_proof(token=BORNE),), "ath"),
        ((a_proof(ath=None),), "ath"),
        ((a_proof(ath=""),), "ath"),
        ((a_proof(ath=["x"]),), "ath"),
        ((a_proof(method="POST"),), "htm"),
        ((a_proof(url="https://issuer.example/token"),), "htu"),
        ((a_proof(now=NOW - 61),), "iat"),
        ((TOKEN,), "typ"),
    ],
)  # fmt: skip
def test_a_proof_of_something_else_is_refused(proofs, why):
    """P27, J11, J13: one of the token endpoint, of another token, by another key, a token."""
    refused = refusal(shown(TOKEN, *proofs))
    assert (refused.status, refused.error) == (401, "invalid_dpop_proof")
    assert why in refused.detail
    assert refused.challenges[0].startswith('DPoP error="invalid_dpop_proof"')
    assert "algs=" in refused.challenges[0]
    assert tell(SERVER, shown(TOKEN, a_proof()))


def test_a_nonce_is_asked_for_where_it_is_required():
    """Section 9."""
    token = a_token(server=STRICT)
    refused = refusal(shown(token, a_proof(token=token)), STRICT)
    assert (refused.status, refused.error) == (401, "use_dpop_nonce")
    assert tell(STRICT, shown(token, a_proof(token=token, nonce=nonce_of(STRICT))))


def test_without_a_token_both_schemes_are_named_and_no_error():
    refused = refusal(showing(None))
    assert [each.partition(" ")[0] for each in refused.challenges] == ["Bearer", "DPoP"]
    assert "error=" not in refused.headers["WWW-Authenticate"]


def test_insufficient_scope_is_said_by_the_scheme_that_was_shown():
    token = a_token(scope="read")
    refused = refusal(shown(token, a_proof(token=token)))
    assert (refused.status, refused.error) == (403, "insufficient_scope")
    assert refused.challenges[0].startswith("DPoP ")


def test_a_proof_is_good_once_where_a_store_remembers(tmp_path):
    """Section 11.1."""
    store, proof = SQLiteStore(tmp_path / "replay.db"), a_proof()

    async def twice():
        assert await store.fault(NOW - 100) == ""
        assert await spend(store, tell(SERVER, shown(TOKEN, proof)).use, NOW)
        assert await spend(store, tell(SERVER, shown(TOKEN, a_proof())).use, NOW)
        with pytest.raises(Refused, match="used before"):
            await spend(store, tell(SERVER, shown(TOKEN, proof, now=NOW + 6)).use, NOW + 6)

    asyncio.run(twice())
    store.close()


def test_a_client_that_must_prove_still_asks_with_tokens_of_before():
    """What was issued as a bearer token stays one: it is in the token, not in the registry."""
    later = an_openid_server(a_relying_party(dpop_bound_access_tokens=True))
    assert tell(later, shown(BORNE, scheme="Bearer"))


def test_introspection_says_what_a_token_is_bound_to():
    """Section 6.2."""
    bound = ask(INTROSPECTING, proving(a_request(), KEY.proof()))
    said = introspected(bound)
    assert (said["token_type"], said["cnf"]) == ("DPoP", {"jkt": KEY.jkt})
    borne = introspected(ask(INTROSPECTING, a_request()))
    assert borne["token_type"] == "Bearer"
    assert "cnf" not in borne


def test_no_registration_binds_a_token():
    with pytest.raises(ValueError, match="cnf"):
        a_client(claims={"cnf": {"jkt": KEY.jkt}})
