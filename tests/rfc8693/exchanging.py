"""Tokens to exchange, and requests that do."""

from typing import Any
from urllib.parse import urlencode

from issuer.grants.subject_token import ACCESS_TOKEN
from issuer.protocol.form import Form
from issuer.protocol.request import TokenRequest
from issuer.registry.client import Client
from issuer.registry.exchange import TOKEN_EXCHANGE
from issuer.registry.scope import Scope
from issuer.server import AuthorizationServer
from issuer.token import TokenGenerator
from keys import AccessToken
from tests.builders import API, ISSUER, NOW, OTHER_API, a_client, basic

RULE = {"resource": OTHER_API, "audiences": (API,)}


def a_gateway(client_id: str = "gateway", *rules: Any, **fields: Any) -> Client:
    """A client that is the API as well, and calls the other one for its users."""
    given: dict[str, Any] = {
        "grant_types": (TOKEN_EXCHANGE, "client_credentials"),
        "scope": Scope({"read", "pay"}),
        "resources": (OTHER_API,),
        "exchanges": rules or (RULE,),
    }
    return a_client(client_id, **(given | fields))


def a_token(server: AuthorizationServer, *, client_id: str = "web", **claims: Any) -> str:
    """An access token of alice for the API, but for these claims; one that is None is left out."""
    given = {
        "iss": ISSUER, "sub": "alice", "aud": API, "client_id": client_id, "scope": "read write",
        "iat": NOW, "exp": NOW + 600, "jti": "jti-of-the-subject", **claims,
    }  # fmt: skip
    said = {name: each for name, each in given.items() if each is not None}
    typ = said.pop("typ", "at+jwt")
    return server.signing_key(NOW).sign(typ, said)


def exchange(
    subject_token: str | None,
    *,
    client_id: str = "gateway",
    now: int = NOW,
    request: dict[str, Any] | None = None,
    **others: Any,
) -> TokenRequest:
    """A request to exchange it."""
    given = {
        "grant_type": TOKEN_EXCHANGE,
        "subject_token": subject_token,
        "subject_token_type": ACCESS_TOKEN,
        **others,
    }
    said = {name: each for name, each in given.items() if each is not None}
    return TokenRequest(
        form=Form.parse(urlencode(said, doseq=True).encode()),
        headers={"authorization": basic(client_id)},
        received_at=now,
        **(request or {}),
    )


def exchanged(
    server: AuthorizationServer, request: TokenRequest
) -> tuple[dict[str, Any], AccessToken]:
    """The answer to ``request``, and the token in it. Raises where there is none."""
    generator = TokenGenerator()
    response = generator.grant_response(server, generator.validate(server, request))
    body = dict(response.body)
    return body, server.issued.verify(str(body["access_token"]), request.received_at)
