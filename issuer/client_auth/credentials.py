"""What a request brings to prove which client sent it."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Credentials:
    """The client that a request names, and its secret, if it brings one."""

    client_id: str
    secret: str | None = field(default=None, repr=False)
