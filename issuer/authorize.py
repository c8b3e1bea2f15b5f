"""Issuing authorization codes: for a login application, and for ``issuer code``.

Whoever calls this has authenticated the user and has their consent. Everything else is checked.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from issuer import pkce
from issuer.client import Client
from issuer.errors import InvalidRequest, UnauthorizedClient
from issuer.resource import Resource
from issuer.scope import narrow
from issuer.sealed import AuthorizationCode, fresh_id
from issuer.server import AuthorizationServer
from issuer.target import targets


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRequest:
    """What a client asks a user for (RFC 6749 section 4.1.1, RFC 7636, RFC 8707)."""

    client_id: str
    redirect_uri: str | None = None
    """May be left out by a client with exactly one."""
    scope: str | None = None
    resource: tuple[str, ...] = ()
    code_challenge: str | None = None
    code_challenge_method: str | None = None


def issue_code(
    server: AuthorizationServer,
    request: AuthorizationRequest,
    *,
    username: str,
    now: int,
    auth_time: int | None = None,
) -> str:
    """A sealed code by which the client gets what the user granted (RFC 6749 section 4.1.2).

    ``auth_time`` is when the user logged in; ``now`` if left out.

    Raises:
        InvalidRequest: client, user or redirect_uri is unknown, or the challenge is missing or
            malformed.
        UnauthorizedClient: the client did not register authorization_code.
        InvalidScope, InvalidTarget: more is asked for than the client is registered for.
        TemporarilyUnavailable: the key ring has no current key.
    """
    client = _client(server, request)
    user = server.registry.users.get(username)
    if user is None or not user.active:
        raise InvalidRequest("There is no such user, or none that is active.")
    resources = targets(server, client, request.resource, request.scope)
    known = {scope for each in resources for scope in each.scopes}
    code = AuthorizationCode(
        id=fresh_id(),
        client_id=client.client_id,
        sub=user.sub,
        redirect_uri=_redirect_uri(client, request.redirect_uri),
        scope=narrow(client.scope.only(known), request.scope),
        resources=tuple(each.resource for each in resources),
        auth_time=now if auth_time is None else auth_time,
        issued_at=now,
        expires_at=now + _lifetime(server, client, resources),
        code_challenge=request.code_challenge,
    )
    return server.seal(code, now=now)


def _client(server: AuthorizationServer, request: AuthorizationRequest) -> Client:
    client = server.registry.clients.get(request.client_id)
    if client is None:
        raise InvalidRequest("There is no such client.")
    if "authorization_code" not in client.grant_types:
        raise UnauthorizedClient("The client may not use authorization codes.")
    if request.code_challenge is not None:
        pkce.check_challenge(request.code_challenge, request.code_challenge_method)
    elif client.require_pkce:
        raise InvalidRequest("The client must send a code_challenge.")
    return client


def _redirect_uri(client: Client, presented: str | None) -> str:
    if presented is None and len(client.redirect_uris) == 1:
        return client.redirect_uris[0]
    if presented is None or not client.registered_redirect_uri(presented):
        raise InvalidRequest("The redirect_uri is missing, or not one of the client's.")
    return presented


def _lifetime(server: AuthorizationServer, client: Client, resources: Sequence[Resource]) -> int:
    """Seconds that the code lives: what is registered, but half of its access token's at most.

    The token's life is counted from the code's, so that redeeming a code again, where no store can
    refuse it, yields the same token and never a later one.
    """
    registered = client.authorization_code_lifetime
    lifetime = registered or server.registry.issuer.authorization_code_lifetime
    shortest = min(server.registry.access_token_lifetime(client, each) for each in resources)
    return min(lifetime, max(1, shortest // 2))
