"""``Bearer``: a JWT that any resource server can verify (RFC 6750, RFC 9068)."""

from issuer.request import Authorization
from issuer.server import AuthorizationServer

TYP = "at+jwt"

USERINFO = "userinfo"
"""The claim by which an access token for the issuer itself tells of a user whom no registry knows.

The issuer keeps nothing of them, and their client may know what it says.
"""


def mint(
    server: AuthorizationServer, authorization: Authorization, expires_at: int
) -> dict[str, object]:
    """A signed access token.

    Raises:
        TemporarilyUnavailable: no signing key is current.
    """
    claims = access_token_claims(server, authorization, expires_at)
    key = server.signing_key(authorization.received_at)
    return {"access_token": key.sign(TYP, claims), "token_type": "Bearer"}


def access_token_claims(
    server: AuthorizationServer, authorization: Authorization, expires_at: int
) -> dict[str, object]:
    """The claims of RFC 9068 section 2.2, and those that the client's registration adds."""
    client = authorization.client
    claims: dict[str, object] = {
        **client.claims,
        "iss": server.issuer,
        "sub": authorization.sub,
        "aud": authorization.resource.resource,
        "client_id": client.client_id,
        "iat": authorization.issued_at,
        "exp": expires_at,
        "jti": authorization.id,
    }
    if authorization.scope:
        claims["scope"] = str(authorization.scope)
    if authorization.auth_time is not None:
        claims["auth_time"] = authorization.auth_time
    login = authorization.login
    if login is not None and login.claims is not None:
        claims |= _of_no_registry(server, authorization)
    return claims


def _of_no_registry(server: AuthorizationServer, authorization: Authorization) -> dict[str, object]:
    user = authorization.user
    if user is None or authorization.resource is not server.registry.own:
        return {}
    return {USERINFO: user.claims(authorization.scope)}
