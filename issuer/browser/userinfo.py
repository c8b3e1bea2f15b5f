"""Who the user is, told to whoever holds their access token (OpenID Connect Core section 5.3)."""

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

from issuer.errors import InvalidGrant
from issuer.protocol.replay import Standing
from issuer.registry.scope import OPENID, Scope
from issuer.server import AuthorizationServer
from issuer.token_types.returned import parties, standing
from keys import AccessToken, InsufficientScope, InvalidToken
from keys import claims as claims_of
from keys.errors import MissingToken


class Told(NamedTuple):
    """An answer, and what must not have been revoked for it to be given."""

    claims: Mapping[str, Any]
    standing: Standing


def tell(server: AuthorizationServer, authorization: str | None, now: int) -> Told:
    """What the bearer of the token in an ``Authorization`` header may know of its user, by now.

    It may be for any resource that did not register ``userinfo = false``. The token is verified as
    that resource would; then, unlike there, the live registry is asked.

    Raises:
        InvalidToken: the token is not valid, or not good here, or its client, user or audience is
            gone, inactive, or has drawn a line since.
        InsufficientScope: it was granted without ``openid``, or its client may not have that now.
    """
    token = _shown(server, authorization, now)
    client, user = parties(server, token, now)
    scope = Scope(token.scope).only(client.scope)
    if OPENID not in scope:
        raise InsufficientScope((OPENID,), scope)
    if user is None:
        raise InvalidToken("user gone or inactive")
    return Told(
        claims={"sub": user.sub, **user.claims(scope)},
        standing=standing(token, partial(InvalidGrant, "The token was revoked.")),
    )


def _shown(server: AuthorizationServer, authorization: str | None, now: int) -> AccessToken:
    """The bearer token of the header, for a resource whose tokens are good here."""
    scheme, _, text = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not text:
        raise MissingToken("no bearer token", realm=server.issuer)
    token = server.issued.verify(text.strip(" "), now)
    claims_of.check_bearer(token.claims)
    resource = server.registry.resource(token.audience)
    if token.scheme != "Bearer" or resource is None or not resource.tells_who:
        raise InvalidToken(f"aud is {ascii(token.audience)[:80]}")
    return token
