"""The clients of both contenders, and their token requests."""

from collections.abc import Iterable
from hashlib import sha256
from itertools import cycle, islice

from tests.bench.load import TokenForm

POOL = 1000
"""Requests that differ, sent in turn, so that nothing is fast for being asked the same again."""


def client_id(number: int) -> str:
    """The name of a client."""
    return f"client-{number}"


def client_secret(number: int) -> str:
    """256 bits that need not be kept: whoever measures can make them again."""
    return sha256(f"secret of {client_id(number)}".encode()).hexdigest()


def spread(clients: int, count: int = POOL) -> Iterable[int]:
    """``count`` clients from all over the registry."""
    step = max(1, clients // POOL)
    return islice(cycle(range(0, clients, step)), count)


def form(number: int, **parameters: str) -> TokenForm:
    """A token request of a client."""
    return TokenForm(
        client_id=client_id(number),
        client_secret=client_secret(number),
        parameters=tuple(parameters.items()),
    )


def client_credentials(clients: int, **parameters: str) -> list[TokenForm]:
    """Requests for tokens of the clients' own."""
    return [
        form(number, grant_type="client_credentials", scope="read write", **parameters)
        for number in spread(clients)
    ]
