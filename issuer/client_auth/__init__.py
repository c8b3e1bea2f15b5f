"""Client authentication: exactly one mechanism per request, and the client's registered one.

A row is how credentials are found in a request, how they are proved, and what takes as long for one
whom nobody knows. Two methods that share a form on the wire share ``read``; the method that the
client registered picks ``prove``.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from issuer.client_auth import (
    client_secret_basic,
    client_secret_post,
    federated,
    none,
    private_key_jwt,
    self_signed_tls_client_auth,
    tls_client_auth,
)
from issuer.client_auth.credentials import Credentials, NotProved, Proved
from issuer.client_auth.secret_proof import no_proof, pretend_secret, prove_secret
from issuer.errors import AccessTokenException, InvalidClient, InvalidRequest
from issuer.protocol import throttling
from issuer.protocol.federated import refused_grant
from issuer.protocol.request import AuthenticatedRequest, TokenRequest
from issuer.protocol.throttling import Guess
from issuer.registry.callers import C, Caller, Callers
from issuer.registry.secret import is_stretched
from issuer.server import AuthorizationServer

Read = Callable[[TokenRequest], Credentials | None]
Prove = Callable[[AuthorizationServer, Caller, Credentials, TokenRequest], Proved]
"""Raises ``NotProved``."""
Pretend = Callable[[Callers[Any], Credentials, int], None]
"""The work of ``Prove``, and nothing else of it."""


class ClientAuthMethod(NamedTuple):
    """How a client may prove who it is (RFC 7591 section 2)."""

    read: Read
    prove: Prove
    pretend: Pretend


CLIENT_AUTH: Mapping[str, ClientAuthMethod] = MappingProxyType(
    {
        "client_secret_basic": ClientAuthMethod(
            client_secret_basic.read, prove_secret, pretend_secret
        ),
        "client_secret_post": ClientAuthMethod(
            client_secret_post.read, prove_secret, pretend_secret
        ),
        "private_key_jwt": ClientAuthMethod(
            private_key_jwt.read, private_key_jwt.prove, private_key_jwt.pretend
        ),
        "none": ClientAuthMethod(none.read, no_proof, pretend_secret),
        "tls_client_auth": ClientAuthMethod(none.read, tls_client_auth.prove, pretend_secret),
        "self_signed_tls_client_auth": ClientAuthMethod(
            none.read, self_signed_tls_client_auth.prove, pretend_secret
        ),
    }
)

BY_SECRET = tuple(name for name, method in CLIENT_AUTH.items() if method.prove is prove_secret)
"""The methods that prove a secret: what a resource server may register."""


def authenticate(server: AuthorizationServer, request: TokenRequest) -> AuthenticatedRequest:
    """The request with the client that sent it.

    An unknown client, a wrong secret and a wrong method are refused in the same words and after
    the same work.

    Raises:
        InvalidRequest: more than one mechanism was used, or two of them name different clients.
        InvalidClient: the client is not proved to be the one it names.
        InvalidGrant: the same, where its grant is all that could prove it.
    """
    client, proved = prove(server, server.registry.callers, request)
    return AuthenticatedRequest(
        request=request,
        client=client,
        credential=proved.credential,
        once=proved.once,
        vouched=proved.vouched,
    )


def prove(
    server: AuthorizationServer, callers: Callers[C], request: TokenRequest
) -> tuple[C, Proved]:
    """Who of ``callers`` sent the request, and how they proved it.

    Raises:
        InvalidRequest, InvalidClient: as ``authenticate`` does.
    """
    read, credentials = presented(request)
    caller = registered(callers, read, credentials)
    if caller is None and request.form.get("client_id") is None:
        credentials = federated.named(server, credentials)
        caller = registered(callers, read, credentials)
    elif caller is None and credentials.is_grant:
        # Who is known by the connection says no more than its name, beside whatever its grant is.
        named = Credentials(credentials.client_id)
        caller = registered(callers, none.read, named)
        read, credentials = (read, credentials) if caller is None else (none.read, named)
    if caller is None:
        CLIENT_AUTH[_NAMES[read]].pretend(callers, credentials, request.received_at)
        raise _refused_as(callers, request, credentials, _method_detail(callers, read, credentials))
    try:
        return caller, CLIENT_AUTH[caller.auth_method].prove(server, caller, credentials, request)
    except NotProved as not_proved:
        raise _refused_as(callers, request, credentials, not_proved.detail) from None


def presented(request: TokenRequest) -> tuple[Read, Credentials]:
    """The one mechanism that the request uses, and what it found.

    An empty secret counts as none, in the header as in the body: some libraries send the header
    always (RFC 6749 section 2.3.1 lets an empty secret be left out).

    Raises:
        InvalidRequest: there are two.
        InvalidClient: there is none.
    """
    found = None
    for read in _READS:
        credentials = read(request)
        if credentials is None:
            continue
        if found is not None:
            raise InvalidRequest("More than one client authentication mechanism was used.")
        found = read, credentials
    if found is None:
        raise refused("no client authentication")
    _, credentials = found
    if credentials.secret == "":
        return none.read, Credentials(credentials.client_id)
    return found


def registered(callers: Callers[C], read: Read, credentials: Credentials) -> C | None:
    """The one of that name, if this is how they registered to authenticate."""
    caller = callers.known.get(credentials.client_id)
    if caller is None or CLIENT_AUTH[caller.auth_method].read is not read:
        return None
    return caller


def stretches(
    server: AuthorizationServer, request: TokenRequest, callers: Callers[Any] | None = None
) -> bool:
    """True where ``prove`` would compare with a secret that a person chose: slow work.

    Raises:
        InvalidRequest, InvalidClient: it is not even clear who asks.
    """
    callers = server.registry.callers if callers is None else callers
    if not callers.has_stretched_secrets:
        return False
    read, credentials = presented(request)
    caller = registered(callers, read, credentials)
    decoys = callers.decoy_secrets(credentials.client_id)
    return any(is_stretched(each.hash) for each in (caller.client_secrets if caller else decoys))


def guesses(callers: Callers[Any], request: TokenRequest) -> tuple[Guess, ...]:
    """The secret that ``prove`` would compare, if the request brings one.

    Raises:
        InvalidRequest, InvalidClient: as ``presented`` does.
    """
    return _guesses(callers, request, presented(request)[1])


def refused(detail: str) -> InvalidClient:
    """The one answer to every way in which authentication can fail."""
    return InvalidClient("Client authentication failed.", detail=detail)


def _guesses(
    callers: Callers[Any], request: TokenRequest, credentials: Credentials
) -> tuple[Guess, ...]:
    if credentials.secret is None:
        return ()
    client_id = credentials.client_id
    who = client_id if client_id in callers.known else ""
    return (throttling.of_client(client_id, request.address, who=who),)


def _refused_as(
    callers: Callers[Any], request: TokenRequest, credentials: Credentials, detail: str
) -> AccessTokenException:
    """The same answer, and a log that says whom the request named, if there is such a caller.

    A secret that was wrong is a guess, whoever's it was: were those for unknown callers not
    counted, one could tell them from the others.
    """
    error: AccessTokenException = refused_grant(detail) if credentials.is_grant else refused(detail)
    if credentials.client_id in callers.known:
        error.client_id = credentials.client_id
    error.guess = next(iter(_guesses(callers, request, credentials)), None)
    return error


def _method_detail(callers: Callers[C], read: Read, credentials: Credentials) -> str:
    caller = callers.known.get(credentials.client_id)
    if caller is None:
        return "unknown client"
    return f"sent by {_NAMES[read]}, registered is {caller.auth_method}"


_READS = tuple(dict.fromkeys(method.read for method in CLIENT_AUTH.values()))
_NAMES: dict[Read, str] = {}
for _name, _method in CLIENT_AUTH.items():
    _NAMES.setdefault(_method.read, _name)  # of two that look alike, the first
