"""A token of a federation in the place of an assertion that the client signed itself.

It comes as the ``client_assertion`` of ``private_key_jwt``, or as the ``assertion`` of a grant that
nothing else in the request vouches for (RFC 7521 sections 4.1 and 4.2).
"""

from functools import partial

from msgspec.structs import replace

from issuer.client_auth.credentials import Credentials, NotProved, Proved
from issuer.client_auth.decoy_keys import decoy
from issuer.errors import InvalidClient
from issuer.protocol import client_jwt, federated
from issuer.protocol.client_jwt import Unproved
from issuer.protocol.request import TokenRequest
from issuer.registry.client import Client
from issuer.registry.federation import JWT_BEARER
from issuer.server import AuthorizationServer
from keys import InvalidToken


def is_grant(request: TokenRequest) -> bool:
    """Whether the ``assertion`` of its grant is all that proves who sent ``request``."""
    form = request.form
    return (
        form.get("grant_type") == JWT_BEARER
        and form.get("assertion") is not None
        and "authorization" not in request.headers
        and not form.get("client_assertion")
        and not form.get("client_secret")
    )


def read_grant(request: TokenRequest) -> Credentials | None:
    """That assertion, and the client that is named beside it.

    Raises:
        InvalidGrant: it is no JWT that could be verified here.
    """
    if not is_grant(request):
        return None
    form = request.form
    try:
        assertion = client_jwt.read(form.require("assertion"))
    except InvalidToken as invalid:
        raise federated.refused_grant(invalid.detail) from None
    return Credentials(form.get("client_id") or "", assertion=assertion, is_grant=True)


def named(server: AuthorizationServer, credentials: Credentials) -> Credentials:
    """``credentials`` with the one client whose rules are about their assertion, if there is one.

    It is for who names no client. Nothing of it is believed before it is proved.
    """
    assertion = credentials.assertion
    if assertion is None:
        return credentials
    federation = server.registry.federation_of(assertion.claims.get("iss"))
    if federation is None:
        return credentials
    found = [
        client.client_id
        for client in server.registry.federated_with(federation)
        if client.signs_assertions and federated.rule_of(federation, client, assertion.claims)
    ]
    return replace(credentials, client_id=found[0]) if len(found) == 1 else credentials


def prove(
    server: AuthorizationServer,
    client: Client,
    assertion: Unproved,
    request: TokenRequest,
    *,
    is_grant: bool,
) -> Proved:
    """What a token of a federation proves of ``client``.

    Raises:
        NotProved: nothing.
        TemporarilyUnavailable: the keys of the federation are not to be had.
    """
    refusal = federated.refused_grant if is_grant else _refused
    try:
        found = federated.prove(
            server.registry, client, assertion, request, partial(refusal, "used before")
        )
    except InvalidToken as invalid:
        if invalid.detail == client_jwt.NO_KEY:
            decoy(assertion.alg).verifies(assertion.signature, assertion.message)
        raise NotProved(f"assertion: {invalid.detail}") from None
    return Proved(found.credential, found.once, found)


def _refused(detail: str) -> InvalidClient:
    return InvalidClient("Client authentication failed.", detail=f"assertion: {detail}")
