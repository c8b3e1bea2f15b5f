"""Making very much, and letting go of it, without stopping every other thread meanwhile."""

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

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
