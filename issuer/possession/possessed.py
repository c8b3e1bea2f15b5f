"""What a proof of possession comes to."""

from typing import NamedTuple

from issuer.protocol.binding import Binding
from issuer.protocol.replay import Once


class Possessed(NamedTuple):
    """A key that was proved, and what of the proof is good once."""

    binding: Binding
    once: tuple[Once, ...] = ()
