"""Tokens that somebody else issued to a workload, as proof of which client it is (RFC 7523).

A federation is believed about whom it has rules for, and in what its tokens say within its bounds:

    signed by its keys? ──▶ of its typ, for us, in time? ──▶ what a rule of the client says?
"""

import hashlib
from collections.abc import Callable, Collection, Mapping
from typing import Any

from issuer.errors import AccessTokenException, InvalidGrant, TemporarilyUnavailable
from issuer.protocol.client_jwt import Unproved
from issuer.protocol.replay import CLOCK_SKEW, Once
from issuer.protocol.request import TokenRequest
from issuer.protocol.vouched import Vouched
from issuer.registry import Registry
from issuer.registry.claim_rules import written
from issuer.registry.client import Client
from issuer.registry.client_keys import ClientKeys
from issuer.registry.federated import Federated
from issuer.registry.federation import Federation
from keys import InvalidToken, jws
from keys.claims import LATEST
from keys.encoding import to_base64url

TYPS = ("jwt", None)
"""The ``typ`` of a token whose federation registered none."""

LEEWAY = CLOCK_SKEW
"""Seconds of difference between its clock and ours that are forgiven."""


def prove(
    registry: Registry,
    client: Client,
    assertion: Unproved,
    request: TokenRequest,
    refusal: Callable[[], AccessTokenException],
) -> Vouched:
    """That ``assertion`` is a token of a federation for ``client``, and what else it says.

    Raises:
        InvalidToken: it is none, or not for here and now, or somebody else's. It quotes nothing.
        TemporarilyUnavailable: the keys of the federation are not to be had.
    """
    federation = registry.federation_of(assertion.claims.get("iss"))
    if federation is None:
        raise InvalidToken("iss is of no federation")
    published = request.federation_keys or {}
    keys = registry.federation_keys(federation) or published.get(federation.federation)
    if keys is None:
        raise TemporarilyUnavailable(
            "The keys of the federation are not to be had; try again.",
            detail=f"no keys of federation {federation.federation}",
        )
    verify(federation, assertion, keys, registry.algs_of(client))
    check(federation, assertion, issuer=registry.issuer.url, now=request.received_at)
    if rule_of(federation, client, assertion.claims) is None:
        raise InvalidToken(mismatch(federation, client, assertion.claims))
    once = _once(federation, assertion.claims, request.received_at, refusal)
    return Vouched(federation.federation, once, federation.map.of(assertion.claims))


def refused_grant(detail: str) -> InvalidGrant:
    """The one answer to every assertion of a grant that is not good (RFC 7523 section 3.1)."""
    return InvalidGrant("The assertion is not valid.", detail=f"assertion: {detail}")


def verify(
    federation: Federation, assertion: Unproved, keys: ClientKeys, algs: Collection[str]
) -> None:
    """That one of ``keys`` signed it, by what the federation signs by, and one of ``algs``.

    Raises:
        InvalidToken: it is not so.
    """
    if federation.algs and assertion.alg not in federation.algs:
        raise InvalidToken("its alg is none of the federation's algs")
    assertion.verify(keys, assertion.alg if federation.algs else None, algs)


def check(federation: Federation, assertion: Unproved, *, issuer: str, now: int) -> None:
    """That it is what ``federation`` issues for this issuer, and good now.

    Raises:
        InvalidToken: it is not so.
    """
    claims = assertion.claims
    if assertion.typ not in (tuple(map(jws.media_type, federation.typs)) or TYPS):
        raise InvalidToken("its typ is of something else")
    if claims.get("iss") != federation.issuer:
        raise InvalidToken("iss is another")
    audience = federation.audience or issuer
    # An array of nothing but it, which is how Kubernetes and SPIFFE say it: whoever else a token is
    # for could have brought it here (RFC 7523 section 3).
    if claims.get("aud") not in (audience, [audience]):
        raise InvalidToken("aud is not the federation's audience alone")
    sub = claims.get("sub")
    if not isinstance(sub, str) or not sub:
        raise InvalidToken("sub is no text")
    _check_times(federation, claims, now)
    if "jti" in claims and not (isinstance(claims["jti"], str) and claims["jti"]):
        raise InvalidToken("jti is no text")
    if "jti" not in claims and not federation.reusable:
        raise InvalidToken("jti is missing, and the federation is not reusable")


def rule_of(federation: Federation, client: Client, claims: Mapping[str, Any]) -> Federated | None:
    """The first rule of ``client`` that is about these ``claims`` of ``federation``."""
    for rule in client.federated:
        if rule.federation == federation.federation and rule.matches(claims):
            return rule
    return None


def mismatch(federation: Federation, client: Client, claims: Mapping[str, Any]) -> str:
    """Which claims each rule of ``client`` would have otherwise."""
    why = [
        f"federated[{number}] wants another {', '.join(map(written, rule.mismatches(claims)))}"
        for number, rule in enumerate(client.federated)
        if rule.federation == federation.federation
    ]
    return "; ".join(why) or "the client has no rule for its federation"


def _once(
    federation: Federation,
    claims: Mapping[str, Any],
    now: int,
    refusal: Callable[[], AccessTokenException],
) -> tuple[Once, ...]:
    if federation.reusable:
        return ()
    name = hashlib.sha256(f"{federation.issuer}\0{claims['jti']}".encode()).digest()
    issued_at = claims.get("iat", claims["exp"] - federation.max_lifetime)
    return (
        Once(
            id=f"assertion:{to_base64url(name)}",
            issued_at=min(int(issued_at), now),
            expires_at=int(claims["exp"]) + LEEWAY,
            refusal=refusal,
        ),
    )


def _check_times(federation: Federation, claims: Mapping[str, Any], now: int) -> None:
    expires_at = _instant(claims, "exp")
    if now >= expires_at + LEEWAY:
        raise InvalidToken(f"expired {now - expires_at} s ago")
    begins = {each: _instant(claims, each) for each in ("iat", "nbf") if each in claims}
    for name, at in begins.items():
        if at > now + LEEWAY:
            raise InvalidToken(f"{name} is {at - now} s ahead")
    issued_at = begins.get("iat", now)
    if expires_at > issued_at + federation.max_lifetime + LEEWAY:
        raise InvalidToken(f"exp is more than max_lifetime, {federation.max_lifetime} s, after iat")
    if federation.max_age is not None:
        if "iat" not in begins:
            raise InvalidToken("iat is missing, and the federation has a max_age")
        if now > issued_at + federation.max_age + LEEWAY:
            raise InvalidToken(f"iat is more than max_age, {federation.max_age} s, ago")


def _instant(claims: Mapping[str, Any], name: str) -> int:
    value: Any = claims.get(name)
    # RFC 7519 section 2 lets a NumericDate have a fraction.
    if type(value) not in (int, float) or not 0 <= value <= LATEST:
        raise InvalidToken(f"{name} is missing, or no time")
    return int(value)
