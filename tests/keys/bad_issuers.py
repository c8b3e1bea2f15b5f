"""Issuers that answer by the byte, or not at all: real sockets on loopback."""

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from tests.keys.builders import KEY, a_jwks

JWKS = json.dumps(a_jwks(KEY)).encode()
HEAD = b"HTTP/1.1 200 OK\r\nCache-Control: max-age=300\r\n"
SECONDS_PER_DRIP = 0.05

Behaviour = Callable[["BadIssuer", socket.socket], None]


class BadIssuer:
    """A server that does as it is told to each connection, until it is closed."""

    def __init__(self, behaves: Behaviour) -> None:
        self.behaves = behaves
        self.connections = 0
        self.is_over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.jwks_uri = f"{self.url}/jwks"
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        self.is_over.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in self._threads:
            each.join(10)

    def drip(self, connection: socket.socket, data: bytes) -> None:
        """Sends a byte now and then: each of them in time, the last of them not."""
        for index in range(len(data)):
            connection.sendall(data[index : index + 1])
            if self.is_over.wait(SECONDS_PER_DRIP):
                return

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                self._threads.append(threading.Thread(target=self._serve, args=(connection,)))
                self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            self.behaves(self, connection)


@contextmanager
def a_bad_issuer(behaves: Behaviour) -> Iterator[BadIssuer]:
    made = BadIssuer(behaves)
    try:
        yield made
    finally:
        made.close()


def path_of(connection: socket.socket) -> str:
    """What was asked for, after all of the request was read."""
    request = b""
    while b"\r\n\r\n" not in request:
        received = connection.recv(4096)
        if not received:
            raise ConnectionResetError
        request += received
    return request.split(b" ")[1].decode()


def answer(connection: socket.socket, body: bytes, head: bytes = HEAD) -> None:
    connection.sendall(head + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)


# --- what they do ---


def healthy(issuer: BadIssuer, connection: socket.socket) -> None:
    path = path_of(connection)
    metadata = {"issuer": issuer.url, "jwks_uri": issuer.jwks_uri}
    answer(connection, json.dumps(metadata).encode() if ".well-known" in path else JWKS)


def silent(issuer: BadIssuer, connection: socket.socket) -> None:
    issuer.is_over.wait()


def drips_the_status(issuer: BadIssuer, connection: socket.socket) -> None:
    path_of(connection)
    issuer.drip(connection, HEAD * 10)


def drips_a_header(issuer: BadIssuer, connection: socket.socket) -> None:
    path_of(connection)
    connection.sendall(HEAD + b"X-Slow: ")
    issuer.drip(connection, b"x" * 1000)


def drips_headers(issuer: BadIssuer, connection: socket.socket) -> None:
    path_of(connection)
    connection.sendall(HEAD)
    for number in range(90):
        connection.sendall(f"X-{number}: x\r\n".encode())
        if issuer.is_over.wait(SECONDS_PER_DRIP):
            return


def goes_on_to_continue(issuer: BadIssuer, connection: socket.socket) -> None:
    path_of(connection)
    while not issuer.is_over.wait(0.001):
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")


def drips_the_body(issuer: BadIssuer, connection: socket.socket) -> None:
    path_of(connection)
    connection.sendall(HEAD + f"Content-Length: {len(JWKS)}\r\n\r\n".encode())
    issuer.drip(connection, JWKS)


def drips_a_body_without_an_end(issuer: BadIssuer, connection: socket.socket) -> None:
    path_of(connection)
    connection.sendall(HEAD + b"\r\n")
    issuer.drip(connection, JWKS)


def drips_chunks(issuer: BadIssuer, connection: socket.socket) -> None:
    path_of(connection)
    connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    issuer.drip(connection, b"1\r\n \r\n" * 200)


def drips_the_size_of_a_chunk(issuer: BadIssuer, connection: socket.socket) -> None:
    path_of(connection)
    connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;")
    issuer.drip(connection, b"x" * 1000)


def drips_what_follows_the_chunks(issuer: BadIssuer, connection: socket.socket) -> None:
    path_of(connection)
    connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\n \r\n0\r\n")
    issuer.drip(connection, b"X: y\r\n" * 200)


def drips_the_handshake(issuer: BadIssuer, connection: socket.socket) -> None:
    """A record of TLS that is announced as long, and comes by the byte."""
    connection.recv(4096)
    connection.sendall(b"\x16\x03\x03\x40\x00")
    issuer.drip(connection, b"\x02" * 1000)


def drips_records(issuer: BadIssuer, connection: socket.socket) -> None:
    """Warnings of TLS, each of them whole."""
    connection.recv(4096)
    while not issuer.is_over.wait(SECONDS_PER_DRIP):
        connection.sendall(b"\x16\x03\x03\x00\x04\x02\x00\x40\x00"[:9])


def redirects(issuer: BadIssuer, connection: socket.socket) -> None:
    path_of(connection)
    answer(connection, b"", b"HTTP/1.1 302 Found\r\nLocation: /jwks\r\n")


def drips_a_redirect(issuer: BadIssuer, connection: socket.socket) -> None:
    path_of(connection)
    connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: ")
    issuer.drip(connection, b"/" * 1000)


def huge(issuer: BadIssuer, connection: socket.socket) -> None:
    """J28: 100 MB."""
    path_of(connection)
    connection.sendall(HEAD + b"Content-Length: 100000000\r\n\r\n")
    for _ in range(100):
        connection.sendall(b" " * 1_000_000)


def huge_by_the_byte(issuer: BadIssuer, connection: socket.socket) -> None:
    path_of(connection)
    connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    while not issuer.is_over.is_set():
        connection.sendall(b"1\r\n \r\n" * 1000)


def empty(issuer: BadIssuer, connection: socket.socket) -> None:
    path_of(connection)
    answer(connection, b"")


def hangs_up(issuer: BadIssuer, connection: socket.socket) -> None:
    path_of(connection)


def fails(issuer: BadIssuer, connection: socket.socket) -> None:
    path_of(connection)
    answer(connection, JWKS, b"HTTP/1.1 500 Internal Server Error\r\n")


def over_tls(context: ssl.SSLContext, behaves: Behaviour) -> Behaviour:
    """``behaves``, after a handshake."""

    def behave(issuer: BadIssuer, connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as wrapped:
            behaves(issuer, wrapped)

    return behave


def after(seconds: float, behaves: Behaviour) -> Behaviour:
    """``behaves``, later."""

    def behave(issuer: BadIssuer, connection: socket.socket) -> None:
        time.sleep(seconds)
        behaves(issuer, connection)

    return behave
