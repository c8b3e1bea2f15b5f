"""Clients that ask who the user is, and what they are answered."""

from typing import Any

from msgspec.structs import replace

from issuer.protocol.request import Response
from issuer.protocol.sealed import AuthorizationCode
from issuer.registry import Registry
from issuer.registry.client import Client
from issuer.registry.resource import Resource
from issuer.registry.scope import Scope
from issuer.registry.settings import Settings
from issuer.registry.user import OPENID_SCOPES, Address, User
from issuer.server import AuthorizationServer
from keys.ring import KeyRing
from tests.asking import ask
from tests.builders import ISSUER, NOW, VERIFIER, a_client, a_code, a_request, a_server, a_user

RING = KeyRing.new("ES256", NOW - 1000, "RS256", "PS256", "EdDSA")
IDENTITY = Scope(OPENID_SCOPES)
EVERYTHING = str(Scope({*IDENTITY, "read", "write"}))
"""The scope that client web has to ask for to get all that it may have."""


def a_relying_party(client_id: str = "web", **fields: Any) -> Client:
    """A client that may read and write, and know everything of its users."""
    return a_client(client_id, **({"scope": Scope({*IDENTITY, "read", "write"})} | fields))


def a_known_user(**fields: Any) -> User:
    """Alice, of whom there is something to say."""
    given = {
        "name": "Alice Example",
        "email_verified": True,
        "picture": "https://alice.example/me.png",
        "phone_number": "+49 30 1234",
        "address": Address(locality="Berlin", country="DE"),
    }
    return a_user(**(given | fields))


def an_openid_server(
    *clients: Client, ring: KeyRing = RING, **registry: Any
) -> AuthorizationServer:
    """A server whose client web asks who the user is."""
    given = {"users": (a_known_user(),)} | registry
    return a_server(*(clients or (a_relying_party(),)), ring=ring, **given)


def with_resources(*resources: Resource, client: Client | None = None) -> AuthorizationServer:
    """A server of these resources, whose client web asks who the user is."""
    registry = Registry.of(
        Settings(url=ISSUER),
        resources=resources,
        clients=(client or a_relying_party(),),
        users=(a_known_user(),),
    )
    return AuthorizationServer.of(registry, RING)


def a_code_with(server: AuthorizationServer, **fields: Any) -> str:
    """A code for client web and user alice that says this besides."""
    now = fields.get("issued_at", NOW)
    request = {name: fields.pop(name) for name in ("scope", "resource") if name in fields}
    request.setdefault("scope", EVERYTHING)
    code = server.sealer.open(AuthorizationCode, a_code(server, now=now, **request), now=now)
    return server.seal(replace(code, **fields), now=now)


def redeemed(server: AuthorizationServer, *, now: int = NOW, **code: Any) -> Response:
    """The answer to such a code; ``asked`` names the resource that is asked for."""
    asked = {"resource": code.pop("asked")} if "asked" in code else {}
    text = a_code_with(server, **code)
    request = a_request("authorization_code", code=text, code_verifier=VERIFIER, now=now, **asked)
    return ask(server, request)
