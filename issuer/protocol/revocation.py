"""Under which names something can be revoked.

What was issued under several names is revoked by each of them. The names stand in the store and in
the feed, so they are a wire format.
"""

from collections.abc import Callable

from issuer.errors import AccessTokenException
from issuer.protocol.replay import CLOCK_SKEW, Revocation, Standing
from issuer.registry.record import MAX_ACCESS_TOKEN_LIFETIME
from keys.access_tokens import MAX_LEEWAY


def grant(grant_id: str) -> str:
    """All that came of one authorization: its code, refresh tokens and access tokens."""
    return f"grant:{grant_id}"


def token(jti: str) -> str:
    """One access token."""
    return f"token:{jti}"


def session(sid: str) -> str:
    """A login session in a browser, and what ends with it."""
    return f"session:{sid}"


def user(sub: str) -> str:
    """All of one user."""
    return f"user:{sub}"


def client(client_id: str) -> str:
    """All of one client."""
    return f"client:{client_id}"


def standing(
    *,
    grant_id: str,
    sub: str,
    client_id: str,
    sid: str,
    issued_at: int,
    refusal: Callable[[], AccessTokenException],
) -> Standing:
    """What a code or a refresh token stands on; ``sid`` is empty where no session ends it."""
    names = (grant(grant_id), user(sub), client(client_id), *((session(sid),) if sid else ()))
    return Standing(names=names, issued_at=issued_at, refusal=refusal)


def of_grant(grant_id: str, *, ends_at: int, now: int) -> Revocation:
    """Takes back all that comes of a grant whose last refresh token expires at ``ends_at``."""
    # What was refreshed in its last second lives on, at most for as long as a registry may say.
    return _for_good(grant(grant_id), ends_at + MAX_ACCESS_TOKEN_LIFETIME, now)


def of_token(jti: str, *, expires_at: int, now: int) -> Revocation:
    """Takes back one access token."""
    return _for_good(token(jti), expires_at, now)


def _for_good(name: str, ends_at: int, now: int) -> Revocation:
    forget_at = ends_at + MAX_LEEWAY + CLOCK_SKEW
    return Revocation(name=name, not_before=forget_at, revoked_at=now, forget_at=forget_at)
