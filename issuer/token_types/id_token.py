"""ID tokens: who the user is, told to a client (OpenID Connect Core section 2)."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from issuer.errors import InvalidRequest, UnvalidatedRequest
from issuer.protocol.request import Authorization
from issuer.protocol.sealed import Login
from issuer.registry.released import Place
from issuer.server import AuthorizationServer
from keys import jws
from keys.encoding import to_base64url
from keys.errors import InvalidToken

TYP = "JWT"

_HASHES: Mapping[str, Callable[[bytes], Any]] = MappingProxyType({"EdDSA": hashlib.sha512})
"""The hash of an algorithm, where it is not SHA-256. Ed25519 has SHA-512 in it (RFC 8032)."""


def mint(
    server: AuthorizationServer, authorization: Authorization, access_token: str, expires_at: int
) -> str:
    """An ID token that goes with ``access_token`` and lives as long.

    Raises:
        UnvalidatedRequest: there is no user, or nobody asked who that is.
        TemporarilyUnavailable: no key for the client's algorithm is current.
    """
    user, scope, code = authorization.user, authorization.openid_scope, authorization.code
    if user is None or scope is None:
        raise UnvalidatedRequest("An ID token is about a user, and for whoever asked.")
    alg = authorization.client.id_token_signed_response_alg
    login = authorization.login or Login()
    also = authorization.claims.id_token
    claims: dict[str, object] = {
        **server.registry.releasing.told(user, scope, Place.ID_TOKEN, also),
        "iss": server.issuer,
        "sub": server.told_sub(authorization.client, user.sub),
        "aud": authorization.client.client_id,
        "iat": authorization.issued_at,
        "exp": expires_at,
        "auth_time": authorization.auth_time,
        "nonce": code.nonce if code else None,
        "acr": login.acr,
        "amr": login.amr or None,
        "sid": login.sid or None,
        "at_hash": _half_hash(alg, access_token),
    }
    said = {name: value for name, value in claims.items() if value is not None}
    key = server.signing_key(authorization.received_at, alg, issued_at=authorization.issued_at)
    return key.sign(TYP, said, convergent=authorization.converges)


def _half_hash(alg: str, token: str) -> str:
    """The left half of the token's hash (section 3.1.3.6)."""
    digest: bytes = _HASHES.get(alg, hashlib.sha256)(token.encode()).digest()
    return to_base64url(digest[: len(digest) // 2])


@dataclass(frozen=True, slots=True, kw_only=True)
class IdTokenHint:
    """Whom a client was told about, once."""

    sub: str
    """What the issuer calls them."""
    client_id: str
    sid: str


def read_id_token_hint(server: AuthorizationServer, text: str, now: int) -> IdTokenHint:
    """What ``text``, an ID token of this issuer, says.

    That it has expired is no fault in a hint (OpenID Connect Core section 3.1.2.1). Whether the
    client and user are still registered is not checked.

    Raises:
        InvalidRequest: it is not an ID token of this issuer, or its key is published no more.
    """
    try:
        unverified = jws.parse(text)
        key = server.ring.verification_key(unverified.header.kid, now)
        if unverified.header.typ != TYP.lower() or key is None:
            raise _refused("typ or kid")
        claims = unverified.verify(key)
    except InvalidToken as error:
        raise _refused(error.detail) from None
    sub, client_id, sid = (claims.get(name) for name in ("sub", "aud", "sid"))
    if claims.get("iss") != server.issuer:
        raise _refused("iss is another")
    if not isinstance(sub, str) or not isinstance(client_id, str):
        raise _refused("no ID token")
    sub = server.real_sub(server.registry.clients.get(client_id), sub)
    return IdTokenHint(sub=sub, client_id=client_id, sid=sid if isinstance(sid, str) else "")


def _refused(detail: str) -> InvalidRequest:
    return InvalidRequest(
        "The id_token_hint is not an ID token of this issuer.", detail=f"id_token_hint: {detail}"
    )
