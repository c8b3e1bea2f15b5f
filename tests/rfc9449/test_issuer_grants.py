"""RFC 9449 sections 5 and 10: refresh tokens and codes that one key alone is good for."""

import pytest

from issuer.protocol.sealed import RefreshToken
from issuer.registry.scope import Scope
from keys.ring import KeyRing
from tests.asking import ask, claims_of, refresh, scope_of, told
from tests.builders import (
    API,
    NOW,
    OTHER_API,
    RING,
    VERIFIER,
    a_client,
    a_code,
    a_public_client,
    a_request,
    a_server,
    basic,
)
from tests.rfc9449.proving import Prover, asked_by, proving

KEY, OTHER = Prover(), Prover()
PHONE = a_public_client(grant_types=("authorization_code", "refresh_token", "password"))
SERVER = a_server(a_client(), PHONE)
BOUND = a_server(a_client(dpop_bound_access_tokens=True))


def redeemed(server, code, *, key=KEY, now=NOW, public=False):
    more = {"code": code, "code_verifier": VERIFIER}
    return ask(server, asked_by(key, "authorization_code", now=now, public=public, **more))


def refreshed(server, refresh_token, *, key=KEY, public=False, now=NOW + 5):
    more = {"refresh_token": refresh_token}
    request = asked_by(key, "refresh_token", now=now, public=public, **more)
    return ask(server, request)


def test_a_public_client_refreshes_with_its_key_and_no_store_is_needed():
    """Section 5. B12, RFC 9700 section 4.14.2: sender-constrained."""
    first = redeemed(SERVER, a_code(SERVER, client_id="spa"), public=True)
    held = str(first.body["refresh_token"])
    for _ in "12":
        again = refreshed(SERVER, held, public=True)
        assert claims_of(SERVER, again)["cnf"] == {"jkt": KEY.jkt}
        assert again.body["refresh_token"] == held, "it does not rotate"
    for key in (OTHER, None):
        assert refreshed(SERVER, held, key=key, public=True).error == "invalid_grant"
    assert refreshed(SERVER, held, public=True).status == 200


def test_a_public_client_without_a_key_has_no_refresh_token():
    first = redeemed(SERVER, a_code(SERVER, client_id="spa"), key=None, public=True)
    assert first.status == 200
    assert "refresh_token" not in first.body


def test_a_confidential_client_may_change_its_key():
    """Section 5: its refresh tokens are bound to the client."""
    held = str(redeemed(SERVER, a_code(SERVER)).body["refresh_token"])
    other = refreshed(SERVER, held, key=OTHER)
    assert claims_of(SERVER, other)["cnf"] == {"jkt": OTHER.jkt}
    assert refresh(SERVER, held, now=NOW + 5).body["token_type"] == "Bearer"
    assert refresh(BOUND, held, now=NOW + 5).error == "invalid_dpop_proof"
    assert refreshed(BOUND, held).body["token_type"] == "DPoP"


def test_a_bound_refresh_token_of_a_client_that_is_confidential_by_now_stays_bound():
    held = str(redeemed(SERVER, a_code(SERVER, client_id="spa"), public=True).body["refresh_token"])
    later = a_server(a_client("spa"))
    for key, status in ((KEY, 200), (OTHER, 400)):
        request = a_request(
            "refresh_token", refresh_token=held, authorization=basic("spa"), now=NOW + 5
        )
        assert ask(later, proving(request, key.proof(now=NOW + 5))).status == status


def test_one_that_rotates_stays_bound():
    """Whoever registered rotate_refresh_tokens, and has a store: to the same key, each time."""
    client = a_public_client(grant_types=PHONE.grant_types, rotate_refresh_tokens=True)
    server = a_server(client, replay_store="sqlite:replay.db")
    held = str(redeemed(server, a_code(server, client_id="spa"), public=True).body["refresh_token"])
    for at in (NOW + 5, NOW + 100):
        opened = server.sealer.open(RefreshToken, held, now=at)
        assert (opened.binding, opened.is_rotating) == (KEY.binding, True)
        assert refreshed(server, held, key=OTHER, public=True, now=at).error == "invalid_grant"
        answer = refreshed(server, held, public=True, now=at)
        assert answer.body["refresh_token"] != held
        held = str(answer.body["refresh_token"])


@pytest.mark.parametrize(
    ("scope", "asked", "key", "given"),
    [
        ("read offline_access", "read offline_access", KEY, True),
        ("read offline_access", "read offline_access", None, False),
        ("read offline_access", "read", KEY, False),
        ("read", "read", KEY, True),
        ("read", "read", None, False),
    ],
)
@pytest.mark.parametrize("registered", [False, True])
def test_offline_access_of_a_public_client_without_a_store(scope, asked, key, given, registered):
    """OpenID Connect Core section 11: by the key it can be had, and then the scope says so."""
    client = a_public_client(
        scope=Scope.parse(scope),
        grant_types=("authorization_code", "refresh_token"),
        dpop_bound_access_tokens=registered,
    )
    server = a_server(client)
    answer = redeemed(server, a_code(server, client_id="spa", scope=asked), key=key, public=True)
    if registered and key is None:
        assert answer.error == "invalid_dpop_proof"
        return
    assert ("refresh_token" in answer.body) == given
    wished = given and "offline_access" in asked
    assert scope_of(answer) == {"read", *(["offline_access"] if wished else [])}
    if given:
        again = refreshed(server, str(answer.body["refresh_token"]), public=True)
        assert scope_of(again) == scope_of(answer)


# --- codes ---


@pytest.mark.parametrize("public", [False, True])
def test_a_code_that_was_asked_for_with_a_key_is_redeemed_with_that_key(public):
    """Section 10, P18."""
    client_id = "spa" if public else "web"
    code = a_code(SERVER, client_id=client_id, dpop_jkt=KEY.jkt)
    missing, other = (redeemed(SERVER, code, key=key, public=public) for key in (None, OTHER))
    assert missing.error == "invalid_grant"
    assert told(missing)[:2] == told(other)[:2] == told(redeemed(SERVER, "x", public=public))[:2]
    assert claims_of(SERVER, redeemed(SERVER, code, public=public))["cnf"] == {"jkt": KEY.jkt}


@pytest.mark.parametrize("public", [False, True])
def test_a_code_redeemed_again_yields_the_same_tokens_for_the_same_key_alone(public):
    """P18: without a store. Two tokens of two keys are two tokens, and have two names."""
    code = a_code(SERVER, client_id="spa" if public else "web")
    first, again = (redeemed(SERVER, code, now=at, public=public) for at in (NOW, NOW + 3))
    for name in ("access_token", "refresh_token"):
        assert first.body[name] == again.body[name]
    other = redeemed(SERVER, code, key=OTHER, public=public)
    borne = redeemed(SERVER, code, key=None, public=public)
    ids = [claims_of(SERVER, each)["jti"] for each in (first, again, other, borne)]
    assert len(set(ids)) == 3
    assert claims_of(SERVER, other)["cnf"] == {"jkt": OTHER.jkt}
    if public:  # whose key it is bound to, its holder proves at each use
        assert other.body["refresh_token"] != first.body["refresh_token"]
        stolen = refreshed(SERVER, str(other.body["refresh_token"]), public=True)
        assert stolen.error == "invalid_grant"


def test_a_rotation_of_the_key_ring_changes_nothing_of_that():
    later = RING.rotate(NOW, longest_token_lifetime=600, longest_sealed_lifetime=86400, lead=400)
    code = a_code(SERVER, now=NOW + 390)
    first = redeemed(SERVER, code, now=NOW + 395)
    again = redeemed(a_server(a_client(), PHONE, ring=later), code, now=NOW + 405)
    assert again.body["access_token"] == first.body["access_token"]


def test_a_bound_token_is_for_each_resource_of_the_code():
    server = a_server(a_client(resources=(API, OTHER_API)))
    code = a_code(server, resource=(API, OTHER_API))
    for resource in (API, OTHER_API):
        more = {"code": code, "code_verifier": VERIFIER, "resource": resource}
        answer = ask(server, asked_by(KEY, "authorization_code", **more))
        claims = claims_of(server, answer)
        assert (claims["aud"], claims["cnf"]) == (resource, {"jkt": KEY.jkt})


def test_another_ring_opens_nothing():
    code = a_code(a_server(ring=KeyRing.new("ES256", NOW - 1000)), dpop_jkt=KEY.jkt)
    assert redeemed(SERVER, code).error == "invalid_grant"
