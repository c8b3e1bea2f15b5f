"""What an issuer has taken back, as it says it itself: a signed list of names.

    {"iss": …, "iat": …, "exp": …, "revocations": {"token:…": …, "user:…": …}}

Each name has a line in time: whatever was issued under it before that is revoked. What is not
listed is not revoked, or has expired anyway. ``iat`` is the time up to which the list is whole.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from keys import claims as claims_of
from keys import jws
from keys.errors import InvalidToken
from keys.jwks import VerificationKey

TYP = "revocations+jwt"

MEDIA_TYPE = "application/jwt"
"""RFC 7519 section 10.3.1."""

ISSUER = "issuer"
"""The name under which every token is issued."""

MAX_FEED = 16 * 1024 * 1024
"""Characters of the longest feed that is read: some 300,000 revocations."""

LEEWAY = 60
"""Seconds of clock difference forgiven in the times of a feed."""

Find = Callable[[str, int], VerificationKey | None]


@dataclass(frozen=True, slots=True)
class Feed:
    """A list that was verified."""

    issued_at: int
    lines: Mapping[str, int] = field(repr=False)
    """By name, the instant before which whatever was issued is revoked."""

    def after(self, held: "Feed | None") -> "Feed":
        """What is known of both.

        Raises:
            ValueError: this one is older than what is ``held``.
        """
        if held is None or held.issued_at < self.issued_at:
            return self
        if held.issued_at > self.issued_at:
            raise ValueError("it is older than what is held")
        if held.lines == self.lines:
            return self
        # Whole up to one instant, two replicas may each know something else that came later.
        both = {**held.lines, **self.lines}
        for name in held.lines.keys() & self.lines.keys():
            both[name] = max(held.lines[name], self.lines[name])
        return Feed(self.issued_at, both)


def names_of(claims: Mapping[str, Any]) -> tuple[str, ...]:
    """The names under which an access token with these (checked) claims was issued."""
    names = (
        ISSUER,
        f"token:{claims['jti']}",
        f"user:{claims['sub']}",
        f"client:{claims['client_id']}",
    )
    grant_id = claims.get("grant_id")
    return names if grant_id is None else (*names, f"grant:{grant_id}")


def check(lines: Mapping[str, int], names: Iterable[str], issued_at: int) -> None:
    """Nothing, where what was issued under ``names`` is not revoked.

    Raises:
        InvalidToken: it is.
    """
    for name in names:
        if issued_at < lines.get(name, 0):
            raise InvalidToken(f"revoked, by its {name.partition(':')[0]}")


def read(text: str, issuer: str, find: Find, now: int) -> Feed:
    """The feed of ``issuer`` that ``text`` is.

    Raises:
        InvalidToken: it is none, is another issuer's, or is not valid now.
        KeysUnavailable: nobody can say whether it is signed.
    """
    unverified = jws.parse(text, MAX_FEED)
    if unverified.header.typ != TYP:
        raise InvalidToken(f"its typ is not {TYP}")
    key = find(unverified.header.kid, now)
    if key is None:
        raise InvalidToken("no key of the issuer has its kid")
    claims = unverified.verify(key)
    claims_of.check_issuer(claims, issuer)
    claims_of.check_times(claims, now, LEEWAY)
    lines = claims.get("revocations")
    if not isinstance(lines, dict):
        raise InvalidToken("revocations is no object")
    # A list that is understood in part would be believed in part.
    if not all(type(line) is int and 0 <= line <= claims_of.LATEST for line in lines.values()):
        raise InvalidToken("an instant of revocations is none")
    return Feed(claims["iat"], lines)
