"""Clients that sign, their assertions, and token requests with one."""

from itertools import count
from typing import Any
from urllib.parse import urlencode

from issuer.client_auth.private_key_jwt import ASSERTION_TYPE
from issuer.protocol.form import Form
from issuer.protocol.request import Authorization, TokenRequest
from issuer.registry import client_keys
from issuer.registry.client import Client
from issuer.server import AuthorizationServer
from issuer.token import TokenGenerator
from tests.builders import ISSUER, NOW, a_client
from tests.rfc7523.keys import PRIVATE, a_jwks, a_public_jwk, sign

TYP = "client-authentication+jwt"

_numbers = count()


EVERY = a_jwks(*(a_public_jwk(each) for each in PRIVATE))
"""A key of each kind."""


def a_signing_client(client_id: str = "signer", *, jwks: Any = EVERY, **fields: Any) -> Client:
    """A confidential client that has a key of each kind, and no secret."""
    given: dict[str, Any] = {
        "token_endpoint_auth_method": "private_key_jwt",
        "client_secrets": (),
        "jwks": client_keys.examined(jwks) if jwks else None,
    }
    return a_client(client_id, **(given | fields))


def claims(client_id: str = "signer", *, now: int = NOW, **changes: Any) -> dict[str, Any]:
    """What an assertion says; a claim that is None is left out."""
    given = {
        "iss": client_id, "sub": client_id, "aud": ISSUER, "iat": now, "exp": now + 60,
        "jti": f"jti-{next(_numbers)}", **changes,
    }  # fmt: skip
    return {name: each for name, each in given.items() if each is not None}


def an_assertion(
    client_id: str = "signer",
    *,
    alg: str = "ES256",
    key: Any = None,
    header: Any = None,
    now: int = NOW,
    **changes: Any,
) -> str:
    """An assertion that is good, but for these changes."""
    said = claims(client_id, now=now, **changes)
    return sign(said, alg=alg, key=key, header={"typ": TYP, **(header or {})})


def parameters(assertion: str, **others: str | None) -> dict[str, str]:
    """The parameters of a token request with it; one that is None is left out."""
    given = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion,
        **others,
    }
    return {name: each for name, each in given.items() if each is not None}


def a_signed_request(assertion: str, *, now: int = NOW, **others: str | None) -> TokenRequest:
    """A token request with it."""
    body = urlencode(parameters(assertion, **others)).encode()
    return TokenRequest(form=Form.parse(body), received_at=now)


def validated(
    server: AuthorizationServer, assertion: str, *, now: int = NOW, **others: str | None
) -> Authorization:
    """What a token request with ``assertion`` is worth. Raises where it is worth nothing."""
    return TokenGenerator().validate(server, a_signed_request(assertion, now=now, **others))
