"""Request objects with every default filled in, and clients that sign them."""

from typing import Any

from issuer.browser import interaction
from issuer.browser.sealed import Interaction
from issuer.protocol.form import Form
from issuer.registry.client import Client
from issuer.server import AuthorizationServer
from tests.builders import CALLBACK, CHALLENGE, ISSUER, NOW, a_client
from tests.rfc7523.keys import a_jwks, sign

TYP = "oauth-authz-req+jwt"


def a_signing_client(client_id: str = "web", **fields: Any) -> Client:
    """A client with a key for ES256."""
    return a_client(client_id, **({"jwks": a_jwks()} | fields))


def said(*, now: int = NOW, **changes: Any) -> dict[str, Any]:
    """What client web signs; None leaves a claim out."""
    claims = {
        "iss": "web",
        "aud": ISSUER,
        "nbf": now,
        "iat": now,
        "exp": now + 300,
        "jti": "a-jti",
        "response_type": "code",
        "client_id": "web",
        "redirect_uri": CALLBACK,
        "scope": "read",
        "state": "signed",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **changes,
    }
    return {name: value for name, value in claims.items() if value is not None}


def a_request_object(*, how: Any = None, header: Any = None, **changes: Any) -> str:
    """A request object of client web; ``how`` is what ``sign`` takes."""
    return sign(said(**changes), header={"typ": TYP, **(header or {})}, **(how or {}))


def carrying(text: str, **beside: str | None) -> Form:
    """A request that has ``text`` as its object, and what stands beside it."""
    given = {"client_id": "web", "request": text, **beside}
    return Form({name: (value,) for name, value in given.items() if value is not None})


def received(
    server: AuthorizationServer, text: str, *, now: int = NOW, **beside: str | None
) -> Interaction:
    """What comes of it at the authorization endpoint."""
    return interaction.receive(server, carrying(text, **beside), now)[0]
