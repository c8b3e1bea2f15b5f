"""When a grant comes with a refresh token, what that is good for, and what takes its place.

A public client's refresh token is good once, for nothing tells the client from a thief: of the two
one comes second, and that ends the grant (RFC 9700 section 4.14.2). Whoever comes second within the
grace gets what the first got: an answer got lost, or two tabs asked at once.
"""

from functools import partial

from msgspec.structs import replace

from issuer.errors import InvalidGrant
from issuer.protocol import redemption, revocation
from issuer.protocol.binding import Binding
from issuer.protocol.replay import Once
from issuer.protocol.sealed import Login, RefreshToken, RequestedClaims
from issuer.registry.client import Client
from issuer.registry.scope import OFFLINE_ACCESS, Scope
from issuer.server import AuthorizationServer


def can_refresh(server: AuthorizationServer, client: Client, *, is_bound: bool) -> bool:
    """True where ``client`` can have a refresh token, which ``is_bound`` to a key of its own.

    Without one a public client cannot where nothing remembers what was used: a thief's would be as
    good (RFC 9700 section 4.14.2).
    """
    if "refresh_token" not in client.grant_types:
        return False
    return not client.is_public or is_bound or server.registry.issuer.has_store


def rotates(server: AuthorizationServer, client: Client, *, is_bound: bool) -> bool:
    """True where a refresh token that ``client`` gets is good once."""
    if not server.registry.issuer.has_store:
        return False
    return (client.is_public and not is_bound) or client.rotate_refresh_tokens


def new_refresh_token(  # noqa: PLR0913  what was granted, each by its name
    server: AuthorizationServer,
    client: Client,
    *,
    id: str,  # noqa: A002  as the token calls it
    grant_id: str,
    sub: str,
    scope: Scope,
    resources: tuple[str, ...],
    auth_time: int,
    issued_at: int,
    login: Login | None = None,
    binding: Binding | None = None,
    claims: RequestedClaims | None = None,
) -> RefreshToken | None:
    """A refresh token for what was granted; None where this client gets none, or did not ask.

    A public client's is bound to the key that it proves to hold. Others prove who they are at each
    use, and may change their keys meanwhile (RFC 9449 section 5, FAPI 2.0 section 5.3.2.1).

    A client that registered ``offline_access`` asks by it each time; any other always does. The
    token can be used with the client's own credentials only, until an end that refreshing never
    moves.
    """
    bound = binding if client.is_public else None
    if not can_refresh(server, client, is_bound=bound is not None):
        return None
    if OFFLINE_ACCESS in client.scope and OFFLINE_ACCESS not in scope:
        return None
    lifetime = client.refresh_token_lifetime or server.registry.issuer.refresh_token_lifetime
    ends_at = issued_at + lifetime
    return RefreshToken(
        id=id,
        client_id=client.client_id,
        sub=sub,
        scope=scope,
        resources=resources,
        auth_time=auth_time,
        issued_at=issued_at,
        expires_at=_idle_end(server, client, issued_at, ends_at),
        login=login,
        grant_id=grant_id,
        grant_expires_at=ends_at,
        is_rotating=rotates(server, client, is_bound=bound is not None),
        is_public=client.is_public,
        binding=bound,
        claims=claims,
    )


def is_good_once(server: AuthorizationServer, client: Client, held: RefreshToken) -> bool:
    """True where ``held`` must not be used again.

    Either was enough: a token that was superseded does not come back to life by an edit.
    """
    if not server.registry.issuer.has_store:
        return False
    return held.is_rotating or rotates(server, client, is_bound=held.binding is not None)


def grace(server: AuthorizationServer, client: Client) -> int:
    """Seconds after its use in which a refresh token yields its successor again."""
    own = client.refresh_token_grace
    return server.registry.issuer.refresh_token_grace if own is None else own


def once(server: AuthorizationServer, client: Client, held: RefreshToken, now: int) -> Once:
    """What the store is asked of ``held``, and what it revokes where that was used before."""
    return Once(
        id=f"{held.PURPOSE}:{held.id}",
        issued_at=held.rotated_at or held.issued_at,
        expires_at=held.expires_at + grace(server, client),
        refusal=partial(refused, "used before, so its grant is revoked; the user logs in again"),
        grace=grace(server, client),
        revokes=revocation.of_grant(held.grant, ends_at=held.last_expires_at, now=now),
    )


def kept(
    server: AuthorizationServer, client: Client, held: RefreshToken, now: int
) -> RefreshToken | None:
    """``held`` with a later end, as it was used at ``now``; None where it has none to come."""
    expires_at = _idle_end(server, client, now, held.last_expires_at)
    if expires_at <= held.expires_at:
        return None
    return replace(
        held,
        expires_at=expires_at,
        grant_expires_at=held.last_expires_at,
        login=server.as_registered(held.sub, held.login),
    )


def successor(
    server: AuthorizationServer, client: Client, held: RefreshToken, spent_at: int
) -> RefreshToken:
    """What takes the place of ``held``, which was used at ``spent_at``.

    Whoever asks, and wherever, it is the same one: nothing in it is of this request. It keeps the
    grant as it was given, and its end.

    Raises:
        InvalidGrant: ``held`` had expired by then. It was let through for whoever used it in time.
    """
    if spent_at >= held.expires_at:
        raise refused("unused for too long")
    return replace(
        held,
        id=redemption.successor_id(held),
        grant_id=held.grant,
        rotated_at=spent_at,
        expires_at=_idle_end(server, client, spent_at, held.last_expires_at),
        grant_expires_at=held.last_expires_at,
        is_rotating=rotates(server, client, is_bound=held.binding is not None),
        is_public=client.is_public,
        login=server.as_registered(held.sub, held.login),
    )


def _idle_end(server: AuthorizationServer, client: Client, used_at: int, ends_at: int) -> int:
    idle = client.refresh_token_idle_lifetime or server.registry.issuer.refresh_token_idle_lifetime
    return ends_at if idle is None else min(ends_at, used_at + idle)


def refused(detail: str) -> InvalidGrant:
    """The one answer to every refresh token that is not good."""
    return InvalidGrant("The refresh token is not valid.", detail=f"refresh token: {detail}")
