"""MAC tokens as the endpoint mints them: for every grant, over HTTP, read by other libraries."""

import json
import time
from base64 import urlsafe_b64decode
from typing import Any

import httpx
import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwe
from joserfc.jwk import OKPKey

from issuer.errors import OAuth2Exception
from issuer.registry import Registry
from issuer.registry.resource import EncryptionJWK, JWKSet
from issuer.server import AuthorizationServer
from issuer.token import BEARER, MAC, TokenGenerator
from keys import InvalidToken, Verifier
from keys.mac.key_wrapping import generate_key, public_jwk
from tests.asking import a_refresh_token, a_request_of, ask, refresh
from tests.builders import (
    API,
    MAC_API,
    MAC_PRIVATE_JWK,
    NOW,
    PASSWORD,
    RING,
    a_client,
    a_mac_resource,
    a_request,
    a_resource,
    a_server,
    a_user,
)
from tests.running import RunningIssuer

BEARER_CLAIMS = {"iss", "sub", "aud", "client_id", "iat", "exp", "jti", "scope"}


def verified(issuer: RunningIssuer, token: str) -> dict[str, Any]:
    """The claims, as PyJWT alone verifies them with the published keys."""
    jwks = issuer.http.get("/.well-known/jwks.json").json()
    header = jwt.get_unverified_header(token)
    assert header["typ"] == "mac-at+jwt"
    key = jwt.PyJWKSet.from_dict(jwks)[header["kid"]]
    options = {"require": ["exp", "iat", "aud", "iss", "sub", "jti"]}
    return jwt.decode(
        token, key, algorithms=["ES256"], audience=MAC_API, issuer=issuer.url, options=options
    )


def opened(claims: dict[str, Any], private: dict[str, str] = MAC_PRIVATE_JWK) -> str:
    """The MAC key in the token, as joserfc alone decrypts it."""
    assert claims["cnf"].keys() == {"jwe"}
    found = jwe.decrypt_compact(claims["cnf"]["jwe"], OKPKey.import_key(private))
    assert found.protected["kid"] == private["kid"]
    members = json.loads(found.plaintext)
    assert (members["kty"], members["alg"], members["kid"]) == ("oct", "HS256", claims["jti"])
    return urlsafe_b64decode(members["k"] + "==").decode()


GRANTS = {
    "client_credentials": lambda issuer: issuer.token(
        grant_type="client_credentials", resource=MAC_API
    ),
    "password": lambda issuer: issuer.token(
        grant_type="password", username="alice", password=PASSWORD, resource=MAC_API
    ),
    "authorization_code": lambda issuer: issuer.redeem(issuer.code(resource=(MAC_API,))),
    "refresh_token": lambda issuer: issuer.refresh(
        issuer.redeem(issuer.code(resource=(MAC_API,))).json()["refresh_token"]
    ),
}


@pytest.fixture(params=GRANTS)
def answer(request: pytest.FixtureRequest, issuer_server: RunningIssuer) -> httpx.Response:
    """The answer to each grant, for the mac resource."""
    return GRANTS[request.param](issuer_server)


def test_every_grant_gives_a_token_and_its_key(issuer_server, answer):
    """draft-ietf-oauth-v2-http-mac-02 section 2, and design section 4."""
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert body["token_type"] == "mac"
    assert body["mac_algorithm"] == "hmac-sha-256"
    assert len(urlsafe_b64decode(body["mac_key"] + "=")) == 32
    claims = verified(issuer_server, body["access_token"])
    assert opened(claims) == body["mac_key"]
    assert claims.keys() - {"cnf", "auth_time"} == BEARER_CLAIMS
    assert claims["exp"] - claims["iat"] == 600
    # It counts from the answer; a code's token is as old as its code, which is a moment older.
    assert claims["iat"] <= claims["exp"] - body["expires_in"] <= time.time()
    assert body["scope"] == claims["scope"] == "read write"


def test_the_key_is_nowhere_in_the_clear(answer):
    """P28: neither in the token nor in the refresh token."""
    body = answer.json()
    mac_key = body.pop("mac_key")
    assert mac_key not in json.dumps(body)
    for text in (body["access_token"], body.get("refresh_token", "")):
        for part in text.split(".")[-2:]:
            assert mac_key.encode() not in urlsafe_b64decode(part + "=" * (-len(part) % 4))


def test_a_bearer_verifier_refuses_it(issuer_server):
    """A token that was seen on its way is not a bearer token."""
    body = GRANTS["client_credentials"](issuer_server).json()
    with pytest.raises(InvalidToken) as refused:
        Verifier(issuer_server.url, MAC_API).verify(body["access_token"])
    assert refused.value.detail == "its typ is not at+jwt"
    other = issuer_server.token(grant_type="client_credentials", resource=API).json()
    assert other["token_type"] == "Bearer"
    assert "mac_key" not in other
    Verifier(issuer_server.url, API).verify(other["access_token"])


def test_no_output_of_a_running_server_has_a_key(an_issuer):
    """P28, P32: access log, error log, health pages, metadata and the files it writes."""
    issuer: RunningIssuer = an_issuer(replay_store="sqlite:replay.db").start("--log-level", "debug")
    bodies = [grant(issuer).json() for grant in GRANTS.values() for _ in range(3)]
    held = bodies[-1]["refresh_token"]
    issuer.refresh(held, resource=API)
    issuer.token(grant_type="client_credentials", resource=MAC_API, scope="nonsense")
    pages = [
        "/readyz",
        "/healthz",
        "/.well-known/jwks.json",
        "/.well-known/oauth-authorization-server",
    ]
    shown = "".join(issuer.http.get(page).text for page in pages)
    issuer.stop()
    written = {path: path.read_bytes() for path in issuer.directory.iterdir() if path.is_file()}
    assert b'"client_id":"web"' in written[issuer.log].replace(b" ", b"")
    for body in bodies:
        mac_key = body["mac_key"]
        assert mac_key not in shown
        assert [path.name for path, text in written.items() if mac_key.encode() in text] == []
    assert len({body["mac_key"] for body in bodies}) == len(bodies)


# In process ---------------------------------------------------------------------------------------

SERVER = a_server(a_client(resources=(API, MAC_API)))


def asked(server: AuthorizationServer = SERVER, *, now: int = NOW, **fields: Any) -> Any:
    given = {"resource": MAC_API} | fields.pop("parameters", {})
    return ask(server, a_request(now=now, **given), **fields)


def claims_in(token: object) -> dict[str, Any]:
    return jwt.decode(str(token), options={"verify_signature": False})


@given(st.sampled_from(["client_credentials", "password"]), st.integers(NOW, NOW + 10**6))
def test_every_mint_makes_another_key(grant_type, now):
    """Seen in the seed: the key of a MAC token lived as long as its row."""
    more = {"username": "alice", "password": PASSWORD} if grant_type == "password" else {}
    pairs = [("grant_type", grant_type), ("resource", MAC_API), *more.items()]
    bodies = [ask(SERVER, a_request_of(*pairs, now=now)).body for _ in range(2)]
    keys = [str(body.pop("mac_key")) for body in map(dict, bodies)]
    assert keys[0] != keys[1]
    for body, key in zip(bodies, keys, strict=True):
        assert opened(claims_in(body["access_token"])) == key
        assert key not in str({**body, "mac_key": None})


def test_a_refresh_makes_another_key_each_time():
    held = a_refresh_token(SERVER, resource=(MAC_API,))
    bodies = [refresh(SERVER, held).body for _ in range(3)]
    assert len({str(body["mac_key"]) for body in bodies}) == 3
    for body in bodies:
        assert opened(claims_in(body["access_token"])) == body["mac_key"]
        assert body["refresh_token"] == held


def test_the_keys_of_two_clocks_change_in_the_same_second():
    """All replicas read the same not_before."""
    following = generate_key()
    later = {"not_before": NOW + 60}
    keys = (
        EncryptionJWK(**public_jwk(MAC_PRIVATE_JWK)),
        EncryptionJWK(**public_jwk(following), **later),
    )
    server = _server(a_mac_resource(jwks=JWKSet(keys=keys)))
    before, after = (asked(server, now=now).body for now in (NOW + 59, NOW + 60))
    assert opened(claims_in(before["access_token"])) == before["mac_key"]
    assert opened(claims_in(after["access_token"]), following) == after["mac_key"]


def test_without_a_key_that_has_begun_it_is_our_fault():
    """A clock that is behind: 503, at which a client keeps what it has."""
    jwk = EncryptionJWK(**public_jwk(MAC_PRIVATE_JWK), not_before=NOW + 1)
    server = _server(a_mac_resource(jwks=JWKSet(keys=(jwk,))))
    refused = asked(server, now=NOW)
    assert (refused.status, refused.error) == (503, "temporarily_unavailable")
    assert refused.headers["Retry-After"]
    assert asked(server, now=NOW + 1).status == 200


def _server(resource: Any) -> AuthorizationServer:
    registry = Registry.of(
        SERVER.registry.issuer,
        resources=(resource, a_resource()),
        clients=(a_client(resources=(API, MAC_API)),),
        users=(a_user(),),
    )
    return AuthorizationServer.of(registry, RING)


@pytest.mark.parametrize(
    ("method", "resource", "error", "token_type"),
    [
        (None, MAC_API, None, "mac"),
        (None, API, None, "Bearer"),
        (MAC, MAC_API, None, "mac"),
        (MAC, API, "invalid_target", None),
        (BEARER, API, None, "Bearer"),
        (BEARER, MAC_API, "invalid_target", None),
    ],
)
def test_a_generator_of_one_type_gives_that_type_or_nothing(method, resource, error, token_type):
    """An audience is Bearer or mac, never both: what it registered is never overruled."""
    generator = TokenGenerator(authentication_method=method)
    response = asked(generator=generator, parameters={"resource": resource})
    assert response.error == error
    assert response.body.get("token_type") == token_type
    if error:
        assert response.status == 400
        assert response.body["error_description"] == "This resource takes another type of token."


def test_a_type_that_nobody_mints_is_refused():
    with pytest.raises(OAuth2Exception, match="None or one of: Bearer, mac"):
        TokenGenerator(authentication_method="MAC")
    TokenGenerator(authentication_method="mac")


def test_nothing_of_the_answer_prints_the_key():
    response = asked()
    assert str(response.body["mac_key"]) not in repr(response)
