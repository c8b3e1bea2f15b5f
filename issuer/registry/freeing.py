"""Making very much, and letting go of it, without stopping every other thread meanwhile."""

import gc
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_SHORT = 0.0005
"""Seconds for which a thread keeps the interpreter where another waits for it."""

PIECE = 1000
"""Records that are freed in one go: less than a millisecond."""


def free(records: list[Any]) -> None:
    """Empties ``records``, which should be the last to hold them, with pauses for other threads."""
    while records:
        del records[-PIECE:]
        time.sleep(0)


@contextmanager
def no_collection() -> Iterator[None]:
    """Without the garbage collector: looking through a hundred thousand records that are all still
    needed stops every thread, again and again, and finds nothing. Nor does it look later."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


@contextmanager
def giving_way() -> Iterator[None]:
    """Has this thread let others run whenever they want to, not after five milliseconds.

    Each signature lets go of the interpreter, so an answer would wait as long after each of those.
    """
    usual = sys.getswitchinterval()
    sys.setswitchinterval(_SHORT)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)
