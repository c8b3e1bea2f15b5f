"""Client authentication: exactly one mechanism per request, and the client's registered one.

A row is how credentials are found in a request and how they are proved. Two methods that share a
form on the wire share ``read``; the method that the client registered picks ``prove``.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from issuer.client_auth import client_secret_basic, client_secret_post, none
from issuer.client_auth.credentials import Credentials
from issuer.client_auth.secret_proof import no_proof, prove_secret
from issuer.errors import InvalidClient, InvalidRequest
from issuer.protocol.request import AuthenticatedRequest, TokenRequest
from issuer.registry.client import Client, ClientSecret
from issuer.registry.secret import is_stretched
from issuer.server import AuthorizationServer

Read = Callable[[TokenRequest], Credentials | None]
Prove = Callable[[tuple[ClientSecret, ...], Credentials, int], str | None]


class ClientAuthMethod(NamedTuple):
    """How a client may prove who it is (RFC 7591 section 2)."""

    read: Read
    prove: Prove


CLIENT_AUTH: Mapping[str, ClientAuthMethod] = MappingProxyType(
    {
        "client_secret_basic": ClientAuthMethod(client_secret_basic.read, prove_secret),
        "client_secret_post": ClientAuthMethod(client_secret_post.read, prove_secret),
        "none": ClientAuthMethod(none.read, no_proof),
    }
)


def authenticate(server: AuthorizationServer, request: TokenRequest) -> AuthenticatedRequest:
    """The request with the client that sent it.

    An unknown client, a wrong secret and a wrong method are refused in the same words and after
    the same work.

    Raises:
        InvalidRequest: more than one mechanism was used, or two of them name different clients.
        InvalidClient: the client is not proved to be the one it names.
    """
    read, credentials = presented(request)
    client = registered(server, read, credentials)
    if client is None:
        decoys = server.registry.decoy_secrets(credentials.client_id)
        prove_secret(decoys, credentials, request.received_at)
        raise _refused_as(server, credentials, _method_detail(server, read, credentials))
    prove = CLIENT_AUTH[client.token_endpoint_auth_method].prove
    credential = prove(client.client_secrets, credentials, request.received_at)
    if credential is None:
        raise _refused_as(server, credentials, "wrong secret")
    return AuthenticatedRequest(request=request, client=client, credential=credential)


def presented(request: TokenRequest) -> tuple[Read, Credentials]:
    """The one mechanism that the request uses, and what it found.

    An empty secret counts as none, in the header as in the body: some libraries send the header
    always (RFC 6749 section 2.3.1 lets an empty secret be left out).

    Raises:
        InvalidRequest: there are two.
        InvalidClient: there is none.
    """
    found = [(read, credentials) for read in _READS if (credentials := read(request)) is not None]
    if len(found) > 1:
        raise InvalidRequest("More than one client authentication mechanism was used.")
    if not found:
        raise refused("no client authentication")
    read, credentials = found[0]
    if credentials.secret == "":
        return none.read, Credentials(credentials.client_id)
    return read, credentials


def registered(server: AuthorizationServer, read: Read, credentials: Credentials) -> Client | None:
    """The client of that name, if this is how it registered to authenticate."""
    client = server.registry.clients.get(credentials.client_id)
    if client is None or CLIENT_AUTH[client.token_endpoint_auth_method].read is not read:
        return None
    return client


def stretches(server: AuthorizationServer, request: TokenRequest) -> bool:
    """True where ``authenticate`` would compare with a secret that a person chose: slow work."""
    read, credentials = presented(request)
    client = registered(server, read, credentials)
    decoys = server.registry.decoy_secrets(credentials.client_id)
    return any(is_stretched(each.hash) for each in (client.client_secrets if client else decoys))


def refused(detail: str) -> InvalidClient:
    """The one answer to every way in which authentication can fail."""
    return InvalidClient("Client authentication failed.", detail=detail)


def _refused_as(
    server: AuthorizationServer, credentials: Credentials, detail: str
) -> InvalidClient:
    """The same answer, and a log that says whom the request named, if there is such a client."""
    error = refused(detail)
    if credentials.client_id in server.registry.clients:
        error.client_id = credentials.client_id
    return error


def _method_detail(server: AuthorizationServer, read: Read, credentials: Credentials) -> str:
    client = server.registry.clients.get(credentials.client_id)
    if client is None:
        return "unknown client"
    used = next(name for name, method in CLIENT_AUTH.items() if method.read is read)
    return f"sent by {used}, registered is {client.token_endpoint_auth_method}"


_READS = tuple(dict.fromkeys(method.read for method in CLIENT_AUTH.values()))
