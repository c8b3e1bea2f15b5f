"""Who the user is, told to whoever holds their access token (OpenID Connect Core section 5.3)."""

from typing import Any

from issuer.errors import InvalidGrant
from issuer.protocol.sealed import Login, UserinfoClaims
from issuer.registry.scope import OPENID, Scope
from issuer.server import AuthorizationServer
from issuer.token_types.bearer import USERINFO
from keys import AccessToken, InsufficientScope, InvalidToken, KeySet, Verifier, jws
from keys.encoding import from_base64url, parse_object
from keys.sealing import Unsealable


def userinfo(server: AuthorizationServer, authorization: str | None, now: int) -> dict[str, Any]:
    """What the bearer of the token in an ``Authorization`` header may know of its user, by now.

    It may be for any resource that did not register ``userinfo = false``. The token is verified as
    that resource would; then, unlike there, the live registry is asked.

    Raises:
        InvalidToken: the token is not valid, or not good here, or its client, user or audience is
            gone, inactive, or has drawn a line since.
        InsufficientScope: it was granted without ``openid``, or its client may not have that now.
    """
    keys = KeySet(server.ring.verification_keys(now))
    verifier = Verifier(server.issuer, _audience(server, authorization), keys)
    token = verifier.verify_header(authorization, now=now)
    client = server.registry.clients.get(token.client_id)
    if client is None:
        raise InvalidToken("its client is gone")
    scope = Scope(token.scope).only(client.scope)
    if OPENID not in scope:
        raise InsufficientScope((OPENID,), scope)
    if token.audience not in server.audiences(client):
        raise InvalidToken("its audience is not its client's any more")
    try:
        user = server.living_user(token.subject, _login(server, token, now))
        server.check_not_before(token.issued_at, client, user)
    except InvalidGrant as refused:
        raise InvalidToken(refused.detail) from None
    return {"sub": user.sub, **user.claims(scope)}


def _audience(server: AuthorizationServer, authorization: str | None) -> str:
    """Whom the token must be for: the resource that it names, where that one's are good here.

    Nothing is believed of it: what names another, or nothing, is held to be for the issuer.
    """
    try:
        unverified = jws.parse((authorization or "").rpartition(" ")[2])
        named = parse_object(from_base64url(unverified.payload)).get("aud")
    except (InvalidToken, ValueError):
        named = None
    resource = server.registry.resource(named) if isinstance(named, str) else None
    return resource.resource if resource is not None and resource.tells_who else server.issuer


def _login(server: AuthorizationServer, token: AccessToken, now: int) -> Login | None:
    sealed = token.claims.get(USERINFO)
    if not isinstance(sealed, str):
        return None
    try:
        return Login(claims=server.sealer.open(UserinfoClaims, sealed, now=now).claims)
    except Unsealable as unsealable:
        raise InvalidToken(f"userinfo: {unsealable.detail}") from None
