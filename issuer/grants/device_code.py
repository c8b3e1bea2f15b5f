"""The device grant: what a user granted in a browser to a device without one (RFC 8628).

Whether they have decided, the store knows alone. So a device code that is good says first that
nothing is decided yet, and what to do once the gate has asked.
"""

import hmac
from functools import partial
from typing import NoReturn

from issuer.errors import AccessDenied, ExpiredToken, InvalidGrant
from issuer.grants.refreshing import new_refresh_token
from issuer.grants.target import (
    granted_target,
    openid_scope,
    scope_at,
    still_allowed,
    still_granted,
)
from issuer.protocol import redemption, revocation
from issuer.protocol.deciding import Undecided
from issuer.protocol.device import DeviceCode, DeviceDecision
from issuer.protocol.replay import Once
from issuer.protocol.request import AuthenticatedRequest, Authorization
from issuer.protocol.sealed import fresh_id
from issuer.registry.client import Client
from issuer.server import AuthorizationServer
from keys.sealing import Unsealable

LEGIBLE = 86_400
"""Seconds for which a device code that has expired is told from one that never was."""


def authorize(server: AuthorizationServer, authenticated: AuthenticatedRequest) -> NoReturn:
    """Never what was granted: nobody here knows whether anything was.

    Raises:
        Undecided: the store has to be asked.
        InvalidRequest: the code is missing.
        InvalidGrant: the code was not sealed here, or is another client's.
        ExpiredToken: it has expired.
    """
    now = authenticated.received_at
    code = _open(server, authenticated.form.require("device_code"), now)
    _check_client(code, authenticated.client)
    if now >= code.expires_at:
        raise ExpiredToken("The device_code has expired.")
    raise Undecided(code, authenticated.once, partial(_decided, server, authenticated, code))


def _decided(
    server: AuthorizationServer, authenticated: AuthenticatedRequest, code: DeviceCode, kept: str
) -> Authorization | None:
    """What the user granted, less what the registry has withdrawn since.

    Raises:
        AccessDenied: they said no.
        InvalidGrant: the user is gone, or a line was drawn since the code was made.
        InvalidTarget: it is not for the requested resource, or for none any more.
    """
    client, form, now = authenticated.client, authenticated.form, authenticated.received_at
    try:
        decision = server.sealer.open(DeviceDecision, kept, now=now)
    except Unsealable:
        return None
    if decision.id != code.id:  # a name in the store is a hash, and codes are few
        raise refused("the decision is about another")
    if not decision.sub:
        raise AccessDenied("The user said no.")
    user = server.living_user(decision.sub, decision.login)
    server.check_not_before(code.issued_at, client, user)
    login = server.as_registered(decision.sub, decision.login)
    resources = still_allowed(server, client, decision.resources)
    resource = granted_target(server, decision.resources, resources, form.all("resource"))
    is_bound = authenticated.binding is not None
    granted = still_granted(server, client, decision.scope, is_bound=is_bound)
    grant_id = redemption.grant_id(code)
    refresh_token = new_refresh_token(
        server,
        client,
        id=fresh_id(),
        grant_id=grant_id,
        sub=decision.sub,
        scope=granted,
        resources=resources,
        auth_time=decision.auth_time,
        issued_at=decision.issued_at,
        login=login,
        binding=authenticated.binding,
    )
    ends_at = refresh_token.last_expires_at if refresh_token else now
    return Authorization(
        id=fresh_id(),
        client=client,
        user=user,
        scope=scope_at(resource, granted),
        resource=resource,
        issued_at=now,
        received_at=now,
        auth_time=decision.auth_time,
        login=login,
        openid_scope=openid_scope(server, resources, granted),
        refresh_token=refresh_token,
        grant_id=grant_id,
        once=(_once(code, grant_id, ends_at=ends_at, now=now),),
        standing=(
            revocation.standing(
                grant_id=grant_id,
                sub=decision.sub,
                client_id=code.client_id,
                sid=login.sid if login else "",
                issued_at=code.issued_at,
                refusal=partial(refused, "revoked"),
            ),
        ),
        credential=authenticated.credential,
        binding=authenticated.binding,
    )


def _open(server: AuthorizationServer, text: str, now: int) -> DeviceCode:
    """What ``text`` holds, which may have expired."""
    try:
        return server.sealer.open(DeviceCode, text, now=now - LEGIBLE)
    except Unsealable as error:
        raise refused(error.detail) from None


def _check_client(code: DeviceCode, client: Client) -> None:
    if not hmac.compare_digest(code.client_id.encode(), client.client_id.encode()):
        raise refused("another client's")


def _once(code: DeviceCode, grant_id: str, *, ends_at: int, now: int) -> Once:
    """Whoever redeems it again may be a thief, or the first one was (RFC 6749 section 4.1.2)."""
    return Once(
        id=f"{code.PURPOSE}:{code.id}",
        issued_at=code.issued_at,
        expires_at=code.expires_at,
        refusal=partial(refused, "spent before, so what it gave is revoked"),
        revokes=revocation.of_grant(grant_id, ends_at=ends_at, now=now),
    )


def refused(detail: str) -> InvalidGrant:
    """The one answer to every device code that is not good (P24)."""
    return InvalidGrant("The device_code is not valid.", detail=f"device_code: {detail}")
