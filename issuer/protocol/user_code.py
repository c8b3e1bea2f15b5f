"""The code that people carry from a device to their browser (RFC 8628 section 6.1)."""

import re
import secrets
from hashlib import sha256
from hmac import digest

from keys.encoding import to_base64url

ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
"""Letters that are on every keyboard and spell no words. Eight of them are 34.5 bits."""

LENGTH = 8

_CODE = re.compile(f"[{ALPHABET}]{{{LENGTH}}}")
_LETTER = re.compile("[A-Z]")
_MAX_TYPED = 64
_NAME_BYTES = 16


def fresh() -> str:
    """A code that nobody can foresee."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def spelled(code: str) -> str:
    """``code`` as people read it: two halves, for the eye to find its place."""
    return f"{code[: LENGTH // 2]}-{code[LENGTH // 2 :]}"


def read(typed: str) -> str | None:
    """The code that somebody typed: in whatever case, and whatever stands between the letters.

    None where it cannot be one.
    """
    letters = "".join(_LETTER.findall(typed.upper())) if len(typed) <= _MAX_TYPED else ""
    return letters if _CODE.fullmatch(letters) else None


def name(code: str, secret: bytes) -> str:
    """What the store knows ``code`` by. Without ``secret`` nobody finds the code that it stands
    for, as few as there are."""
    return "device:" + to_base64url(digest(secret, code.encode(), sha256)[:_NAME_BYTES])
