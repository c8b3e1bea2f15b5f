"""The key ring: which key is used when, as a function of the clock.

key 1   current ────────────┐ retired ────────────┐ expired
key 2        next ──────────┘ current ────────────────────────
             │ published    │ activates           │ all that key 1 made has expired

Signing keys of several algorithms stand side by side, and each algorithm has such a succession of
its own. The order of the file is that of preference: the first key that is current says by which
algorithm to sign for whoever does not mind.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import Self, TypeVar

from keys import ring_file, rotation
from keys.jwks import Keys, VerificationKey
from keys.ring_file import read
from keys.ring_text import InvalidKeyRing, format_ring, parse_ring
from keys.rotation import JWKS_MAX_AGE, LEAST_LEAD
from keys.sealing import SealingKey
from keys.signing import SigningKey
from keys.subjects import SubjectKey
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
    subject_key: SubjectKey | None = field(default=None, repr=False)
    """What pairwise ``sub`` are made by; None where there are none. It has no timetable."""
    digest: str = field(init=False)
    """Equal where the rings are equal; says nothing about the keys."""
    _sealing_keys_by_id: dict[str, SealingKey] = field(init=False, repr=False, compare=False)
    _newest_sealing_keys: tuple[SealingKey, ...] = field(init=False, repr=False, compare=False)
    _newest_by_alg: dict[str, tuple[SigningKey, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_id = {key.kid: key for key in self.sealing_keys}
        by_alg = {
            alg: _newest(key for key in self.signing_keys if key.alg == alg)
            for alg in {key.alg for key in self.signing_keys}
        }
        object.__setattr__(self, "_sealing_keys_by_id", by_id)
        object.__setattr__(self, "_newest_sealing_keys", _newest(self.sealing_keys))
        object.__setattr__(self, "_newest_by_alg", by_alg)
        digest = "sha256:" + hashlib.sha256(self.format().encode()).hexdigest()
        object.__setattr__(self, "digest", digest)

    @classmethod
    def new(cls, alg: str, now: int, *more_algs: str) -> Self:
        """A ring of one signing key for each algorithm and one sealing key, current at once.

        Raises:
            KeyError: an algorithm is not on offer.
        """
        algs = dict.fromkeys((alg, *more_algs))
        return cls(
            tuple(SigningKey.generate(each, activates_at=now, published_at=now) for each in algs),
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
        return format_ring(self.signing_keys, self.sealing_keys, self.subject_key)

    def signing_key(
        self, now: int, alg: str | None = None, *, issued_at: int | None = None
    ) -> SigningKey:
        """The key to sign with by ``alg``, or by the algorithm that the ring prefers.

        What was granted at ``issued_at`` is signed with the key of then, if that is still accepted:
        it comes out the same on both sides of a rotation. The key is published for long enough,
        as the token's time began then too.

        Raises:
            NoCurrentKey: there is none.
        """
        alg = alg or _chosen(self.signing_keys, now, issued_at).alg
        return _chosen(self._newest_by_alg.get(alg, ()), now, issued_at)

    def sealing_key(self, now: int, *, issued_at: int | None = None) -> SealingKey:
        """The key to seal with; for what was granted at ``issued_at``, as ``signing_key`` does.

        Raises:
            NoCurrentKey: there is none.
        """
        return _chosen(self._newest_sealing_keys, now, issued_at)

    def algs(self, now: int) -> tuple[str, ...]:
        """The algorithms that can be signed with, in the order of preference."""
        return tuple(dict.fromkeys(key.alg for key in self.signing_keys if key.is_current(now)))

    def sealing_key_by_id(self, kid: str) -> SealingKey | None:
        """The sealing key of this name, in whatever state it is."""
        return self._sealing_keys_by_id.get(kid)

    def jwks(self, now: int) -> dict[str, list[dict[str, str]]]:
        """What the issuer publishes: the next, current and retired keys (RFC 7517 section 5)."""
        published = (key for key in self.signing_keys if not key.is_expired(now))
        return {"keys": [dict(key.public_jwk) for key in published]}

    def verification_keys(self, now: int) -> Keys:
        """The published keys, as whoever verifies uses them."""
        return {
            key.kid: key.verification_key for key in self.signing_keys if not key.is_expired(now)
        }

    def verification_key(self, kid: str, now: int) -> VerificationKey | None:
        """The published key of this name; None where there is none, or none any more."""
        for key in self.signing_keys:
            if key.kid == kid and not key.is_expired(now):
                return key.verification_key
        return None

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
        """This ring with successors, ``lead`` seconds from now; expired keys go.

        The sealing key has one, and the signing key of each algorithm. With ``alg``, that of the
        preferred algorithm is succeeded by a key of this one.

        Raises:
            ValueError: ``lead`` is too short for caches, or a successor is already waiting.
            NoCurrentKey: there is nothing to succeed.
            KeyError: ``alg`` is not on offer.
        """
        _check_lead(lead)
        if any(key.state(now) is State.NEXT for key in (*self.signing_keys, *self.sealing_keys)):
            raise ValueError("a successor is already waiting to be used")
        preferred = self.signing_key(now).alg
        algs = dict.fromkeys((alg or preferred, *self.algs(now)[1:]))
        instants = {"activates_at": now + lead, "published_at": now}
        return type(self)(
            rotation.succeed(
                self.signing_keys,
                [SigningKey.generate(each, **instants) for each in algs],
                now=now,
                longest_lifetime=longest_token_lifetime,
            ),
            rotation.succeed(
                self.sealing_keys,
                [SealingKey.generate(**instants)],
                now=now,
                longest_lifetime=longest_sealed_lifetime,
            ),
            self.subject_key,
        )

    def with_subject_key(self) -> Self:
        """This ring with a key for pairwise ``sub``.

        Raises:
            ValueError: it has one, and another would call every user by another ``sub``.
        """
        if self.subject_key is not None:
            raise ValueError("there is a key for pairwise subs, and it must never change")
        return type(self)(self.signing_keys, self.sealing_keys, SubjectKey.generate())

    def add(self, alg: str, now: int, *, lead: int | None = ROTATION_LEAD) -> Self:
        """This ring with a first key for ``alg``, ``lead`` seconds from now.

        ``lead`` is None for a ring that nobody has fetched keys from: the key begins with the
        others.

        Raises:
            ValueError: ``lead`` is too short for caches, or there is a key for ``alg``.
            KeyError: ``alg`` is not on offer.
        """
        if any(key.alg == alg and key.retires_at is None for key in self.signing_keys):
            raise ValueError(f"there is a key for {alg}, which rotating succeeds")
        if lead is None:
            begins_at = min((key.activates_at for key in self.signing_keys), default=now)
            added = SigningKey.generate(alg, activates_at=min(now, begins_at))
        else:
            _check_lead(lead)
            added = SigningKey.generate(alg, activates_at=now + lead, published_at=now)
        return type(self)((*self.signing_keys, added), self.sealing_keys, self.subject_key)

    def gap(self, alg: str, now: int) -> str | None:
        """When there will be no key to sign with by ``alg``, in words; None if there always is."""
        return rotation.gap([key for key in self.signing_keys if key.alg == alg], now)

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


def _newest(keys: Iterable[K]) -> tuple[K, ...]:
    return tuple(sorted(keys, key=attrgetter("activates_at"), reverse=True))


def _chosen(keys: Sequence[K], now: int, issued_at: int | None) -> K:
    """The first of ``keys`` that was current at ``issued_at``; without one, that is current now."""
    if issued_at is not None and issued_at != now:
        for key in keys:
            if key.is_current(issued_at) and not key.is_expired(now):
                return key
    for key in keys:
        if key.is_current(now):
            return key
    raise NoCurrentKey("no key is current")


def _check_lead(lead: int) -> None:
    if lead < LEAST_LEAD:
        raise ValueError(f"a key is published at least {LEAST_LEAD} s before it is used")


def write(path: Path, ring: KeyRing) -> None:
    """``ring`` in the file ``path``, whole or not at all, readable by its owner alone."""
    ring_file.write(path, ring.format())
