"""Real values with every default filled in, for tests to vary one thing at a time."""

from base64 import b64encode
from typing import Any
from urllib.parse import quote_plus, urlencode

from issuer.browser.authorize import AuthorizationRequest, issue_code
from issuer.errors import InvalidGrant
from issuer.protocol import pkce
from issuer.protocol.form import Form
from issuer.protocol.replay import Once
from issuer.protocol.request import TokenRequest
from issuer.registry import Registry, secret
from issuer.registry.client import Client, ClientSecret
from issuer.registry.federation import Federation
from issuer.registry.released import Group, ReleasedClaim
from issuer.registry.resource import EncryptionJWK, JWKSet, Resource
from issuer.registry.scope import Scope
from issuer.registry.settings import Settings
from issuer.registry.user import User
from issuer.server import AuthorizationServer
from keys.mac.key_wrapping import generate_key, public_jwk
from keys.ring import KeyRing

NOW = 1_800_000_000
ISSUER = "https://issuer.example"
API = "https://api.example"
OTHER_API = "https://other.example"
MAC_API = "https://mac.example"
CALLBACK = "https://app.example/callback"
SECRET = "a-secret-of-the-tests-0123456789abcdef"
PASSWORD = "correct horse battery staple"
PASSWORD_HASH = (  # of PASSWORD, cheap on purpose: one pass over 8 KiB
    "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$lUbZ8Jzij/5bOe3RDFNWB4YcFPBWi0usvNmLvSsyG7I"
)
VERIFIER = "a-code-verifier-of-the-tests-that-is-long-enough"
CHALLENGE = pkce.s256(VERIFIER)

MAC_PRIVATE_JWK = generate_key()
"""The private half of the resource server at MAC_API."""

ALL_GRANTS = ("authorization_code", "refresh_token", "password", "client_credentials")


def a_client(client_id: str = "web", **fields: Any) -> Client:
    """A confidential client that may do everything."""
    given = {
        "client_secrets": (ClientSecret(hash=secret.sha256_hash(SECRET)),),
        "grant_types": ALL_GRANTS,
        "redirect_uris": (CALLBACK,),
        "scope": Scope({"read", "write"}),
        "resources": (API,),
    }
    return Client(client_id=client_id, **(given | fields))


def a_public_client(client_id: str = "spa", **fields: Any) -> Client:
    """A client that can keep no secret."""
    given = {
        "token_endpoint_auth_method": "none",
        "client_secrets": (),
        "grant_types": ("authorization_code", "password"),
    }
    return a_client(client_id, **(given | fields))


def a_user(username: str = "alice", **fields: Any) -> User:
    """A user who can log in with PASSWORD."""
    given = {"password_hash": PASSWORD_HASH, "email": f"{username}@example.com"}
    return User(username=username, **(given | fields))


def a_resource(resource: str = API, **fields: Any) -> Resource:
    """A resource server that knows read and write."""
    return Resource(resource=resource, **({"scopes": ("read", "write")} | fields))


def a_mac_resource(resource: str = MAC_API, **fields: Any) -> Resource:
    """A resource server whose tokens come with a key."""
    jwks = JWKSet(keys=(EncryptionJWK(**public_jwk(MAC_PRIVATE_JWK)),))
    return a_resource(resource, **({"access_token_type": "mac", "jwks": jwks} | fields))


def a_registry(
    *clients: Client,
    users: tuple[User, ...] | None = None,
    groups: tuple[Group, ...] = (),
    claims: tuple[ReleasedClaim, ...] = (),
    federations: tuple[Federation, ...] = (),
    **settings: Any,
) -> Registry:
    """A registry of these clients, with alice and three resources."""
    return Registry.of(
        Settings(**({"url": ISSUER} | settings)),
        resources=(
            a_resource(),
            a_resource(OTHER_API, scopes=("read", "pay")),
            a_mac_resource(),
        ),
        clients=clients or (a_client(), a_public_client()),
        users=(a_user(),) if users is None else users,
        groups=groups,
        claims=claims,
        federations=federations,
        digest="sha256:test",
    )


RING = KeyRing.new("ES256", NOW - 1000)


def a_server(*clients: Client, ring: KeyRing = RING, **registry: Any) -> AuthorizationServer:
    """A server that judges requests by these clients."""
    return AuthorizationServer.of(a_registry(*clients, **registry), ring)


def basic(client_id: str, client_secret: str = SECRET) -> str:
    """The Authorization header of client_secret_basic (RFC 6749 section 2.3.1)."""
    pair = f"{quote_plus(client_id)}:{quote_plus(client_secret)}"
    return "Basic " + b64encode(pair.encode()).decode()


def a_request(
    grant_type: str | None = "client_credentials",
    *,
    client_id: str | None = "web",
    authorization: str | None = None,
    now: int = NOW,
    **parameters: str,
) -> TokenRequest:
    """A token request by client_secret_basic, unless it says otherwise."""
    if authorization is None and client_id is not None:
        authorization = basic(client_id)
    pairs = {"grant_type": grant_type, **parameters}
    body = urlencode({name: value for name, value in pairs.items() if value is not None})
    headers = {} if authorization is None else {"authorization": authorization}
    return TokenRequest(form=Form.parse(body.encode()), headers=headers, received_at=now)


def showing(authorization: str | None, now: int = NOW) -> TokenRequest:
    """A request to /userinfo with this ``Authorization`` header."""
    headers = {} if authorization is None else {"authorization": authorization}
    return TokenRequest(form=Form({}), headers=headers, received_at=now, method="GET")


def a_code(server: AuthorizationServer, *, now: int = NOW, **fields: Any) -> str:
    """A code for client web and user alice, with PKCE."""
    username = fields.pop("username", "alice")
    given = {"client_id": "web", "redirect_uri": CALLBACK, "code_challenge": CHALLENGE}
    request = {"code_challenge_method": "S256"} | given | fields
    return issue_code(server, AuthorizationRequest(**request), username=username, now=now)


def a_once(id: str = "authorization_code:1", *, now: int = NOW, **fields: Any) -> Once:  # noqa: A002
    """Something that may be used once, issued at ``now`` and good for a minute."""
    given = {"issued_at": now, "expires_at": now + 60, "refusal": lambda: InvalidGrant("Spent.")}
    return Once(id=id, **(given | fields))
