"""Nonces for DPoP proofs (RFC 9449 section 8), which follow from the clock and a secret.

So nothing is remembered, and each process that has the secret accepts what the others gave out. A
nonce is of a window of time, not of a client: it says that a proof was not made long before, and
nothing about whether it came before.
"""

import hmac
from dataclasses import dataclass, field
from functools import lru_cache

from keys.encoding import to_base64url

LIFETIME = 120
"""Seconds of a window if nobody says otherwise. A nonce is accepted for one to two of them."""

MIN_LIFETIME = 10
MAX_LIFETIME = 3600
MIN_SECRET = 32
"""Bytes."""

_NONCE_BYTES = 16
_LABEL = b"keys/dpop/v1/nonce\0"


@dataclass(frozen=True, slots=True)
class Nonces:
    """The nonces of all who share ``secret`` and ``lifetime``.

    Time is cut into windows of ``lifetime`` seconds, each with its one nonce. Accepted are that of
    the window of now and its two neighbours: the one before, for a client uses what it was told
    last, and the one after, for the clocks of replicas differ. So a nonce is good for ``lifetime``
    seconds after it was given out at least, and for twice that at most.

    Raises:
        ValueError: the secret is shorter than ``MIN_SECRET``, or the lifetime makes no sense.
    """

    secret: bytes = field(repr=False)
    """At least 32 bytes that nobody else knows."""
    lifetime: int = LIFETIME
    """Seconds."""

    def __post_init__(self) -> None:
        if len(self.secret) < MIN_SECRET:
            raise ValueError(f"the secret of nonces has {MIN_SECRET} bytes at least")
        if not MIN_LIFETIME <= self.lifetime <= MAX_LIFETIME:
            raise ValueError(
                f"the lifetime of a nonce is between {MIN_LIFETIME} and {MAX_LIFETIME} seconds"
            )

    def current(self, now: int) -> str:
        """What a client is to put into its next proof."""
        return self._of(now // self.lifetime)

    def accepts(self, nonce: str | None, now: int) -> bool:
        """Whether ``nonce`` was given out lately, or would be soon. Any text may be asked about."""
        if nonce is None or not nonce.isascii():
            return False
        shown, window = nonce.encode(), now // self.lifetime
        wanted = [self._of(each).encode() for each in (window - 1, window, window + 1)]
        # All three are compared, whichever it is: how long that takes says nothing.
        return any([hmac.compare_digest(shown, each) for each in wanted])

    def _of(self, window: int) -> str:
        return _nonce(self.secret, window)


@lru_cache(maxsize=16)
def _nonce(secret: bytes, window: int) -> str:
    return to_base64url(hmac.digest(secret, _LABEL + b"%d" % window, "sha256")[:_NONCE_BYTES])
