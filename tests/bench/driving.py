"""Whole requests driven through a protocol in one process, without a kernel.

What a socket would receive is handed to the protocol, and what it would send is kept. So all that
is measured is ours, the libraries' and the interpreter's.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from uvicorn import Config
from uvicorn.server import ServerState

from tests.bench.load import TokenForm

CONNECTIONS = 16
"""As many as ``wrk`` keeps; each has one request under way."""
IDLE = 3600
"""Seconds that a connection may wait while others are measured."""
ADDRESSES = {"peername": ("127.0.0.1", 40000), "sockname": ("127.0.0.1", 8000)}


class Recorder(asyncio.Transport):
    """A connection to nobody. It is never slow."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """The two addresses."""
        return ADDRESSES.get(name, default)

    def write(self, data: Any) -> None:
        """Keeps ``data``."""
        self.written.append(data)

    def is_closing(self) -> bool:
        """Nobody closes it."""
        return False

    def close(self) -> None:
        """A refused request would end here."""
        raise AssertionError(b"".join(self.written))


class Driver:
    """The connections of one application over one protocol, within a running event loop."""

    def __init__(self, application: Any, protocol: Any) -> None:
        self._config = Config(
            application, http=protocol, ws="none", lifespan="off", interface="asgi3",
            access_log=False, log_config=None, proxy_headers=False, server_header=False,
            timeout_keep_alive=IDLE,
        )  # fmt: skip
        self._config.load()
        self._protocol, self._state = protocol, ServerState()
        self._connections: list[tuple[Any, Recorder]] = []

    async def ask(self, requests: Sequence[bytes]) -> list[bytes]:
        """The answers to ``requests``, of which one is under way on each connection."""
        answers = []
        for start in range(0, len(requests), CONNECTIONS):
            asked = requests[start : start + CONNECTIONS]
            while len(self._connections) < len(asked):  # nobody connects, and then asks nothing
                self._connect()
            busy = list(zip(self._connections, asked, strict=False))
            for (connection, transport), request in busy:
                transport.written.clear()
                connection.data_received(request)
            for (_, transport), _ in busy:
                while not _is_whole(transport.written):
                    await asyncio.sleep(0)
                answers.append(b"".join(transport.written))
        return answers

    def _connect(self) -> None:
        connection, transport = self._protocol(self._config, self._state, {}), Recorder()
        connection.connection_made(transport)
        self._connections.append((connection, transport))


def _is_whole(written: list[bytes]) -> bool:
    """Uvicorn writes head and body apart; whoever writes once has written both."""
    return bool(written) and (len(written) > 1 or not written[0].endswith(b"\r\n\r\n"))


def request(form: TokenForm, path: str = "/token") -> bytes:
    """As it comes over a connection."""
    body = form.body.encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n"
        f"Authorization: {form.authorization}\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
