"""What a federation vouches for."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from issuer.protocol.replay import Once


class Vouched(NamedTuple):
    """That a client is the workload which a token of a federation is about."""

    federation: str
    once: tuple[Once, ...]
    """Empty where the token may come again."""
    claims: Mapping[str, Any]
    """Those of its claims that access tokens repeat, as they are called there."""

    @property
    def credential(self) -> str:
        """What it is called in the log."""
        return f"federation {self.federation}"
