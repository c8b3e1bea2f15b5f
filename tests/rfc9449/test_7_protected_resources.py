"""RFC 9449 sections 7 to 9 and 11.1: what a resource server accepts, and what it answers."""

import asyncio

import pytest

from keys import (
    AccessRefused,
    DPoP,
    InsufficientScope,
    InvalidDPoPProof,
    InvalidToken,
    Nonces,
    ReplaysUnavailable,
    UseDPoPNonce,
    Verifier,
)
from keys.dpop import LEEWAY, MAX_AGE, token_hash
from keys.dpop_nonce import LIFETIME
from keys.replays import MemoryReplays, SQLiteReplays
from tests.keys.builders import AUDIENCE, ISSUER, NOW, a_jwks, a_token
from tests.keys.builders import KEY as ISSUER_KEY
from tests.rfc9449.proofs import KEY, OTHER_KEY, URL, a_proof

BOUND = a_token(cnf={"jkt": KEY.jkt})
ANOTHER = a_token(cnf={"jkt": KEY.jkt}, jti="t2")
BEARER = a_token()
ALGS = "ES256 RS256 PS256 EdDSA Ed25519"
NONCES = Nonces(b"s" * 32)
WRONG_PROOF = "A valid DPoP proof of this request and its access token is needed."
WRONG_TOKEN = "The access token is not valid here, or has expired."
BEARER_CHALLENGE = f'Bearer realm="{AUDIENCE}"'
DPOP_CHALLENGE = f'DPoP realm="{AUDIENCE}", algs="{ALGS}"'


def a_verifier(**options) -> Verifier:
    return Verifier(ISSUER, AUDIENCE, a_jwks(ISSUER_KEY), dpop=DPoP(**options))


def a_proof_of(token: str = BOUND, key=KEY, **claims) -> str:
    return a_proof(key, ath=token_hash(token), **claims)


def ask(verifier: Verifier, scheme: str = "DPoP", token: str = BOUND, **changes):
    """The request of the holder. Where nothing remembers it, an event loop says the same."""
    usual = {"dpop": a_proof_of(token), "method": "GET", "url": URL, "now": NOW}
    asked = {"authorization": f"{scheme} {token}", **usual, **changes}
    found, error = _outcome(lambda: verifier.verify_request(**asked))
    if verifier._dpop is None or verifier._dpop.replays is None:
        again, other = _outcome(lambda: asyncio.run(verifier.verify_request_async(**asked)))
        assert (again, type(other)) == (found, type(error))
        assert error is None or other.headers == error.headers
    if error is not None:
        raise error
    return found


def _outcome(ask):
    try:
        return ask(), None
    except AccessRefused as refused:
        return None, refused


def refused(verifier: Verifier, kind: type[AccessRefused], *arguments, **changes) -> AccessRefused:
    with pytest.raises(kind) as raised:
        ask(verifier, *arguments, **changes)
    assert ask(a_verifier()).subject == "alice"
    return raised.value


def test_a_bound_token_is_accepted_with_a_proof_of_its_key():
    found = ask(a_verifier())
    assert (found.scheme, found.subject) == ("DPoP", "alice")
    assert (found.confirmation.method, found.confirmation.thumbprint) == ("jkt", KEY.jkt)
    assert found.answer_headers == {}
    assert ask(a_verifier(), "dPoP") == found


def test_a_bearer_token_is_accepted_beside_it_until_proofs_are_required():
    assert ask(a_verifier(), "Bearer", BEARER, dpop=None).scheme == "Bearer"
    error = refused(a_verifier(required=True), InvalidToken, "Bearer", BEARER)
    assert error.headers == {"WWW-Authenticate": DPOP_CHALLENGE}
    with pytest.raises(InvalidToken):
        a_verifier(required=True).verify(BEARER, now=NOW)
    assert ask(a_verifier(required=True)).subject == "alice"


@pytest.mark.parametrize("dpop", [None, a_proof_of()])
def test_a_bound_token_is_no_bearer_token_even_beside_a_proof(dpop):
    """Section 7.2: the downgrade."""
    error = refused(a_verifier(), InvalidToken, "Bearer", dpop=dpop)
    said = f'Bearer error="invalid_token", error_description="{WRONG_TOKEN}"'
    assert error.challenges == (said, DPOP_CHALLENGE)
    assert error.headers == {"WWW-Authenticate": f"{said}, {DPOP_CHALLENGE}"}
    verifier = a_verifier()
    for refuse in (
        verifier.verify,
        lambda token, now: verifier.verify_header(f"Bearer {token}", now=now),
    ):
        with pytest.raises(InvalidToken):
            refuse(BOUND, now=NOW)


def test_a_verifier_without_dpop_takes_no_bound_token():
    plain = Verifier(ISSUER, AUDIENCE, a_jwks(ISSUER_KEY))
    for scheme in ("Bearer", "DPoP"):
        with pytest.raises(InvalidToken) as raised:
            ask(plain, scheme)
        assert "DPoP" not in raised.value.challenge
    assert ask(plain, "Bearer", BEARER).subject == "alice"


def test_a_bearer_token_is_no_dpop_token():
    error = refused(a_verifier(), InvalidToken, token=BEARER)
    said = f'DPoP error="invalid_token", error_description="{WRONG_TOKEN}", algs="{ALGS}"'
    assert error.challenges == (said, BEARER_CHALLENGE)


@pytest.mark.parametrize(
    "cnf",
    [
        None, "x", [], {}, {"jkt": 1}, {"jkt": KEY.jkt[:-1]}, {"jkt": KEY.jkt + "="}, {"jkt": ""},
        {"jkt": None}, {"jkt": [KEY.jkt]}, {"jwk": dict(KEY.public_jwk)}, {"x": KEY.jkt},
        {"jkt": KEY.jkt, "jwk": {}}, {"jkt": KEY.jkt, "x": 1}, {"jwe": "a.b.c.d.e"}, [KEY.jkt],
    ],
    ids=repr,
)  # fmt: skip
@pytest.mark.parametrize("scheme", ["DPoP", "Bearer"])
def test_a_confirmation_that_is_not_understood_is_refused(cnf, scheme):
    """RFC 7800 section 3: it would be a token without its proof."""
    refused(a_verifier(), InvalidToken, scheme, a_token(cnf=cnf))


def test_a_request_without_credentials_is_told_each_scheme():
    """Section 7.2, RFC 9110 section 11.6.1."""
    for authorization in (None, "", "DPoP", "DPoP ", "Basic YTpi", BOUND):
        error = refused(a_verifier(), InvalidToken, authorization=authorization)
        assert error.status == 401
        assert error.challenges == (BEARER_CHALLENGE, DPOP_CHALLENGE)
    error = refused(
        a_verifier(required=True, algorithms=["ES256"]), InvalidToken, authorization=None
    )
    assert error.challenges == (f'DPoP realm="{AUDIENCE}", algs="ES256"',)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"dpop": None}, id="no proof"),
        pytest.param({"dpop": ""}, id="an empty one"),
        pytest.param({"dpop": []}, id="none in the list"),
        pytest.param({"dpop": [a_proof_of(), a_proof_of()]}, id="two"),
        pytest.param({"dpop": f"{a_proof_of()}, {a_proof_of()}"}, id="two, joined"),
        pytest.param({"dpop": a_proof_of(key=OTHER_KEY)}, id="of another key"),
        pytest.param({"dpop": a_proof_of(ANOTHER)}, id="another token"),
        pytest.param({"method": "POST"}, id="of another method"),
        pytest.param({"url": "https://api.example/other"}, id="of another path"),
        pytest.param({"url": "https://evil.example/invoices"}, id="of another host"),
        pytest.param({"url": ""}, id="of nowhere"),
        pytest.param({"now": NOW + MAX_AGE + 1}, id="too late"),
        pytest.param({"now": NOW - LEEWAY - 1}, id="too early"),
        pytest.param({"dpop": BOUND}, id="an access token"),
    ],
)
def test_a_proof_of_something_else_is_refused(changes):
    """Section 7.1."""
    if changes.get("now") == NOW - LEEWAY - 1:
        changes["authorization"] = f"DPoP {a_token(cnf={'jkt': KEY.jkt}, iat=NOW - 600)}"
    error = refused(a_verifier(), InvalidDPoPProof, **changes)
    said = f'DPoP error="invalid_dpop_proof", error_description="{WRONG_PROOF}", algs="{ALGS}"'
    assert (error.status, error.challenges) == (401, (said, BEARER_CHALLENGE))
    assert BOUND not in error.detail
    assert ask(a_verifier(), dpop=[a_proof_of()]).subject == "alice"


def test_a_token_that_is_not_valid_is_refused_whatever_its_proof():
    expired = a_token(cnf={"jkt": KEY.jkt}, iat=0, exp=NOW - 3600)
    assert refused(a_verifier(), InvalidToken, token=expired).error == "invalid_token"


def test_a_token_seen_before_needs_a_proof_each_time():
    verifier = a_verifier()
    assert ask(verifier)
    with pytest.raises(InvalidDPoPProof):
        ask(verifier, dpop=None)
    with pytest.raises(InvalidDPoPProof):
        ask(verifier, dpop=a_proof_of(key=OTHER_KEY))


def test_scope_is_asked_for_by_the_scheme_that_was_shown():
    with pytest.raises(InsufficientScope) as raised:
        ask(a_verifier()).require("admin")
    assert raised.value.challenge.startswith('DPoP error="insufficient_scope"')
    assert raised.value.challenge.endswith('scope="admin"')


def test_algorithms_are_those_of_the_server():
    verifier = a_verifier(algorithms=["PS256", "ES256"])
    assert ask(verifier).subject == "alice"
    only = a_verifier(algorithms=["PS256"])
    assert 'algs="PS256"' in refused(only, InvalidDPoPProof).challenge


# --- nonces: sections 8 and 9 ---


def test_a_proof_without_a_nonce_is_told_one_where_it_is_required():
    verifier = a_verifier(nonces=NONCES)
    error = refused(verifier, UseDPoPNonce)
    assert error.challenge.startswith('DPoP error="use_dpop_nonce"')
    assert f'algs="{ALGS}"' in error.challenge
    assert error.headers["DPoP-Nonce"] == NONCES.current(NOW)
    found = ask(verifier, dpop=a_proof_of(nonce=error.headers["DPoP-Nonce"]))
    assert found.answer_headers == {}


def test_a_proof_without_a_nonce_passes_where_it_is_optional_and_is_told_one():
    verifier = a_verifier(nonces=NONCES, require_nonce=False)
    assert ask(verifier).answer_headers == {"DPoP-Nonce": NONCES.current(NOW)}
    assert ask(verifier, dpop=a_proof_of(nonce=NONCES.current(NOW))).answer_headers == {}


@pytest.mark.parametrize("nonce", ["", "x", "é", Nonces(b"t" * 32).current(NOW), NONCES.current(0)])
@pytest.mark.parametrize("require_nonce", [True, False])
def test_a_nonce_that_is_foreign_or_stale_is_refused_either_way(nonce, require_nonce):
    """P27."""
    verifier = a_verifier(nonces=NONCES, require_nonce=require_nonce)
    error = refused(verifier, UseDPoPNonce, dpop=a_proof_of(nonce=nonce))
    assert error.headers["DPoP-Nonce"] == NONCES.current(NOW)
    assert ask(verifier, dpop=a_proof_of(nonce=NONCES.current(NOW)))


def test_a_good_answer_tells_the_next_nonce_once_a_window_began():
    """Section 8.2."""
    verifier = a_verifier(nonces=NONCES)
    begins = NOW - NOW % LIFETIME
    token = a_token(cnf={"jkt": KEY.jkt}, iat=begins - 60)
    proof = a_proof_of(token, nonce=NONCES.current(begins - 1), iat=begins)
    found = ask(verifier, token=token, dpop=proof, now=begins)
    assert found.answer_headers == {"DPoP-Nonce": NONCES.current(begins)}


def test_each_refusal_tells_a_nonce_where_there_are_nonces():
    verifier = a_verifier(nonces=NONCES)
    for changes in ({"authorization": None}, {"dpop": None}, {"scheme": "Bearer"}, {"token": "x"}):
        assert refused(verifier, AccessRefused, **changes).headers["DPoP-Nonce"]
    assert "DPoP-Nonce" not in refused(a_verifier(), AccessRefused, dpop=None).headers


def test_replicas_that_share_a_secret_accept_each_others_nonces():
    one, other = (a_verifier(nonces=Nonces(b"s" * 32)) for _ in range(2))
    nonce = refused(one, UseDPoPNonce).headers["DPoP-Nonce"]
    assert ask(other, dpop=a_proof_of(nonce=nonce)).subject == "alice"
    stranger = a_verifier(nonces=Nonces(b"t" * 32))
    refused(stranger, UseDPoPNonce, dpop=a_proof_of(nonce=nonce))


# --- replay: section 11.1 ---


@pytest.fixture(params=["memory", "file"])
def replays(request, tmp_path):
    if request.param == "memory":
        yield MemoryReplays()
        return
    store = SQLiteReplays(tmp_path / "replays.db", clock=lambda: NOW - 600)
    yield store
    store.close()


def test_without_a_memory_a_proof_is_good_again_for_this_request_within_its_time():
    verifier, proof = a_verifier(), a_proof_of()
    assert ask(verifier, dpop=proof) == ask(verifier, dpop=proof, now=NOW + MAX_AGE)


def test_with_one_it_is_good_once(replays):
    verifier, proof = a_verifier(replays=replays), a_proof_of(jti="once")
    assert ask(verifier, dpop=proof).subject == "alice"
    error = refused(verifier, InvalidDPoPProof, dpop=proof)
    assert (error.error, error.detail) == ("invalid_dpop_proof", "proof: sent before")
    later = NOW + MAX_AGE
    assert refused(verifier, InvalidDPoPProof, dpop=proof, now=later)
    assert ask(verifier, dpop=a_proof_of(jti="twice")).subject == "alice"


def test_one_that_was_refused_is_not_spent(replays):
    verifier = a_verifier(replays=replays, nonces=NONCES)
    refused(verifier, UseDPoPNonce, dpop=a_proof_of(jti="same"))
    proof = a_proof_of(jti="same", nonce=NONCES.current(NOW))
    refused(verifier, InvalidDPoPProof, dpop=proof, url="https://api.example/other")
    assert ask(verifier, dpop=proof).subject == "alice"
    refused(verifier, InvalidDPoPProof, dpop=proof)


def test_it_is_good_once_in_an_event_loop_too(replays):
    verifier = a_verifier(replays=replays)
    asked = {"authorization": f"DPoP {BOUND}", "dpop": a_proof_of(), "url": URL, "now": NOW}
    asked["method"] = "GET"

    async def twice():
        assert (await verifier.verify_request_async(**asked)).subject == "alice"
        with pytest.raises(InvalidDPoPProof):
            await verifier.verify_request_async(**asked)

    asyncio.run(twice())


def test_two_processes_that_share_a_file_accept_a_proof_once(tmp_path):
    stores = [SQLiteReplays(tmp_path / "replays.db", clock=lambda: NOW - 600) for _ in range(2)]
    one, other = (a_verifier(replays=store) for store in stores)
    proof = a_proof_of()
    assert ask(one, dpop=proof).subject == "alice"
    refused(other, InvalidDPoPProof, dpop=proof)
    for store in stores:
        store.close()


def test_a_memory_that_is_full_fails_closed_and_is_bounded():
    """P27: a flood of jti."""
    verifier = a_verifier(replays=MemoryReplays(max_entries=20, max_per_client=10))
    for number in range(10):
        ask(verifier, dpop=a_proof_of(jti=str(number)))
    error = refused(verifier, ReplaysUnavailable, dpop=a_proof_of(jti="more"))
    assert (error.status, error.headers) == (503, {"Retry-After": "5"})
    later = NOW + MAX_AGE + LEEWAY + 1
    assert ask(verifier, dpop=a_proof_of(jti="more", iat=later), now=later)


# --- options ---


@pytest.mark.parametrize(
    "options",
    [
        {"max_age": 0}, {"max_age": 301}, {"leeway": -1}, {"leeway": 301}, {"algorithms": []},
        {"algorithms": ["HS256"]}, {"algorithms": "ES256"},
    ],
)  # fmt: skip
def test_an_option_that_makes_no_sense_is_refused_at_once(options):
    with pytest.raises(ValueError, match=r"proof|algorithms"):
        DPoP(**options)
    assert DPoP(max_age=300, leeway=0, algorithms=["ES256"])


def test_a_verifier_reads_the_clock_where_nobody_says_the_time():
    verifier = Verifier(ISSUER, AUDIENCE, a_jwks(ISSUER_KEY), dpop=DPoP(), clock=lambda: NOW)
    assert ask(verifier, now=None).subject == "alice"
