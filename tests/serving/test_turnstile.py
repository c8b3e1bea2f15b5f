"""Requests are let in together, and nobody is kept out."""

import asyncio
import socket
import time
from collections import Counter, deque
from collections.abc import Callable
from functools import partial

import pytest
from uvicorn.config import Config
from uvicorn.server import ServerState

from issuer.serving import protocol
from issuer.serving.protocol import Protocol
from issuer.serving.turnstile import GROUP, PATIENCE, TURNS, Turnstile


@pytest.fixture
def entered() -> list[tuple[int, str]]:
    """Who was let in, and in which turn of the event loop."""
    return []


def arriving(
    entered: list[tuple[int, str]], arrivals: dict[int, str], *, turns: int = 60
) -> list[tuple[int, str]]:
    """``entered``, after the letters of ``arrivals`` came in those turns."""

    async def run() -> None:
        turnstile = Turnstile(asyncio.get_running_loop())
        for turn in range(turns):
            for name in arrivals.get(turn, ""):
                turnstile.enter(letting_in(name, lambda turn=turn: now[0]))
            now[0] = turn
            await asyncio.sleep(0)

    def letting_in(name: str, turn: Callable[[], int]) -> Callable[[], None]:
        return lambda: entered.append((turn(), name))

    now = [0]
    asyncio.run(run())
    return entered


def groups(entered: list[tuple[int, str]]) -> list[str]:
    """The names that were let in together, group by group."""
    together: dict[int, str] = {}
    for turn, name in entered:
        together[turn] = together.get(turn, "") + name
    return list(together.values())


def test_who_comes_together_goes_in_together_and_in_order(entered):
    assert groups(arriving(entered, {0: "abc"})) == ["abc"]


def test_who_comes_while_others_are_inside_waits_and_goes_in_with_the_next(entered):
    assert groups(arriving(entered, {0: "ab", 1: "c", 3: "d", 6: "ef"})) == ["ab", "cdef"]


def test_more_than_a_group_go_in_one_group_after_the_other(entered):
    first, second = "a" * GROUP, "b" * GROUP
    assert groups(arriving(entered, {0: first + second + "c", 2: "d"})) == [first, second, "cd"]


def test_nobody_waits_longer_than_the_turns_of_those_inside(entered):
    arriving(entered, {0: "ab", 3: "c"})
    first, second = entered[0][0], entered[-1][0]
    assert second - first <= TURNS + 2


def test_who_is_alone_keeps_nobody_waiting(entered):
    arriving(entered, {0: "a", 3: "b", 6: "c"})
    assert [turn for turn, _ in entered] == pytest.approx([1, 4, 7], abs=2)
    assert groups(entered) == ["a", "b", "c"]


def test_it_stands_still_while_nobody_comes_and_turns_again_for_the_next(entered):
    assert groups(arriving(entered, {0: "ab", 40: "c"})) == ["ab", "c"]


def test_one_that_fails_does_not_stop_the_others(entered):
    async def run() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: failures.append(context["exception"]))
        turnstile = Turnstile(loop)
        turnstile.enter(lambda: entered.append((0, "a")))
        turnstile.enter(lambda: 1 // 0)
        turnstile.enter(lambda: entered.append((0, "b")))
        for _ in range(10):
            await asyncio.sleep(0)

    failures: list[Exception] = []
    asyncio.run(run())
    assert groups(entered) == ["ab"]
    assert [type(each) for each in failures] == [ZeroDivisionError]


def admissions(outside: int, turns: int) -> list[int]:
    """Who was let in, in order, of so many who came at once and ask again whenever answered.

    The loop accepts one of them a turn, as libuv does; an answer takes six turns.
    """

    async def run() -> None:
        turnstile = Turnstile(asyncio.get_running_loop())
        queue = deque(range(outside))
        inside: deque[list[int]] = deque([[]] * 6)  # who was let in, turn by turn
        for _ in range(turns):
            asking = inside.popleft()
            if queue:
                turnstile.approach()
                asking = [*asking, queue.popleft()]
            for number in asking:
                turnstile.enter(partial(admitted.append, number))
            before = len(admitted)
            await asyncio.sleep(0)
            inside.append(admitted[before:])

    admitted: list[int] = []
    asyncio.run(run())
    return admitted


@pytest.mark.parametrize(("outside", "times"), [(16, 1), (64, 1), (256, 1), (512, 2), (2048, 3)])
def test_who_waits_to_be_accepted_is_hardly_passed(outside, times):
    """Nobody is let in more than so many times until everybody was once."""
    admitted = admissions(outside, turns=4 * outside + 100)
    last = max(admitted.index(number) for number in range(outside))
    assert max(Counter(admitted[:last]).values()) <= times


def test_who_asks_again_waits_for_all_the_others_first():
    admitted = admissions(300, turns=2000)[-1200:]
    assert sorted(admitted[:300]) == list(range(300))
    assert admitted[:300] == admitted[300:600] == admitted[600:900]


def turns_waited(asking: set[int], connecting: set[int], *, turns: int) -> list[int]:
    """How many turns each waited of those who asked in some turns, others connecting in some."""

    async def run() -> None:
        turnstile = Turnstile(asyncio.get_running_loop())
        for turn in range(turns):
            if turn in connecting:
                turnstile.approach()
            if turn in asking:
                turnstile.enter(partial(admitted.append, turn))
            before = len(admitted)
            await asyncio.sleep(0)
            waited.extend(turn - since for since in admitted[before:])

    admitted: list[int] = []
    waited: list[int] = []
    asyncio.run(run())
    return waited


def test_those_who_connect_without_end_hold_up_nobody_for_long():
    asking, turns = {0, 300, 600}, 900
    waited = turns_waited(asking, set(range(turns)), turns=turns)
    assert len(waited) == 3
    assert PATIENCE <= max(waited) <= PATIENCE + 4


def test_who_connected_before_and_asks_for_nothing_holds_up_nobody():
    assert turns_waited({5}, set(), turns=10) == [1]
    assert turns_waited({5}, {0}, turns=10) == [2]


@pytest.mark.parametrize(("keep_alive", "request_timeout"), [(0.002, 10), (10, 0.002)])
def test_who_waits_to_be_let_in_is_neither_idle_nor_late(monkeypatch, keep_alive, request_timeout):
    """A connection with a request that is here is not closed, however long those before it take."""

    async def application(_, __, send) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    async def run() -> bytes:
        loop = asyncio.get_running_loop()
        here, there = socket.socketpair()
        here.sendall(b"GET / HTTP/1.1\r\nHost: issuer.example\r\n\r\n")
        config = Config(application, timeout_keep_alive=keep_alive, log_config=None)
        config.load()
        accepted = Protocol(config, ServerState(), {})
        transport, _ = await loop.connect_accepted_socket(lambda: accepted, there)
        for _ in range(20):
            accepted._turnstile.approach()
            time.sleep(0.001)  # what others take of each turn
            await asyncio.sleep(0)
        here.setblocking(False)
        answer = await asyncio.wait_for(loop.sock_recv(here, 1000), 5)
        transport.close()
        here.close()
        await asyncio.sleep(0)
        return answer

    monkeypatch.setattr(protocol, "REQUEST_TIMEOUT", request_timeout)
    assert asyncio.run(run()).startswith(b"HTTP/1.1 204")
