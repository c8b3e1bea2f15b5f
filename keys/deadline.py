"""HTTP by one deadline: every wait for the other side ends with it, however little it sends.

The timeout of a socket alone starts anew with every address, every byte and every record.
"""

import io
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from typing import Any, TypeVar
from urllib.request import AbstractHTTPHandler, OpenerDirector, ProxyHandler, Request, getproxies

Admits = Callable[[str], bool]


def opener(seconds: float, admits: Admits | None = None) -> OpenerDirector:
    """An opener for all that is opened, and read, within ``seconds`` from now.

    It knows http and https and does not follow redirects, ``file:`` or ``data:``. What is late is
    a ``TimeoutError``. Only the resolver keeps no deadline: a name server that is silent is waited
    for as long as the system does.

    With ``admits`` only addresses of which that is true are connected to: whatever a name means a
    moment later, it is the very address that was judged. No proxy is asked then, which would look
    the name up by itself.
    """
    made = OpenerDirector()
    made.add_handler(_Handler(_Deadline(time.monotonic() + seconds), admits))
    if admits is not None:
        return made
    # Plain http stays on loopback, so it never goes to a proxy.
    https = {name: url for name, url in getproxies().items() if name == "https"}
    made.add_handler(ProxyHandler(https))
    return made


@dataclass(frozen=True, slots=True)
class _Deadline:
    at: float

    def left(self) -> float:
        """Seconds until then, always more than none."""
        left = self.at - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        return left


class _Connection(HTTPConnection):
    def keep(self, deadline: _Deadline, admits: Admits | None) -> None:
        """Wait for nothing any longer."""
        self._deadline = deadline
        self._create_connection = partial(_connect, deadline, admits)
        self.response_class = partial(_Response, deadline=deadline)  # type: ignore[assignment]  # it is only called

    def connect(self) -> None:
        super().connect()
        # What follows, the handshake of TLS and the request, are held to this as a whole. An
        # earlier address or a proxy has used up some of the time.
        self.sock.settimeout(self._deadline.left())


class _TLSConnection(HTTPSConnection, _Connection):
    """In this order of bases ``HTTPSConnection`` connects by ``_Connection``, then shakes hands."""


C = TypeVar("C", bound=_Connection)


class _Response(HTTPResponse):
    def __init__(
        self, sock: socket.socket, *args: Any, deadline: _Deadline, **options: Any
    ) -> None:
        super().__init__(sock, *args, **options)
        self.fp.close()
        self.fp = io.BufferedReader(_Incoming(sock, deadline))


class _Incoming(io.RawIOBase):
    """What comes from a socket; each wait is for what is left of the time."""

    def __init__(self, sock: socket.socket, deadline: _Deadline) -> None:
        self._sock = sock
        self._deadline = deadline
        self._raw = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._deadline.left())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Handler(AbstractHTTPHandler):
    def __init__(self, deadline: _Deadline, admits: Admits | None) -> None:
        super().__init__()
        self._deadline = deadline
        self._admits = admits

    def http_open(self, request: Request) -> HTTPResponse:
        return self.do_open(partial(self._connection, _Connection), request)

    def https_open(self, request: Request) -> HTTPResponse:
        connection = partial(self._connection, _TLSConnection)
        return self.do_open(connection, request, context=self._context)

    http_request = https_request = AbstractHTTPHandler.do_request_

    def _connection(self, kind: type[C], host: str, **options: Any) -> C:
        made = kind(host, **options)
        made.keep(self._deadline, self._admits)
        return made

    @cached_property
    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        context.set_alpn_protocols(["http/1.1"])
        return context


def _connect(
    deadline: _Deadline, admits: Admits | None, address: tuple[str, int], *_: object
) -> socket.socket:
    """A connection to the first of the addresses that answers; each is given its share."""
    found = socket.getaddrinfo(*address, type=socket.SOCK_STREAM)
    failure = OSError("the name has no address")
    if admits is not None:
        found = [each for each in found if admits(str(each[4][0]))]
        failure = OSError("the name has no address that may be asked: private ones may not")
    for index, (family, kind, protocol, _name, to) in enumerate(found):
        share = deadline.left() / (len(found) - index)
        try:
            return _connected(socket.socket(family, kind, protocol), to, share)
        except OSError as error:
            failure = error
    raise failure


def _connected(sock: socket.socket, to: Any, seconds: float) -> socket.socket:
    try:
        sock.settimeout(seconds)
        sock.connect(to)
    except OSError:
        sock.close()
        raise
    return sock
