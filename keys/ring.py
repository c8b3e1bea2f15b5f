"""The key ring: which key is used when, as a function of the clock.

key 1   current ────────────┐ retired ────────────┐ expired
key 2        next ──────────┘ current ────────────────────────
             │ published    │ activates           │ all that key 1 made has expired
"""

import hashlib
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import Self, TypeVar

from keys import ring_file, rotation
from keys.ring_file import read
from keys.ring_text import InvalidKeyRing, format_ring, parse_ring
from keys.rotation import JWKS_MAX_AGE, LEAST_LEAD
from keys.sealing import SealingKey
from keys.signing import SigningKey
from keys.timetable import State

__all__ = [
    "JWKS_MAX_AGE",
    "LEAST_LEAD",
    "ROTATION_LEAD",
    "InvalidKeyRing",
    "KeyRing",
    "NoCurrentKey",
    "read",
    "write",
]

ROTATION_LEAD = 900
"""Seconds from rotating to using the new key: time to bring the file to every replica as well."""

K = TypeVar("K", SigningKey, SealingKey)


class NoCurrentKey(LookupError):
    """The ring has a gap: nothing can be signed or sealed now."""


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Signing keys and sealing keys with their timetables."""

    signing_keys: tuple[SigningKey, ...] = field(repr=False)
    sealing_keys: tuple[SealingKey, ...] = field(repr=False)
    digest: str = field(init=False)
    """Equal where the rings are equal; says nothing about the keys."""
    _sealing_keys_by_id: dict[str, SealingKey] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_id = {key.kid: key for key in self.sealing_keys}
        object.__setattr__(self, "_sealing_keys_by_id", by_id)
        digest = "sha256:" + hashlib.sha256(self.format().encode()).hexdigest()
        object.__setattr__(self, "digest", digest)

    @classmethod
    def new(cls, alg: str, now: int) -> Self:
        """A ring of one signing key and one sealing key, current at once.

        Raises:
            KeyError: ``alg`` is not on offer.
        """
        return cls(
            (SigningKey.generate(alg, activates_at=now, published_at=now),),
            (SealingKey.generate(activates_at=now, published_at=now),),
        )

    @classmethod
    def parse(cls, text: bytes | str, name: str = "keyring.json") -> Self:
        """The ring that ``text``, the content of the file ``name``, describes.

        Raises:
            InvalidKeyRing: with all problems at once, each with its place.
        """
        return cls(*parse_ring(text.encode() if isinstance(text, str) else text, name))

    def format(self) -> str:
        """The text that ``parse`` reads. It holds every secret of the issuer."""
        return format_ring(self.signing_keys, self.sealing_keys)

    def signing_key(self, now: int) -> SigningKey:
        """The key to sign with.

        Raises:
            NoCurrentKey: there is none.
        """
        return _latest(self.signing_keys, now)

    def sealing_key(self, now: int) -> SealingKey:
        """The key to seal with.

        Raises:
            NoCurrentKey: there is none.
        """
        return _latest(self.sealing_keys, now)

    def sealing_key_by_id(self, kid: str) -> SealingKey | None:
        """The sealing key of this name, in whatever state it is."""
        return self._sealing_keys_by_id.get(kid)

    def jwks(self, now: int) -> dict[str, list[dict[str, str]]]:
        """What the issuer publishes: the next, current and retired keys (RFC 7517 section 5)."""
        published = (key for key in self.signing_keys if key.state(now) is not State.EXPIRED)
        return {"keys": [dict(key.public_jwk) for key in published]}

    def max_age(self, now: int) -> int:
        """Seconds for which the published keys may be kept: at most until one of them expires."""
        ends = [key.expires_at - now for key in self.signing_keys if key.expires_at is not None]
        return min([JWKS_MAX_AGE, *(end for end in ends if end > 0)])

    def rotate(
        self,
        now: int,
        *,
        longest_token_lifetime: int,
        longest_sealed_lifetime: int,
        lead: int = ROTATION_LEAD,
        alg: str | None = None,
    ) -> Self:
        """This ring with a successor for either key, ``lead`` seconds from now; expired keys go.

        Raises:
            ValueError: ``lead`` is too short for caches, or a successor is already waiting.
            NoCurrentKey: there is nothing to succeed.
            KeyError: ``alg`` is not on offer.
        """
        if lead < LEAST_LEAD:
            raise ValueError(f"a successor is published at least {LEAST_LEAD} s before it is used")
        if any(key.state(now) is State.NEXT for key in (*self.signing_keys, *self.sealing_keys)):
            raise ValueError("a successor is already waiting to be used")
        alg = alg or self.signing_key(now).alg
        instants = {"activates_at": now + lead, "published_at": now}
        return type(self)(
            rotation.succeed(
                self.signing_keys,
                SigningKey.generate(alg, **instants),
                now=now,
                longest_lifetime=longest_token_lifetime,
            ),
            rotation.succeed(
                self.sealing_keys,
                SealingKey.generate(**instants),
                now=now,
                longest_lifetime=longest_sealed_lifetime,
            ),
        )

    def problems(
        self, now: int, *, longest_token_lifetime: int, longest_sealed_lifetime: int
    ) -> list[str]:
        """What will go wrong with this ring at ``now`` or later; empty if nothing will."""
        return [
            *rotation.problems(
                "signing_keys",
                self.signing_keys,
                now=now,
                longest_lifetime=longest_token_lifetime,
            ),
            *rotation.problems(
                "sealing_keys",
                self.sealing_keys,
                now=now,
                longest_lifetime=longest_sealed_lifetime,
            ),
        ]


def _latest(keys: tuple[K, ...], now: int) -> K:
    current = [key for key in keys if key.is_current(now)]
    if not current:
        raise NoCurrentKey("no key is current")
    return max(current, key=attrgetter("activates_at"))


def write(path: Path, ring: KeyRing) -> None:
    """``ring`` in the file ``path``, whole or not at all, readable by its owner alone."""
    ring_file.write(path, ring.format())
