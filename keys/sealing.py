"""Sealed values: what this issuer alone can read, and only for the purpose it was sealed for.

    1.<kid>.<base64url of nonce, ciphertext and tag>

AES-256-GCM-SIV (RFC 8452) under a key per purpose, derived with HKDF-SHA256 (RFC 5869) from the
ring's sealing key. Version, kid, purpose and issuer are authenticated with it.

The nonce is random, or, where every replica shall make the same text of the same value, made of
what is sealed: a pseudorandom function of it under one more key, as in SIV (RFC 5297 section 2.6).
It repeats for nothing but the same value, of which it then tells that it is the same.
"""

import hmac
import json
import os
from dataclasses import dataclass, field
from functools import cache
from typing import Any, ClassVar, Protocol, TypeVar

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from keys import randomness
from keys.encoding import from_base64url, to_base64url
from keys.timetable import Timetable

MAX_SEALED = 16384
"""Characters of the longest sealed value."""

SEALING_KEY_BYTES = 32

_VERSION = "1"
_NONCE_BYTES = 12
_BUCKET = 64  # Lengths are rounded up to it, so that a name cannot be guessed from its length.

_ENCODER = msgspec.json.Encoder()
_IN_ORDER = msgspec.json.Encoder(order="deterministic")
"""The order of a set is another in each process; here it is that of its sorted members."""


class Sealable(Protocol):
    """A struct or dataclass that can be sealed: its type is the purpose, and it says when it ends.

    It travels as JSON that two versions of the type can read of each other: a member the reader
    does not know is ignored, and one the writer did not know takes the field's default.
    """

    PURPOSE: ClassVar[str]

    @property
    def expires_at(self) -> int:
        """The instant from which ``open`` refuses it."""


T = TypeVar("T", bound=Sealable)


class Unsealable(Exception):
    """This is not a value sealed here for this purpose, or it has expired.

    Which of them is in ``detail``, for the log; whoever sent the text is told nothing.
    """

    def __init__(self, detail: str) -> None:
        super().__init__("The value is not valid here.")
        self.detail = detail


@dataclass(frozen=True, slots=True, kw_only=True)
class SealingKey(Timetable):
    """A secret of 32 bytes, its name and its timetable."""

    kid: str
    """Short and random: it says nothing about the key."""
    secret: bytes = field(repr=False, compare=False)

    def __post_init__(self) -> None:
        Timetable.__post_init__(self)
        if len(self.secret) != SEALING_KEY_BYTES:
            raise ValueError(f"a sealing key has {SEALING_KEY_BYTES} bytes")

    @classmethod
    def generate(cls, *, activates_at: int, published_at: int | None = None) -> "SealingKey":
        """A new key that nobody else has."""
        return cls(
            kid=to_base64url(os.urandom(6)),
            secret=os.urandom(SEALING_KEY_BYTES),
            activates_at=activates_at,
            published_at=published_at,
        )


class SealingKeys(Protocol):
    """Where the keys come from: ``keys.ring.KeyRing``."""

    def sealing_key(self, now: int, *, issued_at: int | None = None) -> SealingKey:
        """The key to seal with what was granted at ``issued_at``, or now."""

    def sealing_key_by_id(self, kid: str) -> SealingKey | None:
        """The key of this name."""


@dataclass(frozen=True, slots=True)
class _Purpose:
    """One sealing key made ready for one purpose."""

    prefix: str
    cipher: AESGCMSIV
    associated_data: bytes
    nonces: hmac.HMAC = field(repr=False)
    """Knows the key and ``associated_data`` already."""

    def nonce_for(self, plain: bytes) -> bytes:
        """The nonce of ``plain`` and of nothing else that is sealed with this key."""
        named = self.nonces.copy()
        named.update(plain)
        return named.digest()[:_NONCE_BYTES]

    def lock(self, plain: bytes, nonce: bytes) -> str:
        """``plain`` sealed."""
        box = nonce + self.cipher.encrypt(nonce, plain, self.associated_data)
        text = self.prefix + to_base64url(box)
        if len(text) > MAX_SEALED:
            raise ValueError("too long to be sealed")
        return text


class Sealer:
    """Seals values for one issuer with the keys of one ring."""

    def __init__(self, keys: SealingKeys, issuer: str) -> None:
        self._keys = keys
        self._issuer = issuer
        self._purposes: dict[tuple[str, str], _Purpose] = {}
        self._secrets: dict[tuple[str, str], bytes] = {}

    def seal(
        self,
        value: Sealable,
        *,
        now: int,
        issued_at: int | None = None,
        convergent: bool = False,
    ) -> str:
        """``value`` as text that only this issuer can read, with the key that is current.

        With ``convergent``, it is the same text for the same value and key each time, on every
        replica: for what can be asked for twice. Anybody sees then that the values are the same, so
        such a value has an id of its own in it. With ``issued_at``, the key is that of then.

        Raises:
            ValueError: it is too long to be opened again.
        """
        key = self._keys.sealing_key(now, issued_at=issued_at)
        purpose = self._purpose(key, type(value).PURPOSE)
        if convergent:
            plain = _pad(_IN_ORDER.encode(value))
            return purpose.lock(plain, purpose.nonce_for(plain))
        return purpose.lock(_pad(_ENCODER.encode(value)), randomness.block()[:_NONCE_BYTES])

    def open(self, kind: type[T], text: str, *, now: int) -> T:
        """The ``kind`` that was sealed as ``text``.

        Raises:
            Unsealable: it was sealed elsewhere, as something else or not at all, or has expired.
        """
        key, box = self._unwrap(text, now)
        purpose = self._purpose(key, kind.PURPOSE)
        try:
            plain = purpose.cipher.decrypt(
                box[:_NONCE_BYTES], box[_NONCE_BYTES:], purpose.associated_data
            )
        except (InvalidTag, ValueError):
            raise Unsealable("not authentic, or sealed for another purpose") from None
        return _load(kind, plain, now)

    def secret(self, purpose: str, *, now: int, at: int) -> bytes:
        """32 bytes for ``purpose``, of the key that is current at ``at``, or else at ``now``.

        They are the same on every replica, and those of no other purpose or issuer.
        """
        key = self._keys.sealing_key(now, issued_at=at)
        made = self._secrets.get((key.kid, purpose))
        if made is None:
            context = json.dumps([f"issuer/secret/v{_VERSION}", purpose, self._issuer])
            made = self._secrets[key.kid, purpose] = _expand(key, context)
        return made

    def _seal(self, value: Sealable, key: SealingKey, nonce: bytes) -> str:
        return self._purpose(key, type(value).PURPOSE).lock(_pad(_ENCODER.encode(value)), nonce)

    def _unwrap(self, text: str, now: int) -> tuple[SealingKey, bytes]:
        """The one key that can have sealed ``text``, and the box it locked."""
        if len(text) > MAX_SEALED:
            raise Unsealable("too long")
        version, _, rest = text.partition(".")
        if version != _VERSION:
            raise Unsealable("of no version known here")
        kid, _, box = rest.partition(".")
        key = self._keys.sealing_key_by_id(kid)
        if key is None or key.is_expired(now):
            raise Unsealable("its key is unknown or has expired")
        try:
            return key, from_base64url(box)
        except ValueError:
            raise Unsealable("not in its one spelling") from None

    def _purpose(self, key: SealingKey, purpose: str) -> _Purpose:
        # Two threads may derive the same key at once, and keep either.
        made = self._purposes.get((key.kid, purpose))
        if made is None:
            made = self._purposes[key.kid, purpose] = self._derive(key, purpose)
        return made

    def _derive(self, key: SealingKey, purpose: str) -> _Purpose:
        # A JSON array cannot be read two ways, whatever its strings hold.
        associated_data = json.dumps([_VERSION, key.kid, purpose, self._issuer]).encode()
        nonce_key = _expand(key, f"issuer/sealing_nonce/v{_VERSION}/{purpose}")
        return _Purpose(
            prefix=f"{_VERSION}.{key.kid}.",
            cipher=AESGCMSIV(_expand(key, f"issuer/sealed/v{_VERSION}/{purpose}")),
            associated_data=associated_data,
            # JSON in ASCII has no zero byte, so nothing before it can be taken for what comes then.
            nonces=hmac.new(nonce_key, associated_data + b"\0", "sha256"),
        )


def _expand(key: SealingKey, context: str) -> bytes:
    return HKDFExpand(algorithm=SHA256(), length=32, info=context.encode()).derive(key.secret)


def _pad(plain: bytes) -> bytes:
    return plain + b" " * (-len(plain) % _BUCKET)  # JSON ends as well in blanks


def _load(kind: type[T], plain: bytes, now: int) -> T:
    try:
        value: T = _decoder(kind).decode(plain)
    except msgspec.MsgspecError:
        raise Unsealable("written by a version that this one cannot read") from None
    if now >= value.expires_at:
        raise Unsealable("expired")
    return value


@cache
def _decoder(kind: type[T]) -> "msgspec.json.Decoder[T]":
    return msgspec.json.Decoder(kind, dec_hook=_restore)


def _restore(kind: type, members: Any) -> Any:
    """A set of a type of its own, which JSON has no word for."""
    if not issubclass(kind, frozenset):
        raise TypeError(f"a {kind.__name__} cannot be read from a sealed value")
    return kind(members)
