"""RFC 7662, and RFC 9701: what a resource server is told of the tokens that it is shown."""

import asyncio
from pathlib import Path

import jwt
import pytest
from msgspec.structs import replace

from issuer import introspection
from issuer.errors import InvalidClient, InvalidRequest
from issuer.metadata import metadata
from issuer.protocol import revocation
from issuer.protocol.request import Response
from issuer.protocol.sealed import Login
from issuer.registry import Registry, secret
from issuer.registry.client import ClientSecret
from issuer.registry.resource import Resource
from issuer.registry.scope import Scope
from issuer.registry.settings import Settings
from issuer.server import AuthorizationServer
from issuer.stores.none import NoStore
from issuer.stores.sqlite import SQLiteStore
from tests.asking import a_request_of, ask, claims_of, redeem
from tests.builders import (
    API,
    ISSUER,
    MAC_API,
    NOW,
    OTHER_API,
    RING,
    SECRET,
    a_client,
    a_code,
    a_mac_resource,
    a_public_client,
    a_request,
    a_resource,
    a_user,
    basic,
)
from tests.openid.builders import RING as RING_WITH_RSA
from tests.openid.builders import a_code_with

API_SECRET = "another-secret-of-the-tests-0123456789abcd"
HELD = (ClientSecret(hash=secret.sha256_hash(API_SECRET)),)
INACTIVE = {"active": False}
OPENID = Scope({"openid", "email", "read", "write"})
WEB = a_client(resources=(API, OTHER_API, MAC_API), scope=OPENID)


def a_server(
    *clients, resources: tuple[Resource, ...] = (), users=None, ring=RING, **settings
) -> AuthorizationServer:
    """Its API calls itself api, the mac one by its identifier; the other one may not ask."""
    given = resources or (
        a_resource(client_id="api", client_secrets=HELD),
        a_resource(OTHER_API, scopes=("read", "pay")),
        a_mac_resource(client_secrets=HELD),
    )
    registry = Registry.of(
        Settings(**({"url": ISSUER} | settings)),
        resources=given,
        clients=clients or (WEB, a_public_client()),
        users=(a_user(),) if users is None else users,
        digest="sha256:test",
    )
    return AuthorizationServer.of(registry, ring)


SERVER = a_server(replay_store="sqlite:replay.db")
KINDS = {"a user's": redeem(SERVER), "a client's own": ask(SERVER, a_request())}


def inquire(token, *, server=SERVER, now=NOW, who="api", secret=API_SECRET, store=None, **more):
    pairs = [("token", token), *more.items()] if token is not None else [*more.items()]
    request = a_request_of(*pairs, authorization=basic(who, secret), now=now)
    return asyncio.run(
        introspection.ask(store or NoStore(), introspection.validate(server, request), now)
    )


def told(token, **how):
    if isinstance(token, Response):
        token = token.access_token
    return introspection.members(inquire(token, **how))


def test_a_users_token_is_described_as_it_describes_itself():
    """RFC 7662 section 2.2: and by the registry as it is now."""
    response = redeem(SERVER)
    claims = claims_of(SERVER, response)
    assert told(response) == {**claims, "active": True, "token_type": "Bearer"}
    assert {"iss", "sub", "aud", "client_id", "scope", "exp", "iat", "jti"} < claims.keys()
    assert {"auth_time", "grant_id"} < claims.keys()


def test_a_clients_own_token_has_the_claims_of_its_registration():
    client = a_client(claims={"tenant": {"of": ["north", "south"]}, "active": False, "username": 1})
    server = a_server(client)
    said = told(ask(server, a_request()), server=server)
    assert said["tenant"] == {"of": ["north", "south"]}
    assert said["active"] is True
    assert said["sub"] == said["client_id"] == "web"


def test_a_mac_token_comes_with_its_wrapped_key():
    """RFC 7800: whoever cannot read the token may use its key all the same."""
    response = ask(SERVER, a_request(resource=MAC_API))
    said = told(response, who=MAC_API)
    assert said["token_type"] == "mac"
    assert said["cnf"] == claims_of(SERVER, response)["cnf"]
    assert told(response) == INACTIVE


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "x"])
def test_a_hint_changes_nothing(hint):
    assert told(KINDS["a user's"], token_type_hint=hint)["active"] is True


@pytest.mark.parametrize(
    ("token", "now"),
    [
        pytest.param(KINDS["a user's"].access_token, NOW + 600, id="expired in this second"),
        pytest.param(KINDS["a user's"].access_token, NOW - 61, id="not begun"),
        pytest.param(KINDS["a user's"].access_token[:-4] + "AAAA", NOW, id="forged"),
        pytest.param(KINDS["a user's"].body["refresh_token"], NOW, id="a refresh token"),
        pytest.param(a_code(SERVER), NOW, id="a code"),
        pytest.param(ask(SERVER, a_request(resource=OTHER_API)).access_token, NOW, id="another's"),
        pytest.param(ask(SERVER, a_request(resource=MAC_API)).access_token, NOW, id="a mac one's"),
        pytest.param(
            ask(a_server(url="https://other.example"), a_request()).access_token,
            NOW,
            id="of another issuer",
        ),
        pytest.param(
            SERVER.signing_key(NOW).sign("JWT", claims_of(SERVER, KINDS["a user's"])),
            NOW,
            id="an ID token",
        ),
        pytest.param("x", NOW, id="no token"),
        pytest.param("a.b.c" * 20_000, NOW, id="too long"),
    ],
)
def test_of_all_else_it_hears_that_it_is_not_active_and_no_more(token, now):
    """RFC 7662 section 2.2, P30."""
    assert told(token, now=now) == INACTIVE
    assert told(KINDS["a user's"], now=NOW + 599)["active"] is True


CHANGED = {
    "its client is gone": {"clients": (a_client("other"),)},
    "its client lost the resource": {"clients": (a_client(resources=(OTHER_API,)),)},
    "its client drew a line": {"clients": (a_client(not_before=NOW + 1),)},
    "its issuer drew a line": {"not_before": NOW + 1},
}
OF_ITS_USER = {
    "its user is gone": {"users": ()},
    "its user is inactive": {"users": (a_user(active=False),)},
    "its user drew a line": {"users": (a_user(not_before=NOW + 1),)},
    "its user is blocked": {"blocked_subjects": ("alice",)},
}


@pytest.mark.parametrize("change", CHANGED | OF_ITS_USER)
@pytest.mark.parametrize("kind", KINDS)
def test_the_live_registry_is_asked(kind, change):
    """F32: a client that acts for itself has no user who could be gone."""
    changed = dict((CHANGED | OF_ITS_USER)[change])
    later = a_server(*changed.pop("clients", ()), **changed)
    is_good = kind == "a client's own" and change in OF_ITS_USER
    assert told(KINDS[kind], server=later).get("active") is is_good
    assert told(KINDS[kind])["active"] is True


def test_a_scope_that_its_client_lost_is_lost():
    """V11: as the next refresh would."""
    later = a_server(a_client(scope=Scope({"read"})))
    assert told(KINDS["a client's own"])["scope"] == "read write"
    assert told(KINDS["a client's own"], server=later)["scope"] == "read"
    none = told(KINDS["a client's own"], server=a_server(a_client(scope=Scope())))
    assert none["active"] is True
    assert "scope" not in none


def test_a_user_whom_the_login_application_knows_is_good_while_it_can_be_asked():
    """Also where the token cannot say so: with no openid in it, or for an API that is not told."""
    how = {"login_url": "https://login.example/", "ring": RING_WITH_RSA}
    server = a_server(**how)
    login = Login(claims={"email": "bob@b.example"})
    for scope in ("openid email read", "read"):
        code = a_code_with(server, scope=scope, sub="bob", login=login)
        response = redeem(server, code)
        said = told(response, server=server)
        assert (said["active"], said["sub"]) == (True, "bob")
        assert "userinfo" not in said
        assert told(response, server=a_server(ring=RING_WITH_RSA)) == INACTIVE
        blocked = a_server(**how, blocked_subjects=("bob",))
        assert told(response, server=blocked) == INACTIVE


@pytest.mark.parametrize(
    "how",
    [
        pytest.param({"who": "web", "secret": SECRET}, id="a client"),
        pytest.param({"who": "api", "secret": SECRET}, id="a wrong secret"),
        pytest.param({"who": API}, id="its identifier, where it has another name"),
        pytest.param({"who": OTHER_API}, id="a resource without a secret"),
        pytest.param({"who": "nobody"}, id="nobody"),
        pytest.param({"secret": ""}, id="no secret"),
        pytest.param({"who": "spa", "secret": ""}, id="a public client"),
    ],
)
def test_nobody_else_may_ask(how):
    """RFC 7662 section 2.1, P30: before the token is looked at, and in the same words."""
    for token in (KINDS["a user's"].access_token, "x", None):
        with pytest.raises(InvalidClient) as refused:
            inquire(token, **how)
        assert (refused.value.status, refused.value.description) == (
            401,
            "Client authentication failed.",
        )


def test_a_resource_server_gets_no_token_by_its_secret():
    """It is no client."""
    assert ask(SERVER, a_request(authorization=basic("api", API_SECRET))).status == 401


def test_the_token_is_named_once():
    with pytest.raises(InvalidRequest, match="token is missing"):
        inquire(None)
    with pytest.raises(InvalidRequest, match="more than once"):
        a_request_of(("token", "x"), ("token", "y"))


def test_a_resource_server_may_send_its_secret_in_the_body():
    """RFC 6749 section 2.3.1: by the method that it registered, and no other."""
    api = a_resource(client_secrets=HELD, introspection_endpoint_auth_method="client_secret_post")
    server = a_server(resources=(api, a_resource(OTHER_API), a_mac_resource()))
    token = ask(server, a_request()).access_token
    pairs = [("token", token), ("client_id", API), ("client_secret", API_SECRET)]
    request = a_request_of(*pairs, client_id=None)
    assert introspection.validate(server, request).token is not None
    with pytest.raises(InvalidClient):
        inquire(token, server=server, who=API)


def test_two_secrets_may_be_live_at_once():
    dated = (
        ClientSecret(hash=secret.sha256_hash("old" * 10), expires_at=NOW + 10),
        ClientSecret(hash=secret.sha256_hash("new" * 10), not_before=NOW),
    )
    server = a_server(
        resources=(a_resource(client_id="api", client_secrets=dated), a_resource(OTHER_API),
                   a_mac_resource())
    )  # fmt: skip
    for given in ("old" * 10, "new" * 10):
        assert inquire("x", server=server, secret=given).token is None
    with pytest.raises(InvalidClient):
        inquire("x", server=server, secret="old" * 10, now=NOW + 10)


# --- what the store says ---


@pytest.fixture
def store(tmp_path: Path):
    opened = SQLiteStore(tmp_path / "replay.db")
    opened.remember(NOW - 100_000)
    yield opened
    opened.close()


@pytest.mark.parametrize("name", ["token", "grant", "user", "client"])
def test_what_was_revoked_by_any_of_its_names_is_not_active(store, name):
    response = redeem(SERVER)
    claims = claims_of(SERVER, response)
    named = {
        "token": revocation.token(claims["jti"]),
        "grant": revocation.grant(claims["grant_id"]),
        "user": revocation.user("alice"),
        "client": revocation.client("web"),
    }[name]
    taken = replace(revocation.of_token("x", expires_at=NOW + 600, now=NOW), name=named)
    assert told(response, store=store)["active"] is True
    asyncio.run(store.revoke((taken,), NOW))
    assert told(response, store=store) == INACTIVE
    assert told(response) != INACTIVE  # without a store it goes by all else


def test_a_line_spares_what_was_issued_after_it(store):
    line = replace(
        revocation.of_token("x", expires_at=NOW, now=NOW), name="user:alice", not_before=NOW + 1
    )
    asyncio.run(store.revoke((line,), NOW))
    assert told(redeem(SERVER), store=store) == INACTIVE
    code = a_code(SERVER, now=NOW + 1)
    assert told(redeem(SERVER, code, now=NOW + 1), store=store, now=NOW + 1)["active"] is True


# --- RFC 9701 ---


def signed(token, *, server=SERVER, now=NOW, **how):
    return introspection.sign(server, inquire(token, server=server, now=now, **how), now)


@pytest.mark.parametrize(
    ("ring", "registered", "alg"),
    [
        pytest.param(RING, None, "ES256", id="a ring without RS256"),
        pytest.param(RING_WITH_RSA, None, "RS256", id="a ring with it"),
        pytest.param(RING_WITH_RSA, "PS256", "PS256", id="its registration says"),
    ],
)
@pytest.mark.parametrize("is_active", [True, False])
def test_a_jwt_says_the_same_to_whoever_asked(ring, registered, alg, is_active):
    """Section 5: with a type of its own, and without sub and exp."""
    api = a_resource(
        client_id="api", client_secrets=HELD, introspection_signed_response_alg=registered
    )
    server = a_server(resources=(api, a_resource(OTHER_API), a_mac_resource()), ring=ring)
    token = ask(server, a_request()).access_token if is_active else "x"
    text = signed(token, server=server)
    key = ring.signing_key(NOW, alg)
    assert jwt.get_unverified_header(text) == {
        "typ": "token-introspection+jwt", "alg": alg, "kid": key.kid
    }  # fmt: skip
    said = jwt.decode(text, key.private_key.public_key(), algorithms=[alg], audience="api",
                      options={"verify_iat": False})  # fmt: skip
    assert said == {
        "iss": ISSUER,
        "aud": "api",
        "iat": NOW,
        "token_introspection": told(token, server=server),
    }


def test_the_metadata_speaks_of_it_where_somebody_may_ask():
    """RFC 8414 section 2, RFC 9701 section 7."""
    said = metadata(SERVER, NOW)
    assert said["introspection_endpoint"] == f"{ISSUER}/introspect"
    methods = said["introspection_endpoint_auth_methods_supported"]
    assert methods == ["client_secret_basic", "client_secret_post"]
    assert said["introspection_signing_alg_values_supported"] == ["ES256"]
    nobody = a_server(resources=(a_resource(), a_resource(OTHER_API), a_mac_resource()))
    assert not [each for each in metadata(nobody, NOW) if "introspection" in each]


def test_the_metadata_speaks_of_revocation_where_something_remembers():
    """Whoever introspects learns so whether a single revocation would be known."""
    said = metadata(SERVER, NOW)
    assert said["revocation_endpoint"] == f"{ISSUER}/revoke"
    assert "none" in said["revocation_endpoint_auth_methods_supported"]
    assert not [each for each in metadata(a_server(), NOW) if "revocation" in each]
