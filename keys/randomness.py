"""Random bytes that are no secret, without asking the system for each: ids and nonces."""

import os
from collections import deque

BLOCK = 16
"""Bytes of one block: 128 bits, which nothing else ever has."""
_BLOCKS = 256

_drawn: deque[bytes] = deque()


def block() -> bytes:
    """``BLOCK`` random bytes that nobody was given before. Safe to use from many threads.

    Not for keys and secrets: those are drawn when they are needed, and lie nowhere until then.
    """
    try:
        return _drawn.popleft()
    except IndexError:
        drawn = os.urandom(BLOCK * _BLOCKS)
        first, *rest = (drawn[start : start + BLOCK] for start in range(0, len(drawn), BLOCK))
        _drawn.extend(rest)
        return first


# Two processes must not be given the same ones.
os.register_at_fork(after_in_child=_drawn.clear)
