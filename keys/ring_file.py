"""The key ring file: a file of private keys whose refusal is that of a key ring."""

from pathlib import Path

from keys import private_file
from keys.private_file import MAX_BYTES, UnfitFile, write
from keys.ring_text import InvalidKeyRing

__all__ = ["MAX_BYTES", "read", "write"]


def read(path: Path) -> bytes:
    """What the file holds.

    Raises:
        InvalidKeyRing: it cannot be read, is no regular file, is too large, or is open to others.
    """
    try:
        return private_file.read(path)
    except UnfitFile as unfit:
        raise InvalidKeyRing([str(unfit)]) from None
