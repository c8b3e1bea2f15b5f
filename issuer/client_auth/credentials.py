"""What a request brings to prove which client sent it."""

from typing import NamedTuple

import msgspec

from issuer.protocol.client_jwt import Unproved
from issuer.protocol.replay import Once
from issuer.protocol.vouched import Vouched


class Credentials(msgspec.Struct, frozen=True):
    """The client that a request names, and by what it says it is that one."""

    client_id: str
    secret: str | None = None
    assertion: Unproved | None = None
    """What it signed to prove who it is, if that is how."""
    is_grant: bool = False
    """True where that is also what it asks for a token with."""

    def __repr__(self) -> str:
        return f"Credentials({self.client_id!r})"


class NotProved(Exception):
    """That it is not. ``detail`` says why, for the log, and quotes nothing."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class Proved(NamedTuple):
    """That a request is of whom it names."""

    credential: str = ""
    """Which of their credentials it was, for the log: ``client_secrets[1]``."""
    once: tuple[Once, ...] = ()
    """What of it is good once."""
    vouched: Vouched | None = None
    """What a token of a federation proved, where that was the credential."""
