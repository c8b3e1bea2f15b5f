"""What an application is told of a request, and what becomes of its answer, byte for byte."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from uvicorn.config import Config
from uvicorn.server import ServerState

from issuer.serving.protocol import Protocol
from tests.applications import answer, echo

HEAD = b"POST /token?x=y HTTP/1.1\r\nHost: issuer.example\r\n"
CLOSING = HEAD + b"Connection: close\r\n"
LONG = 2_000_000
"""Bytes that no socket's buffers hold."""

Application = Callable[[Any, Any, Any], Awaitable[None]]


@asynccontextmanager
async def connected(application: Application) -> AsyncIterator[tuple[Protocol, socket.socket]]:
    """The protocol of a connection on which ``application`` answers, and the client's end of it."""
    loop = asyncio.get_running_loop()
    here, there = socket.socketpair()
    here.setblocking(False)
    config = Config(application, timeout_keep_alive=5, log_config=None)
    config.load()
    state = ServerState()
    state.default_headers = [(b"date", b"today")]
    accepted = Protocol(config, state, {})
    transport, _ = await loop.connect_accepted_socket(lambda: accepted, there)
    try:
        yield accepted, here
    finally:
        transport.close()
        here.close()
        while state.tasks or state.connections:
            await asyncio.sleep(0)


async def rest(here: socket.socket) -> bytes:
    """All that comes until the connection ends."""
    loop, received = asyncio.get_running_loop(), b""
    while chunk := await asyncio.wait_for(loop.sock_recv(here, 65536), 5):
        received += chunk
    return received


async def settled() -> None:
    """After this everything that could happen has happened."""
    for _ in range(30):
        await asyncio.sleep(0.001)


def answered(application: Application, *parts: bytes) -> bytes:
    """What is answered to ``parts``, sent one after the other, until the connection ends."""

    async def run() -> bytes:
        async with connected(application) as (_, here):
            for part in parts:
                await asyncio.get_running_loop().sock_sendall(here, part)
                await settled()
            return await rest(here)

    return asyncio.run(run())


async def hello(_: Any, __: Any, send: Any) -> None:
    """Answers without asking for the body."""
    await answer(send, b"hello")


# --- what comes in ---


@pytest.mark.parametrize(
    ("target", "path", "raw_path", "query"),
    [
        (b"/token", "/token", b"/token", b""),
        (b"/token?", "/token", b"/token", b""),
        (b"/token?a=b?c&d=%20", "/token", b"/token", b"a=b?c&d=%20"),
        (b"/%74ok%c3%a9?%74", "/tok\u00e9", b"/%74ok%c3%a9", b"%74"),
        (b"/%ff", "/\ufffd", b"/%ff", b""),
        (b"//a//b/", "//a//b/", b"//a//b/", b""),
        (b"/?/x:y@z", "/", b"/", b"/x:y@z"),
        (b"http://evil.example:80/a%20b?c", "/a b", b"/a%20b", b"c"),
        (b"*", "*", b"*", b""),
    ],
)
def test_a_target_is_a_path_as_it_was_sent_and_as_it_reads_and_a_query(
    target, path, raw_path, query
):
    scopes = []

    async def application(scope: Any, _: Any, send: Any) -> None:
        scopes.append(scope)
        await answer(send, b"")

    answered(application, CLOSING.replace(b"/token?x=y", target) + b"\r\n")
    (scope,) = scopes
    assert (scope["path"], scope["raw_path"], scope["query_string"]) == (path, raw_path, query)


def test_headers_are_told_in_order_with_names_in_lower_case_and_values_as_they_are():
    scopes = []

    async def application(scope: Any, _: Any, send: Any) -> None:
        scopes.append(scope)
        await answer(send, b"")

    more = b"X-A:  One\r\nx-a: Two\r\nEmpty:\r\nAccented: \xe9\r\n"
    answered(application, HEAD + more + b"Connection: close\r\n\r\n")
    (scope,) = scopes
    assert scope["headers"] == [
        (b"host", b"issuer.example"), (b"x-a", b"One"), (b"x-a", b"Two"), (b"empty", b""),
        (b"accented", b"\xe9"), (b"connection", b"close"),
    ]  # fmt: skip
    assert (scope["type"], scope["method"], scope["http_version"]) == ("http", "POST", "1.1")
    assert (scope["scheme"], scope["root_path"]) == ("http", "")


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param((b"\r\n12345678",), id="with the head"),
        pytest.param((b"\r\n", b"12345678"), id="after it"),
        pytest.param((b"\r\n1", b"234", b"5678"), id="in pieces"),
    ],
)
def test_a_body_comes_whole_however_it_was_cut(parts):
    first, *others = parts
    received = answered(echo, CLOSING + b"Content-Length: 8\r\n" + first, *others)
    assert received.endswith(b"\r\n\r\n12345678")


def test_a_body_is_asked_for_where_the_client_waits_for_that():
    """RFC 9110 section 10.1.1."""
    head = CLOSING + b"Content-Length: 4\r\nExpect: 100-Continue\r\n\r\n"
    assert answered(echo, head, b"1234").startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 ")
    assert b"100" not in answered(hello, head)


def test_who_waits_to_be_asked_hears_nothing_before():
    async def run() -> tuple[bytes, bytes]:
        loop = asyncio.get_running_loop()
        async with connected(echo) as (_, here):
            more = b"Content-Length: 4\r\nExpect: 100-continue\r\n\r\n"
            await loop.sock_sendall(here, CLOSING + more)
            interim = await asyncio.wait_for(loop.sock_recv(here, 1000), 5)
            await loop.sock_sendall(here, b"1234")
            return interim, await rest(here)

    interim, final = asyncio.run(run())
    assert interim == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert final.startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_body_that_nobody_reads_is_not_taken_in():
    """It fills no memory: the client has to wait."""

    async def run() -> int:
        async with connected(waiting) as (_, here):
            here.send(HEAD + b"Content-Length: %d\r\n\r\n" % LONG)
            taken = await accepted_by(here, b"x" * 65536)
            may_end.set()
            return taken

    async def waiting(_: Any, __: Any, send: Any) -> None:
        await may_end.wait()
        await answer(send, b"")

    may_end = asyncio.Event()
    assert asyncio.run(run()) < LONG


async def accepted_by(here: socket.socket, data: bytes) -> int:
    """How many bytes may be sent until the other end takes no more, or has all of ``LONG``."""
    sent = 0
    while sent < LONG:
        try:
            sent += here.send(data)
        except BlockingIOError:
            await settled()
            try:
                sent += here.send(data)
            except BlockingIOError:
                return sent
        await asyncio.sleep(0)
    return sent


def test_who_asks_without_end_and_reads_no_answer_has_to_wait():
    """Answers that nobody reads fill no memory."""

    async def long_answer(_: Any, __: Any, send: Any) -> None:
        answers.append(None)
        await answer(send, b"x" * 10_000)

    async def run() -> int:
        async with connected(long_answer) as (_, here):
            return await accepted_by(here, HEAD + b"\r\n")

    answers: list[None] = []
    assert asyncio.run(run()) < LONG
    assert len(answers) < 500


def test_a_body_goes_on_when_it_is_read():
    received = answered(echo, CLOSING + b"Content-Length: 300000\r\n\r\n" + b"x" * 300_000)
    assert received.count(b"x") == 300_000


# --- what goes out ---


def test_an_answer_is_what_the_application_says_and_a_date():
    headers = [(b"Set-Cookie", b"a=b"), (b"set-cookie", b"c=d")]

    async def application(_: Any, __: Any, send: Any) -> None:
        await answer(send, b"12", b"34", status=404, headers=headers)

    assert answered(application, CLOSING + b"\r\n") == (
        b"HTTP/1.1 404 Not Found\r\ndate: today\r\ncontent-length: 4\r\nset-cookie: a=b\r\n"
        b"set-cookie: c=d\r\nconnection: close\r\n\r\n1234"
    )


def test_the_answer_to_head_has_no_body():
    """RFC 9110 section 9.3.2."""
    answers = answered(hello, HEAD.replace(b"POST", b"HEAD") + b"\r\n", CLOSING + b"\r\n")
    one = b"HTTP/1.1 200 OK\r\ndate: today\r\ncontent-length: 5\r\n"
    assert answers == one + b"\r\n" + one + b"connection: close\r\n\r\nhello"


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_that_never_has_a_body_needs_no_length(status):
    async def application(_: Any, __: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body"})

    head, end, body = answered(application, CLOSING + b"\r\n").partition(b"\r\n\r\n")
    assert head.split(b"\r\n")[1:] == [b"date: today", b"connection: close"]
    assert (end, body) == (b"\r\n\r\n", b"")


@pytest.mark.parametrize("more", [b"", b"Connection: keep-alive\r\n"])
def test_http_1_0_is_answered_once(more):
    request = HEAD.replace(b"1.1", b"1.0") + more + b"\r\n"
    received = answered(hello, request + request)
    assert received.count(b"HTTP/1.1 200 OK\r\n") == 1
    assert b"\r\nconnection: close\r\n" in received


def test_the_application_may_close_the_connection():
    async def application(_: Any, __: Any, send: Any) -> None:
        await answer(send, b"", headers=[(b"connection", b"Close")])

    received = answered(application, HEAD + b"\r\n")
    assert received.count(b"lose") == 1


def test_pipelined_requests_are_answered_in_their_order_and_with_their_bodies():
    requests = b"".join(HEAD + b"Content-Length: 1\r\n\r\n%d" % each for each in range(8))
    received = answered(echo, requests + CLOSING + b"Content-Length: 1\r\n\r\n8")
    assert [each[-1:] for each in received.split(b"HTTP/1.1 ")[1:]] == [b"%d" % n for n in range(9)]


def test_an_answer_before_its_body_was_there_lets_the_next_request_in():
    head = HEAD + b"Content-Length: 8\r\n\r\n1234"
    received = answered(hello, head, b"5678", CLOSING + b"\r\n")
    assert received.count(b"HTTP/1.1 200 OK\r\n") == 2


# --- ends ---


def test_an_application_hears_that_the_client_hung_up_and_may_go_on_talking():
    events = []

    async def application(_: Any, receive: Any, send: Any) -> None:
        events.append((await receive())["type"])
        events.append((await receive())["type"])
        await answer(send, b"to nobody")
        events.append((await receive())["type"])

    async def run() -> None:
        async with connected(application) as (_, here):
            here.send(HEAD + b"\r\n")
            await settled()
            assert events == ["http.request"]
            here.close()
            await settled()

    asyncio.run(run())
    assert events == ["http.request", "http.disconnect", "http.disconnect"]


def test_an_application_hears_of_it_where_another_request_waits_behind_its_own():
    events = []

    async def application(_: Any, receive: Any, __: Any) -> None:
        events.append((await receive())["type"])
        events.append((await receive())["type"])

    async def run() -> None:
        async with connected(application) as (_, here):
            here.send((HEAD + b"\r\n") * 2)
            await settled()
            here.close()
            await settled()

    asyncio.run(run())
    assert events == ["http.request", "http.disconnect"]  # nobody is told of the other


def test_an_application_that_asks_on_after_its_answer_hears_of_an_end():
    events = []

    async def application(_: Any, receive: Any, send: Any) -> None:
        await answer(send, b"")
        events.append(await receive())

    answered(application, CLOSING + b"\r\n")
    assert events == [{"type": "http.disconnect"}]


def test_who_is_not_busy_is_closed_when_all_shut_down():
    async def run() -> bytes:
        async with connected(hello) as (accepted, here):
            accepted.shutdown()
            return await rest(here)

    assert asyncio.run(run()) == b""


def test_who_is_being_answered_gets_the_answer_when_all_shut_down():
    async def run() -> bytes:
        async with connected(echo) as (accepted, here):
            here.send(HEAD + b"Content-Length: 4\r\n\r\n12")
            await settled()
            accepted.shutdown()
            here.send(b"34")
            return await rest(here)

    received = asyncio.run(run())
    assert b"\r\nconnection: close\r\n" in received
    assert received.endswith(b"1234")


async def fails(_: Any, __: Any, ___: Any) -> None:
    """Fails before it answers."""
    raise LookupError


async def says_nothing(_: Any, __: Any, ___: Any) -> None:
    """Ends without an answer."""


@pytest.mark.parametrize("application", [fails, says_nothing])
def test_an_application_that_fails_is_an_answer_of_500_and_the_end(application, caplog):
    received = answered(application, HEAD + b"\r\n")
    assert received == (
        b"HTTP/1.1 500 Internal Server Error\r\ndate: today\r\n"
        b"content-type: text/plain; charset=utf-8\r\ncontent-length: 21\r\nconnection: close\r\n"
        b"\r\nInternal Server Error"
    )
    assert len(caplog.records) == 1


START = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]}
WHOLE = {"type": "http.response.body", "body": b"1234"}


@pytest.mark.parametrize(
    "messages",
    [
        pytest.param([WHOLE], id="a body first"),
        pytest.param([START, START], id="two heads"),
        pytest.param([START, WHOLE, WHOLE], id="two bodies"),
        pytest.param([START, WHOLE | {"body": b"12345"}], id="longer than it says"),
        pytest.param([START, WHOLE | {"body": b"123"}], id="shorter than it says"),
        pytest.param([START, WHOLE | {"more_body": True}], id="unfinished"),
        pytest.param([START | {"headers": []}, WHOLE], id="no length"),
        pytest.param([START | {"headers": [(b"x", b"a\r\nx: evil")]}], id="a line break"),
        pytest.param([START | {"headers": [(b"x", b"a\nx: evil")]}], id="a bare LF"),
        pytest.param([START | {"headers": [(b"x", b"a\0evil")]}], id="a NUL"),
        pytest.param([START | {"headers": [(b"x: evil\r\nx", b"a")]}], id="a name that is none"),
        pytest.param([START | {"headers": [(b"evil x", b"a")]}], id="a blank in a name"),
    ],
)
def test_a_wrong_answer_is_a_failure_and_the_end(messages, caplog):
    async def application(_: Any, __: Any, send: Any) -> None:
        for each in messages:
            await send(each)

    received = answered(application, HEAD + b"\r\n")  # it ends, though it was not asked to
    assert b"evil" not in received
    assert len(caplog.records) == 1
    assert caplog.records[0].levelname == "ERROR"
