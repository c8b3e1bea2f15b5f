"""What an authorization request is worth to the live registry, and the code that comes of it.

Whoever issues a code has authenticated the user and has their consent. Everything else is checked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from secrets import token_bytes

from issuer.browser.authorization_request import AuthorizationRequest
from issuer.browser.claims_request import ClaimsRequest
from issuer.errors import InvalidGrant, InvalidRequest, UnauthorizedClient
from issuer.grants.target import asked_of_user, scope_at, targets
from issuer.protocol import pkce
from issuer.protocol.device import GRANT_TYPE
from issuer.protocol.sealed import (
    NO_CLAIMS,
    AuthorizationCode,
    Login,
    RequestedClaims,
    fresh_id,
)
from issuer.registry import fapi2
from issuer.registry.client import Client
from issuer.registry.released import Place
from issuer.registry.resource import Resource
from issuer.registry.scope import OPENID, Scope
from issuer.server import AuthorizationServer

__all__ = ["AuthorizationRequest", "Requested", "issue_code", "recipient", "validate"]

SEED_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Requested:
    """A request that its client may make, in terms of the live registry."""

    request: AuthorizationRequest
    client: Client
    redirect_uri: str | None
    """None where the answer is for a device."""
    resources: tuple[Resource, ...]
    scope: Scope
    """What the user is asked for."""
    wishes: ClaimsRequest | None = None
    """What is asked for by name, where who the user is is asked for."""
    claims: RequestedClaims = NO_CLAIMS
    """Those of it that the client may be told, and the scope does not tell."""
    own: str
    """The issuer, as one of the resources."""

    @property
    def shown(self) -> Scope:
        """All that the user sees and agrees to, the claims asked for by name among it."""
        return Scope(self.scope.union(map(_as_scope, self.named)))

    @property
    def named(self) -> tuple[str, ...]:
        """The claims that the user is asked for by name."""
        return tuple(dict.fromkeys((*self.claims.id_token, *self.claims.userinfo)))

    @property
    def asked(self) -> Mapping[str, Scope]:
        """What the user is asked for at each resource; who the user is, at the issuer."""
        asked = {each.resource: scope_at(each, self.scope) for each in self.resources}
        if self.named:
            asked[self.own] = Scope(asked[self.own].union(map(_as_scope, self.named)))
        return asked


def known(server: AuthorizationServer, client_id: str) -> Client:
    """The client of this name. Raises ``InvalidRequest`` where there is none."""
    client = server.registry.clients.get(client_id)
    if client is None:
        raise InvalidRequest("There is no such client.")
    return client


def recipient(
    server: AuthorizationServer, client_id: str, redirect_uri: str | None, scope: str | None
) -> tuple[Client, str]:
    """The client, and where its answers go. Until both are known, nothing is redirected.

    Raises:
        InvalidRequest: the client is unknown, the redirect_uri not one of its own (RFC 9700
            sections 2.1 and 4.11.2), or left out beside ``openid`` (OpenID Connect Core section
            3.1.2.1).
    """
    client = known(server, client_id)
    if not client.redirect_uris:
        raise InvalidRequest("The client has registered no redirect_uri.")
    if redirect_uri is None and OPENID in (scope or "").split(" "):
        raise InvalidRequest("With openid in its scope, a request needs a redirect_uri.")
    if redirect_uri is None and len(client.redirect_uris) == 1:
        return client, client.redirect_uris[0]
    if redirect_uri is None or not client.registered_redirect_uri(redirect_uri):
        raise InvalidRequest("The redirect_uri is missing, or not one of the client's.")
    return client, redirect_uri


def validate(server: AuthorizationServer, request: AuthorizationRequest) -> Requested:
    """``request``, if its client may make it now: asked again whenever it comes back.

    Raises:
        InvalidRequest: client or redirect_uri is unknown, or the challenge is missing or malformed.
        UnauthorizedClient: the client did not register authorization_code, or the device grant.
        InvalidScope, InvalidTarget: more is asked for than the client is registered for.
    """
    redirect_uri = None
    if request.device is None:
        client, redirect_uri = _by_redirect(server, request)
    else:
        client = _by_device(server, request)
    resources = targets(server, client, request.resource, request.scope)
    scope = asked_of_user(server, client, resources, request.scope)
    wishes = request.claims if OPENID in scope else None
    return Requested(
        request=request,
        client=client,
        redirect_uri=redirect_uri,
        resources=resources,
        scope=scope,
        wishes=wishes,
        claims=_beyond(server, client, scope, wishes),
        own=server.issuer,
    )


def _beyond(
    server: AuthorizationServer, client: Client, scope: Scope, wishes: ClaimsRequest | None
) -> RequestedClaims:
    """What of ``wishes`` the client may be told and ``scope`` does not tell."""
    may_be_asked = server.registry.releasing.may_be_asked
    if wishes is None:
        return NO_CLAIMS
    wished = server.still_asked(client, wishes.named)
    told = {
        place: may_be_asked(names, scope, place)
        for place, names in ((Place.ID_TOKEN, wished.id_token), (Place.USERINFO, wished.userinfo))
    }
    return RequestedClaims(
        id_token=tuple(n for n in wished.id_token if n not in told[Place.ID_TOKEN]),
        userinfo=tuple(n for n in wished.userinfo if n not in told[Place.USERINFO]),
    )


def _as_scope(claim: str) -> str:
    """A claim as what is agreed to has it, among scopes: no scope has a space in it."""
    return f"claim {claim}"


def _by_redirect(server: AuthorizationServer, request: AuthorizationRequest) -> tuple[Client, str]:
    client, redirect_uri = recipient(server, request.client_id, request.redirect_uri, request.scope)
    if "authorization_code" not in client.grant_types:
        raise UnauthorizedClient("The client may not use authorization codes.")
    if request.code_challenge is not None:
        pkce.check_challenge(request.code_challenge, request.code_challenge_method)
    elif client.require_pkce or request.code_challenge_method is not None:
        raise InvalidRequest("The client must send a code_challenge.")
    return client, redirect_uri


def _by_device(server: AuthorizationServer, request: AuthorizationRequest) -> Client:
    client = known(server, request.client_id)
    if GRANT_TYPE not in client.grant_types:
        raise UnauthorizedClient("The client may not log in on devices.")
    return client


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
    user = server.registry.users.get(username)
    try:
        user = server.living_user(user.sub if user else "")
    except InvalidGrant:
        raise InvalidRequest("There is no such user, or none that is active.") from None
    requested = validate(server, request)
    auth_time = now if auth_time is None else auth_time
    return seal_code(server, requested, sub=user.sub, auth_time=auth_time, now=now)


def seal_code(
    server: AuthorizationServer,
    requested: Requested,
    *,
    sub: str,
    auth_time: int,
    now: int,
    login: Login | None = None,
) -> str:
    """The code for what ``sub`` granted.

    Raises:
        TemporarilyUnavailable: the key ring has no current key.
    """
    request = requested.request
    code = AuthorizationCode(
        id=fresh_id(),
        client_id=requested.client.client_id,
        sub=sub,
        redirect_uri=requested.redirect_uri or "",
        redirect_uri_sent=request.redirect_uri is not None,
        scope=requested.scope,
        resources=tuple(each.resource for each in requested.resources),
        auth_time=auth_time,
        issued_at=now,
        expires_at=now + _lifetime(server, requested),
        code_challenge=request.code_challenge,
        nonce=request.nonce,
        login=server.as_registered(sub, login),
        dpop_jkt=request.dpop_jkt,
        claims=requested.claims if requested.named else None,
        seed=token_bytes(SEED_BYTES),
    )
    return server.seal(code, now=now)


def _lifetime(server: AuthorizationServer, requested: Requested) -> int:
    """Seconds that the code lives: what is registered, but half of its access token's at most.

    The token's life is counted from the code's, so that redeeming a code again, where no store can
    refuse it, yields the same token and never a later one.
    """
    client = requested.client
    registered = client.authorization_code_lifetime
    lifetime = registered or server.registry.issuer.authorization_code_lifetime
    if server.registry.is_fapi2(client):
        lifetime = min(lifetime, fapi2.MOST_CODE_LIFETIME)
    lifetimes = (server.registry.access_token_lifetime(client, r) for r in requested.resources)
    return min(lifetime, max(1, min(lifetimes) // 2))
