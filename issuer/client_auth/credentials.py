"""What a request brings to prove which client sent it."""

import msgspec


class Credentials(msgspec.Struct, frozen=True):
    """The client that a request names, and its secret, if it brings one."""

    client_id: str
    secret: str | None = None

    def __repr__(self) -> str:
        return f"Credentials({self.client_id!r})"
