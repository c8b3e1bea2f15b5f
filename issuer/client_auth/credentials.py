"""What a request brings to prove which client sent it."""

from typing import NamedTuple

import msgspec

from issuer.protocol.replay import Once


class Credentials(msgspec.Struct, frozen=True):
    """The client that a request names, and its secret, if it brings one."""

    client_id: str
    secret: str | None = None

    def __repr__(self) -> str:
        return f"Credentials({self.client_id!r})"


class Proved(NamedTuple):
    """That a request is of whom it names."""

    credential: str = ""
    """Which of their credentials it was, for the log: ``client_secrets[1]``."""
    once: tuple[Once, ...] = ()
    """What of it is good once."""
