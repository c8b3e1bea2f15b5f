"""What an exchange adds to an authorization (RFC 8693)."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Exchanged(NamedTuple):
    """What came of the token that was exchanged."""

    issued_token_type: str
    not_after: int
    """When that token expires, beyond which nothing that comes of it lives."""
    act: Mapping[str, Any] | None = None
    """Who acts, and who did before (section 4.1)."""
