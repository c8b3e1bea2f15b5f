"""Security P9: requests that take their time, against the protocol with a short wait."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from uvicorn.server import ServerState

from issuer.serving import protocol
from tests.applications import echo

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n"


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    config = uvicorn.Config(
        echo, http=protocol.Protocol, lifespan="off", ws="none", log_level="error"
    )
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: protocol.Protocol(config=config, server_state=state, app_state={}), "127.0.0.1", 0
    )
    port = server.sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()
        server.close()
        await server.wait_closed()


def sent(*parts: bytes, wait: float = 0.0) -> bytes:
    """Everything that is answered to ``parts``, until the connection ends."""

    async def go() -> bytes:
        async with connected() as (reader, writer):
            for part in parts:
                writer.write(part)
                await asyncio.sleep(wait)
            return await asyncio.wait_for(reader.read(), 10)

    return asyncio.run(go())


@pytest.fixture(autouse=True)
def short_wait(monkeypatch):
    monkeypatch.setattr(protocol, "REQUEST_TIMEOUT", 0.2)


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param((b"P",), id="one byte"),
        pytest.param((HEAD,), id="half a head"),
        pytest.param((HEAD + b"\r\n",), id="a head and no body"),
        pytest.param((HEAD + b"\r\n", b"12"), id="a head and half a body"),
        pytest.param((HEAD, b"X: y\r\n", b"\r\n", b"1"), id="many pieces"),
    ],
)
def test_a_request_that_does_not_come_is_not_waited_for(parts):
    """RFC 9110 section 15.5.9."""
    assert sent(*parts, wait=0.01).startswith(b"HTTP/1.1 408 ")


def test_a_connection_on_which_nothing_comes_ends_without_a_word():
    assert sent() == b""


def test_a_request_in_pieces_is_answered_and_the_next_one_waited_for_anew(monkeypatch):
    """What was slow once does not count against what follows."""
    monkeypatch.setattr(protocol, "REQUEST_TIMEOUT", 0.8)
    answers = sent(
        HEAD, b"\r\n12", b"34",
        HEAD, b"\r\n56", b"78",
        HEAD + b"Connection: close\r\n", b"\r\n", b"90", b"ab", wait=0.12,
    )  # fmt: skip
    assert answers.count(b"HTTP/1.1 200 ") == 3
    assert [answers.count(body) for body in (b"1234", b"5678", b"90ab")] == [1, 1, 1]


def test_the_second_request_of_a_connection_is_not_waited_for_either():
    answers = sent(HEAD + b"\r\n1234", HEAD, wait=0.01)
    assert answers.startswith(b"HTTP/1.1 200 ")
    assert b"1234HTTP/1.1 408 " in answers


def test_a_request_that_came_whole_leaves_the_connection_open():
    async def go() -> bytes:
        async with connected() as (reader, writer):
            writer.write(HEAD + b"\r\n1234")
            first = await reader.readuntil(b"1234")
            await asyncio.sleep(0.4)  # twice as long as a request may take
            writer.write(HEAD + b"\r\n5678")
            return first + await reader.readuntil(b"5678")

    assert asyncio.run(go()).count(b"HTTP/1.1 200 ") == 2
