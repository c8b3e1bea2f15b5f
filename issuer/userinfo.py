"""Who the user is, told to whoever holds their access token (OpenID Connect Core section 5.3)."""

from collections.abc import Mapping
from typing import Any

from issuer.errors import InvalidGrant
from issuer.scope import OPENID, Scope
from issuer.sealed import Login
from issuer.server import AuthorizationServer
from issuer.token_types.bearer import USERINFO
from keys import AccessToken, InsufficientScope, InvalidToken, KeySet, Verifier


def userinfo(server: AuthorizationServer, authorization: str | None, now: int) -> dict[str, Any]:
    """What the bearer of the token in an ``Authorization`` header may know of its user, by now.

    The token is verified as any resource server would; then, unlike one, the live registry is
    asked.

    Raises:
        InvalidToken: the token is not for the issuer itself or not valid, or its client or user is
            gone, inactive, or has drawn a line since.
        InsufficientScope: it was granted without ``openid``, or its client may not have that now.
    """
    keys = KeySet(server.ring.verification_keys(now))
    token = Verifier(server.issuer, server.issuer, keys).verify_header(authorization, now=now)
    client = server.registry.clients.get(token.client_id)
    if client is None:
        raise InvalidToken("its client is gone")
    scope = Scope(token.scope).only(client.scope)
    if OPENID not in scope:
        raise InsufficientScope((OPENID,), scope)
    try:
        user = server.living_user(token.subject, _login(token))
        server.check_not_before(token.issued_at, client, user)
    except InvalidGrant as refused:
        raise InvalidToken(refused.detail) from None
    return {"sub": user.sub, **user.claims(scope)}


def _login(token: AccessToken) -> Login | None:
    said = token.claims.get(USERINFO)
    if not isinstance(said, Mapping):
        return None
    return Login(claims={k: dict(v) if isinstance(v, Mapping) else v for k, v in said.items()})
