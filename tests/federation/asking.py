"""Token requests with a token of a federation, in both of its places."""

from typing import Any
from urllib.parse import urlencode

from issuer.client_auth.private_key_jwt import ASSERTION_TYPE
from issuer.protocol.form import Form
from issuer.protocol.request import Authorization, TokenRequest
from issuer.registry.federation import JWT_BEARER
from issuer.server import AuthorizationServer
from issuer.token import TokenGenerator
from tests.builders import NOW


def as_client(assertion: str, **others: str | None) -> dict[str, str]:
    """RFC 7523 section 2.2: it is the client's credential."""
    given = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion,
        **others,
    }
    return {name: each for name, each in given.items() if each is not None}


def as_grant(assertion: str, **others: str | None) -> dict[str, str]:
    """RFC 7523 section 2.1: it is the grant, and nothing else proves who asks."""
    given = {"grant_type": JWT_BEARER, "assertion": assertion, **others}
    return {name: each for name, each in given.items() if each is not None}


PLACES = [as_client, as_grant]


def a_request(parameters: dict[str, str], *, now: int = NOW, **headers: str) -> TokenRequest:
    """A token request of these parameters."""
    form = Form.parse(urlencode(parameters).encode())
    return TokenRequest(form=form, headers=headers, received_at=now)


def validated(
    server: AuthorizationServer, parameters: dict[str, str], *, now: int = NOW, **headers: Any
) -> Authorization:
    """What it is worth. Raises where it is worth nothing."""
    return TokenGenerator().validate(server, a_request(parameters, now=now, **headers))
