"""A connection without manners, and the issuer that the attacks of P1 to P12 are tried on."""

import json
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any
from urllib.parse import urlencode

import pytest

from issuer.registry import secret
from tests.builders import API, SECRET, basic
from tests.running import RunningIssuer, registry_table

FORM = "application/x-www-form-urlencoded"
GRANT = {"grant_type": "client_credentials"}

ODD_CLIENTS = (
    ("a:b c/\u00e4", "s%cr+t&=:\u00f6"),
    ("plain", "a+b%41"),
    ("tildes", "~" * 12),  # in base64 with a plus, in base64url with a minus
)


_ADDRESSES = (f"127.1.{number >> 8 & 255}.{number & 255}" for number in count(1))
"""Another for each connection: what is tried here is no guessing, and nobody is to be throttled."""


@dataclass(frozen=True)
class Answer:
    """One HTTP answer as it came."""

    status: int
    headers: dict[str, str]
    body: bytes
    answers: int
    """How many answers the connection gave altogether."""

    @property
    def json(self) -> dict[str, Any]:
        """The body, which must be a JSON object."""
        assert self.headers["content-type"] == "application/json"
        value = json.loads(self.body)
        assert isinstance(value, dict)
        return value

    @property
    def error(self) -> str | None:
        """The error code, or None where there is a token."""
        error = self.json.get("error")
        assert (error is None) == (self.status == 200)
        return error


@dataclass(frozen=True)
class Wire:
    """Sends bytes as they are, and reads until the other end closes."""

    port: int

    def send(self, data: bytes, *, finish: bool = False) -> Answer:
        """The first answer to ``data``; with ``finish``, nothing more is coming after it."""
        here = (next(_ADDRESSES), 0)
        with socket.create_connection(("127.0.0.1", self.port), 10, here) as connection:
            received = b""
            try:
                connection.sendall(data)
                if finish:
                    connection.shutdown(socket.SHUT_WR)
                while chunk := connection.recv(65536):
                    received += chunk
            except ConnectionError:
                # It closed before it had read everything; what it said first may be here already.
                received += _rest(connection)
        return _parse(received)

    def post(
        self,
        body: bytes = urlencode(GRANT).encode(),
        *,
        line: bytes = b"POST /token HTTP/1.1",
        authorization: str | None = basic("billing"),
        length: bytes | None = None,
        content_type: bytes = FORM.encode(),
        host: bytes = b"Host: issuer.example\r\n",
        more: bytes = b"",
    ) -> Answer:
        """A token request in which anything may be wrong; ``length`` b"" leaves that header out."""
        head = line + b"\r\n" + host + more + b"Connection: close\r\n"
        if content_type:
            head += b"Content-Type: " + content_type + b"\r\n"
        if authorization is not None:
            head += b"Authorization: " + authorization.encode("latin-1") + b"\r\n"
        if length != b"":
            head += b"Content-Length: " + (length or str(len(body)).encode()) + b"\r\n"
        return self.send(head + b"\r\n" + body)


def _rest(connection: socket.socket) -> bytes:
    received = b""
    try:
        while chunk := connection.recv(65536):
            received += chunk
    except OSError:
        pass
    return received


def _parse(received: bytes) -> Answer:
    head, _, body = received.partition(b"\r\n\r\n")
    if not head:
        return Answer(0, {}, b"", 0)
    line, *fields = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (each.partition(": ") for each in fields)}
    return Answer(int(line.split(" ")[1]), headers, body, received.count(b"HTTP/1.1 "))


@pytest.fixture(scope="session")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningIssuer]:
    """An issuer with clients whose names and secrets are hard to spell."""
    running = RunningIssuer(tmp_path_factory.mktemp("attacked"))
    table = registry_table(running.url)
    odd = {"grant_types": ["client_credentials"], "scope": "read", "resources": [API]}
    for name, held in ODD_CLIENTS:
        table["clients"][name] = odd | {"client_secrets": [{"hash": secret.sha256_hash(held)}]}
    running.write_registry(table)
    running.start()
    yield running
    running.stop()
    log = running.log.read_text()
    assert "unexpected" not in log  # a fault of ours says so there
    assert "Traceback" not in log
    assert SECRET not in log


@pytest.fixture
def wire(attacked: RunningIssuer) -> Wire:
    """A raw connection to it."""
    return Wire(attacked.port)


@pytest.fixture
def post(wire: Wire) -> Callable[..., Answer]:
    """A token request in which anything may be wrong."""
    return wire.post
