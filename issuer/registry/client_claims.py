"""The claims that no registration may set, for they say who vouches for what to whom."""

import json

from pydantic import JsonValue

ISSUER_CLAIMS = frozenset(
    {"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "scope", "auth_time", "cnf",
     "acr", "amr", "azp", "act", "may_act", "nonce", "at_hash", "c_hash", "sid", "userinfo",
     "grant_id", "events", "userinfo_claims"}
)  # fmt: skip
"""The claims that say who vouches for what to whom: no registration may set them."""


def check_claims(claims: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """``claims`` that somebody may set in a token. Raises ``ValueError``."""
    taken = sorted(ISSUER_CLAIMS.intersection(claims))
    if taken:
        raise ValueError(f"must not set what the issuer says itself: {', '.join(taken)}")
    try:
        json.dumps(claims, allow_nan=False)
    except (TypeError, ValueError):
        raise ValueError("must be JSON, which has no nan and no inf") from None
    return claims
