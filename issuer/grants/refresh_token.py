"""``refresh_token``: the same grant again, without the user (RFC 6749 section 6).

A confidential client keeps its refresh token until it expires: rotating it would add nothing to the
client's own credentials, and lose the session with a lost response (FAPI 2.0 section 5.3.2.1). That
of a public client is good once: the gate spends it, and what takes its place hangs on when.
"""

import hmac
from functools import partial

from issuer.grants import refreshing
from issuer.grants.refreshing import can_refresh, grace, is_good_once, kept, refused
from issuer.grants.target import (
    granted_target,
    openid_scope,
    refreshed_scope,
    still_allowed,
    still_granted,
)
from issuer.protocol import revocation
from issuer.protocol.binding import Binding
from issuer.protocol.request import AuthenticatedRequest, Authorization
from issuer.protocol.sealed import RefreshToken, fresh_id
from issuer.registry.client import Client
from issuer.registry.scope import OFFLINE_ACCESS
from issuer.server import AuthorizationServer
from keys.sealing import Unsealable


def authorize(server: AuthorizationServer, authenticated: AuthenticatedRequest) -> Authorization:
    """What the token's user granted, less what the registry has withdrawn since.

    Narrowing with ``scope`` holds for this access token only: the refresh token keeps the grant.
    Whether a token that is good once was used before, nothing here can know.

    Raises:
        InvalidRequest: the refresh token is missing.
        InvalidGrant: it was not sealed here, has expired, is another client's or bound to another
            key, or its user is gone.
        InvalidTarget, InvalidScope: more is requested than was granted.
    """
    client, form, now = authenticated.client, authenticated.form, authenticated.received_at
    text = form.require("refresh_token")
    held = _open(server, client, text, now)
    if not hmac.compare_digest(held.client_id.encode(), client.client_id.encode()):
        raise refused("another client's")
    _check_end(server, client, held, now)
    _check_proof(server, client, held)
    _check_binding(held, authenticated.binding)
    user = server.living_user(held.sub, held.login)
    server.check_not_before(held.issued_at, client, user)
    resources = still_allowed(server, client, held.resources)
    resource = granted_target(server, held.resources, resources, form.all("resource"))
    granted = still_granted(server, client, held.scope, is_bound=held.binding is not None)
    scope, openid = refreshed_scope(
        resource, granted, openid_scope(server, resources, granted), form.get("scope")
    )
    spent = is_good_once(server, client, held)
    return Authorization(
        id=fresh_id(),
        client=client,
        user=user,
        scope=scope,
        resource=resource,
        issued_at=now,
        received_at=now,
        auth_time=held.auth_time,
        login=server.as_registered(held.sub, held.login),
        openid_scope=openid,
        claims=server.still_asked(client, held.claims if openid is not None else None),
        refresh_token=None if spent else kept(server, client, held, now) or text,
        superseded=held if spent else None,
        grant_id=held.grant,
        once=(
            (*authenticated.once, refreshing.once(server, client, held, now))
            if spent
            else authenticated.once
        ),
        standing=(
            revocation.standing(
                grant_id=held.grant,
                sub=held.sub,
                client_id=held.client_id,
                sid=held.login.sid if held.login and OFFLINE_ACCESS not in held.scope else "",
                issued_at=held.issued_at,
                refusal=partial(refused, "revoked"),
            ),
        ),
        credential=authenticated.credential,
        binding=authenticated.binding,
    )


def _open(server: AuthorizationServer, client: Client, text: str, now: int) -> RefreshToken:
    """What ``text`` holds; ``_check_end`` says whether it is over."""
    try:
        return server.sealer.open(RefreshToken, text, now=now - grace(server, client))
    except Unsealable as error:
        raise refused(error.detail) from None


def _check_end(server: AuthorizationServer, client: Client, held: RefreshToken, now: int) -> None:
    """Returns before the end of ``held``, and where it may have been used in time, in the grace.

    That is for who used it in the last second of its idle time and heard nothing. Whether they did,
    ``refreshing.successor`` finds out. A grant's own end is not moved by any grace.
    """
    if now < held.expires_at:
        return
    if now >= held.last_expires_at or not is_good_once(server, client, held):
        raise refused("expired")


def _check_proof(server: AuthorizationServer, client: Client, held: RefreshToken) -> None:
    """Returns where ``client`` still proves as much as it did when ``held`` was made (P21)."""
    if client.is_public and not held.is_public:
        raise refused("the client is public by now")
    if not can_refresh(server, client, is_bound=held.binding is not None):
        raise refused("a public client's, and there is no store by now")


def _check_binding(held: RefreshToken, proved: Binding | None) -> None:
    """Returns where who asks holds the key that ``held`` is bound to, if it is to any."""
    if held.binding is not None and held.binding != proved:
        raise refused("bound to a key that was not proved" if proved is None else "another key's")
