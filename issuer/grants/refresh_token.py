"""``refresh_token``: the same grant again, without the user (RFC 6749 section 6).

A confidential client keeps its refresh token until it expires: rotating it would add nothing to the
client's own credentials, and lose the session with a lost response (FAPI 2.0 section 5.3.2.1).
"""

import hmac
from functools import partial

from issuer.errors import InvalidGrant
from issuer.grants.target import (
    granted_target,
    openid_scope,
    refreshed_scope,
    still_allowed,
    still_granted,
)
from issuer.protocol import revocation
from issuer.protocol.request import AuthenticatedRequest, Authorization
from issuer.protocol.sealed import RefreshToken, fresh_id
from issuer.registry.scope import OFFLINE_ACCESS
from issuer.server import AuthorizationServer
from keys.sealing import Unsealable


def authorize(server: AuthorizationServer, authenticated: AuthenticatedRequest) -> Authorization:
    """What the token's user granted, less what the registry has withdrawn since.

    Narrowing with ``scope`` holds for this access token only: the refresh token keeps the grant.

    Raises:
        InvalidRequest: the refresh token is missing.
        InvalidGrant: it was not sealed here, has expired, is another client's, or its user is gone.
        InvalidTarget, InvalidScope: more is requested than was granted.
    """
    client, form, now = authenticated.client, authenticated.form, authenticated.received_at
    text = form.require("refresh_token")
    held = _open(server, text, now)
    if not hmac.compare_digest(held.client_id.encode(), client.client_id.encode()):
        raise refused("another client's")
    if client.is_public:
        raise refused("the client is public by now")
    user = server.living_user(held.sub, held.login)
    server.check_not_before(held.issued_at, client, user)
    resources = still_allowed(server, client, held.resources)
    resource = granted_target(server, held.resources, resources, form.all("resource"))
    granted = still_granted(client, held.scope)
    scope, openid = refreshed_scope(
        resource, granted, openid_scope(server, resources, granted), form.get("scope")
    )
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
        refresh_token=text,
        grant_id=held.grant,
        once=authenticated.once,
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
    )


def _open(server: AuthorizationServer, text: str, now: int) -> RefreshToken:
    try:
        return server.sealer.open(RefreshToken, text, now=now)
    except Unsealable as error:
        raise refused(error.detail) from None


def refused(detail: str) -> InvalidGrant:
    """The one answer to every refresh token that is not good."""
    return InvalidGrant("The refresh token is not valid.", detail=f"refresh token: {detail}")
