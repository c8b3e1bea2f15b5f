"""How long a request waits while the registry is read anew."""

import json
import time
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from tests.bench import ours
from tests.bench.clients import client_credentials
from tests.bench.load import TokenForm
from tests.bench.processes import pinned, running

PATIENCE = 60
"""Seconds in which the change must be in force."""


def longest_answer(directory: Path, clients: int) -> float:
    """Seconds that the slowest token took, of one asked after the other while a client changes."""
    with (
        ours.started(directory, clients, 0) as issuer,
        running(issuer.endpoint.group),
        pinned({1}),
    ):
        connection = HTTPConnection(urlsplit(issuer.endpoint.url).netloc)
        form = client_credentials(clients)[0]
        issuer.change_a_client()
        slowest, deadline = 0.0, time.monotonic() + PATIENCE
        while not _has_reloaded(connection):
            assert time.monotonic() < deadline, "the change never came into force"
            slowest = max(slowest, *(_seconds(connection, form) for _ in range(100)))
        return slowest


def _seconds(connection: HTTPConnection, form: TokenForm) -> float:
    kind = "application/x-www-form-urlencoded"
    headers = {"Authorization": form.authorization, "Content-Type": kind}
    start = time.perf_counter()
    connection.request("POST", "/token", form.body, headers)
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 200
    return time.perf_counter() - start


def _has_reloaded(connection: HTTPConnection) -> bool:
    connection.request("GET", "/readyz")
    return bool(json.load(connection.getresponse())["reloads"])
