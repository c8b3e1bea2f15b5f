"""``authorization_code``: what a user granted in a browser (RFC 6749 section 4.1, RFC 7636)."""

import hmac
from functools import partial

from issuer.errors import InvalidGrant
from issuer.grants.refreshing import new_refresh_token
from issuer.grants.target import (
    granted_target,
    openid_scope,
    scope_at,
    still_allowed,
    still_granted,
)
from issuer.protocol import pkce, redemption, revocation
from issuer.protocol.binding import JKT, Binding
from issuer.protocol.form import Form
from issuer.protocol.replay import Once
from issuer.protocol.request import AuthenticatedRequest, Authorization
from issuer.protocol.sealed import AuthorizationCode
from issuer.registry.client import Client
from issuer.server import AuthorizationServer
from keys.sealing import Unsealable


def authorize(server: AuthorizationServer, authenticated: AuthenticatedRequest) -> Authorization:
    """What the code's user granted, less what the registry has withdrawn since.

    Raises:
        InvalidRequest: the code is missing.
        InvalidGrant: the code was not sealed here, has expired, belongs to another client or
            redirect URI, is not answered by the code_verifier, is bound to another key, or its
            user is gone.
        InvalidTarget: the code is not for the requested resource, or for none any more.
    """
    client, form, now = authenticated.client, authenticated.form, authenticated.received_at
    code = _open(server, form.require("code"), now)
    _check_binding(code, client, form)
    _check_key(code, authenticated.binding)
    user = server.living_user(code.sub, code.login)
    server.check_not_before(code.issued_at, client, user)
    login = server.as_registered(code.sub, code.login)
    resources = still_allowed(server, client, code.resources)
    resource = granted_target(server, code.resources, resources, form.all("resource"))
    is_bound = authenticated.binding is not None
    granted = still_granted(server, client, code.scope, is_bound=is_bound)
    openid = openid_scope(server, resources, granted)
    claims = server.still_asked(client, code.claims if openid is not None else None)
    grant_id = redemption.grant_id(code)
    refresh_token = new_refresh_token(
        server,
        client,
        id=code.id,
        grant_id=grant_id,
        sub=code.sub,
        scope=granted,
        resources=resources,
        auth_time=code.auth_time,
        issued_at=code.issued_at,
        login=login,
        binding=authenticated.binding,
        claims=code.claims,
    )
    ends_at = refresh_token.last_expires_at if refresh_token else now
    return Authorization(
        id=code.id,
        client=client,
        user=user,
        scope=scope_at(resource, granted),
        resource=resource,
        issued_at=code.issued_at,
        received_at=now,
        auth_time=code.auth_time,
        login=login,
        openid_scope=openid,
        claims=claims,
        code=code,
        refresh_token=refresh_token,
        grant_id=grant_id,
        once=(*authenticated.once, _once(code, grant_id, ends_at=ends_at, now=now)),
        standing=(
            revocation.standing(
                grant_id=grant_id,
                sub=code.sub,
                client_id=code.client_id,
                sid=login.sid if login else "",
                issued_at=code.issued_at,
                refusal=partial(refused, "revoked"),
            ),
        ),
        credential=authenticated.credential,
        binding=authenticated.binding,
    )


def _open(server: AuthorizationServer, text: str, now: int) -> AuthorizationCode:
    try:
        return server.sealer.open(AuthorizationCode, text, now=now)
    except Unsealable as error:
        raise refused(error.detail) from None


def _check_binding(code: AuthorizationCode, client: Client, form: Form) -> None:
    if not hmac.compare_digest(code.client_id.encode(), client.client_id.encode()):
        raise refused("another client's code")
    presented = form.get("redirect_uri")
    # With PKCE it may be left out (OAuth 2.1), unless the client wants RFC 6749 section 4.1.3 to
    # the letter; what is there must be right all the same.
    demanded = client.require_redirect_uri or code.code_challenge is None
    if presented is None and demanded and code.redirect_uri_sent:
        raise refused("redirect_uri is missing")
    if presented is not None and presented != code.redirect_uri:
        raise refused("another redirect_uri")
    if not client.registered_redirect_uri(code.redirect_uri):
        raise refused("redirect_uri is not registered any more")
    if client.require_pkce and code.code_challenge is None:
        raise refused("the client requires PKCE by now")
    pkce.verify(code.code_challenge, form.get("code_verifier"))


def _check_key(code: AuthorizationCode, proved: Binding | None) -> None:
    """Returns where who redeems ``code`` holds the key that it was asked for with, if with any."""
    if code.dpop_jkt is not None and Binding(JKT, code.dpop_jkt) != proved:
        raise refused("dpop_jkt is another key's" if proved else "dpop_jkt, and no key was proved")


def _once(code: AuthorizationCode, grant_id: str, *, ends_at: int, now: int) -> Once:
    """RFC 6749 section 4.1.2: who redeems it again, and has proved all there is to prove, may be a
    thief, or the first one was."""
    return Once(
        id=f"{code.PURPOSE}:{code.id}",
        issued_at=code.issued_at,
        expires_at=code.expires_at,
        refusal=partial(refused, "spent before, so what it gave is revoked"),
        revokes=revocation.of_grant(grant_id, ends_at=ends_at, now=now),
    )


def refused(detail: str) -> InvalidGrant:
    """The one answer to every code that is not good: no oracle tells forged from used (P24)."""
    return InvalidGrant("The code is not valid.", detail=f"code: {detail}")
