"""What clients that must not compare notes call a user: pairwise ``sub`` (OpenID Connect Core 8.1).

The user's own ``sub`` is encrypted, for each sector in another way. Whoever holds the key can read
it back, so nothing has to be remembered; to anybody else those of two sectors say nothing of each
other. The encryption is deterministic (AES-SIV, RFC 5297), as a ``sub`` never changes: neither may
the key, for which there is no rotation.
"""

from dataclasses import dataclass, field
from secrets import token_bytes

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from keys.encoding import from_base64url, to_base64url

SUBJECT_KEY_BYTES = 64
"""Two keys of 256 bits: one makes the synthetic IV, the other encrypts."""

_BLOCK = 16

MAX_SUB = 159
"""Bytes of the longest ``sub`` whose pairwise form has at most 255 characters, all that OpenID
Connect lets a ``sub`` have."""

_LENGTHS = range(43, 256)
"""Characters of a pairwise ``sub``."""


@dataclass(frozen=True, slots=True)
class SubjectKey:
    """The key of all pairwise ``sub``."""

    secret: bytes = field(repr=False)

    @classmethod
    def generate(cls) -> "SubjectKey":
        """A new key. Every ``sub`` made by another is another user's from then on."""
        return cls(token_bytes(SUBJECT_KEY_BYTES))

    def conceal(self, sub: str, sector: str) -> str:
        """What the clients of ``sector`` call the user called ``sub``: always the same.

        Raises:
            ValueError: ``sub`` is longer than ``MAX_SUB``.
        """
        text = sub.encode()
        if len(text) > MAX_SUB:
            raise ValueError(f"a sub of more than {MAX_SUB} bytes has no pairwise form")
        # Filled up to whole blocks, so that its length says little of who it is.
        text += b"\x80" + bytes(-(len(text) + 1) % _BLOCK)
        return to_base64url(AESSIV(self.secret).encrypt(text, [sector.encode()]))

    def reveal(self, text: str, sector: str) -> str | None:
        """The user whom the clients of ``sector`` call ``text``; None where that is nobody."""
        if len(text) not in _LENGTHS:
            return None
        try:
            found = AESSIV(self.secret).decrypt(from_base64url(text), [sector.encode()])
            return found[: found.rindex(b"\x80")].decode()
        except (ValueError, InvalidTag):
            return None
