"""How long those wait who all ask at once: is anybody passed over?"""

from pathlib import Path

from tests.bench import ours
from tests.bench.clients import client_credentials
from tests.bench.figures import Waits
from tests.bench.load import Load

CONNECTIONS = (64, 256, 512)
"""They connect in the moment in which each round begins, and then ask again and again."""


def waits(
    directory: Path, clients: int, *, rounds: int, seconds: float, warm_up: float
) -> tuple[Waits, ...]:
    """Of each number of connections to one worker, interleaved."""
    forms, requests = client_credentials(clients), directory.with_suffix(".requests")
    measured: dict[int, list[Load]] = {number: [] for number in CONNECTIONS}
    with ours.started(directory, clients, 0) as issuer:
        issuer.endpoint.rate(forms, requests, warm_up)
        for _ in range(rounds):
            for number, loads in measured.items():
                loads.append(issuer.endpoint.waits(forms, requests, seconds, connections=number))
    return tuple(Waits(number, tuple(loads)) for number, loads in measured.items())
