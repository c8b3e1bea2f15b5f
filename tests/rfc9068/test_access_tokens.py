"""RFC 9068: what an access token says."""

import json
from base64 import urlsafe_b64decode

import pytest

from issuer.registry import Registry
from issuer.registry.settings import Settings
from issuer.server import AuthorizationServer
from tests.asking import ask, claims_of, redeem, refresh
from tests.builders import (
    API,
    ISSUER,
    NOW,
    RING,
    a_client,
    a_code,
    a_request,
    a_resource,
    a_server,
    a_user,
)


def header_of(response) -> dict[str, str]:
    encoded = response.access_token.partition(".")[0]
    return json.loads(urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))


def test_a_clients_own_token_has_exactly_these_claims():
    """RFC 9068 section 2.2."""
    server = a_server()
    claims = claims_of(server, ask(server, a_request()))
    assert len(claims.pop("jti")) >= 22
    assert claims == {
        "iss": ISSUER,
        "sub": "web",
        "aud": API,
        "client_id": "web",
        "iat": NOW,
        "exp": NOW + 600,
        "scope": "read write",
    }


def test_a_users_token_says_when_they_logged_in():
    """RFC 9068 section 2.2.1."""
    server = a_server()
    request = redeem(server, now=NOW + 20, code=a_code(server, now=NOW))
    claims = claims_of(server, request)
    assert (claims["sub"], claims["auth_time"], claims["iat"]) == ("alice", NOW, NOW)


def test_with_a_store_a_users_token_names_the_grant_that_it_can_be_revoked_with():
    """The same in all that comes of one code, however often refreshed, and in nothing else."""
    server = a_server(replay_store="sqlite:replay.db")
    first, other = redeem(server), redeem(server)
    refreshed = refresh(server, str(first.body["refresh_token"]), now=NOW + 100)
    grants = [claims_of(server, each)["grant_id"] for each in (first, refreshed, other)]
    assert grants[0] == grants[1] != grants[2]
    assert "grant_id" not in claims_of(server, ask(server, a_request())), "a client's own"
    assert "grant_id" not in claims_of(a_server(), redeem(a_server())), "nothing remembers"


def test_the_header_says_type_algorithm_and_key_and_nothing_else():
    """RFC 9068 section 2.1."""
    kid = RING.signing_keys[0].kid
    assert header_of(ask(a_server(), a_request())) == {"typ": "at+jwt", "alg": "ES256", "kid": kid}


def test_no_two_tokens_have_the_same_jti():
    server = a_server()
    jtis = {claims_of(server, ask(server, a_request()))["jti"] for _ in range(50)}
    assert len(jtis) == 50


def test_the_sub_of_a_user_is_the_registrys_and_not_the_login():
    server = a_server(users=(a_user(sub="u-17"),))
    assert claims_of(server, redeem(server))["sub"] == "u-17"


@pytest.mark.parametrize(
    ("issuers", "clients", "resources", "lifetime"),
    [
        pytest.param(600, None, None, 600, id="the issuer's"),
        pytest.param(600, 900, None, 900, id="the client's own, longer"),
        pytest.param(600, 60, None, 60, id="the client's own, shorter"),
        pytest.param(600, None, 300, 300, id="the resource's"),
        pytest.param(600, 900, 300, 300, id="the resource's is the shorter"),
        pytest.param(600, 60, 300, 60, id="the client's is the shorter"),
    ],
)
def test_a_lifetime_is_the_shorter_of_the_clients_and_the_resources(
    issuers, clients, resources, lifetime
):
    registry = Registry.of(
        Settings(url=ISSUER, access_token_lifetime=issuers),
        resources=(a_resource(access_token_lifetime=resources),),
        clients=(a_client(access_token_lifetime=clients),),
    )
    server = AuthorizationServer.of(registry, RING)
    response = ask(server, a_request())
    assert response.body["expires_in"] == lifetime
    assert claims_of(server, response)["exp"] == NOW + lifetime


def test_what_a_registration_claims_is_said_in_every_token_of_the_client():
    server = a_server(a_client(claims={"tenant": "acme", "roles": ["a", "b"], "n": None}))
    code = redeem(server)
    for response in (ask(server, a_request()), code, refresh(server)):
        claims = claims_of(server, response)
        assert (claims["tenant"], claims["roles"], claims["n"]) == ("acme", ["a", "b"], None)


def test_what_a_registration_claims_is_not_said_of_another_client():
    server = a_server(a_client(claims={"tenant": "acme"}), a_client("plain"))
    assert "tenant" not in claims_of(server, ask(server, a_request(client_id="plain")))


def test_a_registration_that_sneaks_in_a_claim_of_the_issuers_does_not_win():
    """Even where a registry was made by hand, past the check of its claims."""
    client = a_client()
    object.__setattr__(client, "claims", {"iss": "https://evil.example", "sub": "root", "exp": 0})
    server = a_server(client)
    claims = claims_of(server, ask(server, a_request()))
    assert (claims["iss"], claims["sub"], claims["exp"]) == (ISSUER, "web", NOW + 600)


def test_nothing_secret_of_the_registry_is_in_a_token():
    """Security P32."""
    server = a_server()
    text = json.dumps(claims_of(server, redeem(server)))
    assert "sha256" not in text
    assert "argon2" not in text
    assert "@" not in text
