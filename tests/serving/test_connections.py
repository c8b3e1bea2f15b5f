"""Connections: many requests on one, many at once, and how long an idle one is kept."""

import os
import signal
import socket
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from select import EPOLLIN, epoll

import pytest

from tests.builders import SECRET, basic
from tests.running import RunningIssuer

REQUEST = (
    b"POST /token HTTP/1.1\r\nHost: issuer.example\r\nAuthorization: %s\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 29\r\n\r\n"
    b"grant_type=client_credentials"
) % basic("billing", SECRET).encode()


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningIssuer]:
    directory: Path = tmp_path_factory.mktemp("connections")
    running = RunningIssuer(directory)
    running.start("--keep-alive", "1")
    yield running
    running.stop()


@pytest.fixture
def connection(issuer: RunningIssuer) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", issuer.port), timeout=10) as connection:
        yield connection


def answered(connection: socket.socket, times: int = 1) -> int:
    """How many of so many answers were tokens."""
    received = b""
    while received.count(b'"access_token"') < times and (chunk := connection.recv(65536)):
        received += chunk
    return received.count(b"HTTP/1.1 200")


def test_an_idle_connection_is_closed_after_its_time(connection):
    connection.sendall(REQUEST)
    assert answered(connection) == 1
    idle_since = time.monotonic()
    assert connection.recv(1) == b""
    assert 0.9 <= time.monotonic() - idle_since < 5


def test_a_connection_that_is_used_stays(connection):
    for _ in range(5):
        connection.sendall(REQUEST)
        assert answered(connection) == 1
        time.sleep(0.6)


def test_a_request_may_come_in_pieces(connection):
    for start in range(0, len(REQUEST), 37):
        connection.sendall(REQUEST[start : start + 37])
        time.sleep(0.002)
    assert answered(connection) == 1


def test_pipelined_requests_are_answered_one_after_the_other(connection):
    connection.sendall(REQUEST * 20)
    assert answered(connection, 20) == 20


def test_many_connections_at_once_get_an_answer_each(issuer):
    def ask(_: int) -> int:
        with socket.create_connection(("127.0.0.1", issuer.port), timeout=10) as connection:
            count = 0
            for _ in range(20):
                connection.sendall(REQUEST)
                count += answered(connection)
            return count

    with ThreadPoolExecutor(40) as pool:
        assert sum(pool.map(ask, range(40))) == 40 * 20


@pytest.mark.parametrize(("number", "times"), [(200, 1), (600, 2)])
def test_who_waits_to_be_accepted_is_hardly_passed_by_those_who_ask_again(issuer, number, times):
    """Nobody gets more than so many answers until everybody has one."""
    with ExitStack() as stack:
        waiting = stack.enter_context(epoll())
        connections = {}
        (worker,) = issuer.workers()
        os.kill(worker, signal.SIGSTOP)
        try:
            for _ in range(number):
                connection = socket.create_connection(("127.0.0.1", issuer.port), timeout=10)
                connections[connection.fileno()] = stack.enter_context(connection)
                connection.sendall(REQUEST)
                waiting.register(connection, EPOLLIN)
        finally:
            os.kill(worker, signal.SIGCONT)
        answers = Counter[int]()
        while len(answers) < number:
            for each, _ in waiting.poll(10):
                assert answered(connections[each]) == 1
                answers[each] += 1
                connections[each].sendall(REQUEST)
    assert max(answers.values()) <= times + 1  # whose answers are on their way are not passed


def test_who_hangs_up_while_waiting_harms_nobody(issuer):
    for _ in range(200):
        with socket.create_connection(("127.0.0.1", issuer.port), timeout=10) as connection:
            connection.sendall(REQUEST)
    with socket.create_connection(("127.0.0.1", issuer.port), timeout=10) as connection:
        connection.sendall(REQUEST)
        assert answered(connection) == 1
    assert "Traceback" not in issuer.log.read_text()
