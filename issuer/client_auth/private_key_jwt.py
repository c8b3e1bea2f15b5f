"""``private_key_jwt``: an assertion that the client signed with its own key (RFC 7521 section 4.2,
RFC 7523 section 3, as RFC 10070 sharpens them).

``client_secret_jwt``, which looks the same on the wire, is not offered: it takes the secret itself
to check it, and the registry keeps hashes.
"""

import hashlib
from collections.abc import Mapping
from functools import partial
from typing import Any

from issuer.client_auth import federated
from issuer.client_auth.credentials import Credentials, NotProved, Proved
from issuer.client_auth.decoy_keys import decoy
from issuer.errors import InvalidClient, InvalidRequest, TemporarilyUnavailable
from issuer.protocol import client_jwt
from issuer.protocol.client_jwt import Unproved
from issuer.protocol.replay import CLOCK_SKEW, Once
from issuer.protocol.request import TokenRequest
from issuer.registry.callers import Caller, Callers
from issuer.registry.client import Client
from issuer.server import AuthorizationServer
from keys import InvalidToken
from keys.claims import LATEST
from keys.encoding import to_base64url

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

TYPS = frozenset({"client-authentication+jwt", "jwt", None})
"""The one of RFC 10070, and what libraries that are older than it send."""

MAX_LIFETIME = 300
"""Seconds from ``iat``, and from now, to ``exp``."""

LEEWAY = CLOCK_SKEW
"""Seconds of difference between the client's clock and ours that are forgiven."""

MAX_JTI = 256
"""Characters of the longest ``jti``."""

FAILED = "Client authentication failed."


def read(request: TokenRequest) -> Credentials | None:
    """The assertion of the body, if there is one, and the client that it names.

    Raises:
        InvalidRequest: it is of another type.
        InvalidClient, InvalidGrant: it is no JWT that could be verified here.
    """
    form = request.form
    text = form.get("client_assertion")
    if text is None:
        return federated.read_grant(request)
    if form.get("client_assertion_type") != ASSERTION_TYPE:
        raise InvalidRequest(f"A client_assertion has the client_assertion_type {ASSERTION_TYPE}.")
    try:
        assertion = client_jwt.read(text)
    except InvalidToken as invalid:
        raise refused(invalid.detail) from None
    named, sub = form.get("client_id"), assertion.claims.get("sub")
    client_id = named if named is not None else sub if isinstance(sub, str) else ""
    return Credentials(client_id, assertion=assertion)


def prove(
    server: AuthorizationServer, _: Caller, credentials: Credentials, request: TokenRequest
) -> Proved:
    """Which key of the client signed the assertion, which is good once.

    Nothing here is a guess that could come out right: there is no throttle for it, which others
    could lock the client out with. The signature comes first, as it does for unknown clients, so
    that the time taken does not tell whether there is such a client.

    Raises:
        NotProved: none did, or it is not for here and now.
        TemporarilyUnavailable: the client publishes its keys, and they are not to be had.
    """
    client, assertion = server.registry.clients[credentials.client_id], credentials.assertion
    if assertion is None:
        raise NotProved("no assertion")
    iss, is_grant = assertion.claims.get("iss"), credentials.is_grant
    if is_grant or server.registry.federation_of(iss) is not None:
        return federated.prove(server, client, assertion, request, is_grant=is_grant)
    if not client.has_keys:
        _pretend(assertion)
        raise NotProved("assertion: iss is of no federation, and the client has no key")
    keys = server.registry.client_keys(client) or request.client_keys
    if keys is None:
        raise TemporarilyUnavailable(
            "The keys of the client are not to be had; try again.", detail="no keys of the client"
        )
    try:
        algs = server.registry.algs_of(client)
        key = assertion.verify(keys, client.token_endpoint_auth_signing_alg, algs)
    except InvalidToken as invalid:
        if invalid.detail == client_jwt.NO_KEY:
            _pretend(assertion)
        raise NotProved(f"assertion: {invalid.detail}") from None
    once = _check(server, client, assertion, request.received_at)
    return Proved(f"key {key.kid or key.thumbprint}", (once,))


def pretend(_: Callers[Any], credentials: Credentials, __: int) -> None:
    """The work of ``prove``, for one whom nobody knows."""
    if credentials.assertion is not None:
        _pretend(credentials.assertion)


def refused(detail: str) -> InvalidClient:
    """The one answer to every assertion that is not good."""
    return InvalidClient(FAILED, detail=f"assertion: {detail}")


def _check(server: AuthorizationServer, client: Client, assertion: Unproved, now: int) -> Once:
    """What of ``assertion``, which the client signed, is good once."""
    claims = assertion.claims
    if assertion.typ not in TYPS:
        raise NotProved("assertion: its typ is of something else")
    if not claims.get("iss") == claims.get("sub") == client.client_id:
        raise NotProved("assertion: iss and sub are not both the client_id")
    if not _is_audience(server, client, claims.get("aud")):
        raise NotProved("assertion: aud is not the issuer identifier")
    issued_at, expires_at = _times(claims, now)
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti) <= MAX_JTI:
        raise NotProved(f"assertion: jti is no text of 1 to {MAX_JTI} characters")
    # Of one length, whatever they are; neither a client_id nor what follows can imitate a NUL.
    name = hashlib.sha256(f"{client.client_id}\0{jti}".encode()).digest()
    return Once(
        id=f"client_assertion:{to_base64url(name)}",
        issued_at=min(issued_at, now),
        expires_at=expires_at + LEEWAY,
        refusal=partial(refused, "used before"),
    )


def _is_audience(server: AuthorizationServer, client: Client, aud: object) -> bool:
    """Whether it is for this issuer (RFC 10070 section 4: one string, and no array).

    A client that is older may name the token endpoint as well, and write an array: of nothing but
    these two, for an assertion that others accept too could come from one of those.
    """
    if client.token_endpoint_auth_audience == "issuer":
        return aud == server.issuer
    named = aud if isinstance(aud, list) else [aud]
    return bool(named) and all(each in (server.issuer, server.token_endpoint) for each in named)


def _times(claims: Mapping[str, Any], now: int) -> tuple[int, int]:
    """From when to when it is good, by the client's clock; now is between the two."""
    expires_at = _instant(claims, "exp")
    if now >= expires_at + LEEWAY:
        raise NotProved(f"assertion: expired {now - expires_at} s ago")
    if expires_at > now + MAX_LIFETIME + LEEWAY:
        raise NotProved(f"assertion: exp is more than {MAX_LIFETIME} s ahead")
    # Both are by one clock; but some set nbf back, for the clocks of others.
    issued_at = _beginning(claims, "iat", now, expires_at - MAX_LIFETIME)
    _beginning(claims, "nbf", now, expires_at - MAX_LIFETIME - LEEWAY)
    return issued_at, expires_at


def _beginning(claims: Mapping[str, Any], name: str, now: int, earliest: int) -> int:
    """The instant that ``name`` is, or the ``earliest`` that it may be."""
    if name not in claims:
        return earliest
    at = _instant(claims, name)
    if at > now + LEEWAY:
        raise NotProved(f"assertion: {name} is {at - now} s ahead")
    if at < earliest:
        raise NotProved(f"assertion: exp is more than {MAX_LIFETIME} s after {name}")
    return at


def _instant(claims: Mapping[str, Any], name: str) -> int:
    value: Any = claims.get(name)
    # RFC 7519 section 2 lets a NumericDate have a fraction, and some clients send one.
    if type(value) not in (int, float) or not 0 <= value <= LATEST:
        raise NotProved(f"assertion: {name} is missing, or no time")
    return int(value)


def _pretend(assertion: Unproved) -> None:
    decoy(assertion.alg).verifies(assertion.signature, assertion.message)
