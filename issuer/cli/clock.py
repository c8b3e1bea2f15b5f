"""The clock: no other module of the command reads it."""

import time


def now() -> int:
    """Whole seconds since 1970."""
    return int(time.time())
