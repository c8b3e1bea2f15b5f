"""``Bearer``: a JWT that any resource server can verify (RFC 6750, RFC 9068)."""

from typing import Any

from issuer.protocol.binding import JKT, Binding
from issuer.protocol.request import Authorization
from issuer.protocol.sealed import UserinfoClaims
from issuer.registry.released import Place
from issuer.registry.scope import Scope
from issuer.server import AuthorizationServer
from keys.access_tokens import LEEWAY

TYP = "at+jwt"

USERINFO = "userinfo"
"""The claim by which an access token tells /userinfo of a user whom no registry knows.

The issuer keeps nothing of them. It is sealed: the token's audience is told at /userinfo alone.
"""


USERINFO_CLAIMS = "userinfo_claims"
"""The claim by which an access token tells /userinfo which claims were asked for by name."""


def mint(
    server: AuthorizationServer, authorization: Authorization, expires_at: int
) -> dict[str, object]:
    """A signed access token.

    Raises:
        TemporarilyUnavailable: no signing key is current.
    """
    claims = access_token_claims(server, authorization, expires_at)
    key = server.signing_key(authorization.received_at, issued_at=authorization.issued_at)
    access_token = key.sign(TYP, claims, convergent=authorization.converges)
    return {"access_token": access_token, "token_type": token_type(authorization.binding)}


def token_type(binding: Binding | None) -> str:
    """How the token is to be presented: by whoever bears it, or with proofs (RFC 9449 section 5).

    A certificate is shown by TLS, so such a token is borne like any other (RFC 8705 section 3).
    """
    return "DPoP" if binding is not None and binding.method == JKT else "Bearer"


def access_token_claims(
    server: AuthorizationServer, authorization: Authorization, expires_at: int
) -> dict[str, object]:
    """The claims of RFC 9068 section 2.2, those that the client's registration adds, or else a
    federation, and what the scope lets the resource know of the user."""
    client, resource, user = authorization.client, authorization.resource, authorization.user
    who = authorization.openid_scope is not None and resource.tells_who
    scope = authorization.granted if who else authorization.scope
    claims: dict[str, object] = {
        **client.claims,
        **_of_user(server, authorization, scope),
        "iss": server.issuer,
        "sub": authorization.sub if user is None else server.told_sub(client, user.sub),
        "aud": resource.resource,
        "client_id": client.client_id,
        "iat": authorization.issued_at,
        "exp": expires_at,
        "jti": authorization.jti,
    }
    if authorization.exchanged is not None and authorization.exchanged.act is not None:
        claims["act"] = authorization.exchanged.act
    if authorization.mapped:
        claims = {**authorization.mapped, **claims}
    if scope:
        claims["scope"] = str(scope)
    if authorization.binding is not None:
        claims["cnf"] = authorization.binding.cnf
    if authorization.grant_id and server.registry.issuer.has_store:
        claims["grant_id"] = authorization.grant_id
    if authorization.auth_time is not None:
        claims["auth_time"] = authorization.auth_time
    if who and authorization.claims.userinfo:
        claims[USERINFO_CLAIMS] = list(authorization.claims.userinfo)
    login = authorization.login
    if login is not None and login.claims is not None and resource.tells_who:
        claims |= _of_no_registry(server, authorization, expires_at)
    return claims


def _of_user(
    server: AuthorizationServer, authorization: Authorization, scope: Scope
) -> dict[str, Any]:
    user, releasing = authorization.user, server.registry.releasing
    if user is None or not releasing.tells_in_access_tokens:
        return {}
    return releasing.told(user, scope, Place.ACCESS_TOKEN)


def _of_no_registry(
    server: AuthorizationServer, authorization: Authorization, expires_at: int
) -> dict[str, object]:
    user, scope = authorization.user, authorization.openid_scope
    if user is None or scope is None:
        return {}
    held = UserinfoClaims(
        claims=server.registry.releasing.sealable(user, scope, authorization.claims.userinfo),
        jti=authorization.jti,
        expires_at=expires_at + LEEWAY,
    )
    sealed = server.seal(
        held,
        now=authorization.received_at,
        issued_at=authorization.issued_at,
        convergent=authorization.converges,
    )
    return {USERINFO: sealed}
