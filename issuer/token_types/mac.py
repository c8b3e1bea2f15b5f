"""``mac``: a token, and a key to sign requests with (draft-ietf-oauth-v2-http-mac-02).

The key goes to the client in the response, and to the resource server in the token, encrypted to it
(RFC 7800 section 3.3). Nobody keeps it here: each mint, refreshing included, makes another. Only a
code that is redeemed again yields the key that it yielded before.
"""

from secrets import token_urlsafe

from issuer.errors import TemporarilyUnavailable
from issuer.protocol import redemption
from issuer.protocol.request import Authorization
from issuer.server import AuthorizationServer
from issuer.token_types.bearer import access_token_claims

TYP = "mac-at+jwt"
"""Not at+jwt: a token that was seen on its way must not pass as a bearer token."""

ALGORITHM = "hmac-sha-256"

MAC_KEY_BYTES = 32


def mint(
    server: AuthorizationServer, authorization: Authorization, expires_at: int
) -> dict[str, object]:
    """A signed access token with its key in it, and the key.

    Raises:
        TemporarilyUnavailable: no signing key is current, or no key of the resource server.
    """
    now, issued_at = authorization.received_at, authorization.issued_at
    resource = authorization.resource
    encryption_key = resource.encryption_key(issued_at) or resource.encryption_key(now)
    if encryption_key is None:
        raise TemporarilyUnavailable(
            "No key of the resource server is current; try again.", detail="no encryption key"
        )
    key = server.signing_key(now, issued_at=issued_at)
    mac_key, secret = _keys(authorization)
    claims = access_token_claims(server, authorization, expires_at)
    claims["cnf"] = {"jwe": encryption_key.wrap(mac_key, authorization.jti, secret)}
    return {
        "access_token": key.sign(TYP, claims, convergent=authorization.converges),
        "token_type": "mac",
        "mac_key": mac_key,
        "mac_algorithm": ALGORITHM,
    }


def _keys(authorization: Authorization) -> tuple[str, bytes | None]:
    """The key of the token, and the secret of which its encryption is made; None draws one."""
    code, audience = authorization.code, authorization.resource.resource
    if code is not None and code.seed:
        return redemption.mac_key(code, audience), redemption.wrapping_secret(code, audience)
    return token_urlsafe(MAC_KEY_BYTES), None
