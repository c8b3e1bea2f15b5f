"""The verifier before an issuer that is silent, drips, redirects, is huge, empty or well.

Forty tokens with a ``kid`` that nobody knows, which anybody can make up, come beside good ones: who
has a usable key is verified at once, whatever the issuer does. Real sockets, threads and loops.
"""

import asyncio
import json
import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from keys import InvalidToken, KeysUnavailable, Verifier
from keys.errors import InvalidMac
from keys.key_set import PATIENCE
from keys.mac import MacVerifier
from tests.keys import bad_issuers as they
from tests.keys.bad_issuers import BadIssuer, Behaviour, a_bad_issuer
from tests.keys.builders import AUDIENCE, KEY, NOW, OTHER_KEY, a_jwks, a_token
from tests.keys.mac.builders import DECRYPTION_KEYS, a_mac_token, sent, signed

ISSUERS = [
    they.healthy, they.silent, they.drips_a_header, they.drips_the_body, they.drips_chunks,
    they.redirects, they.huge, they.huge_by_the_byte, they.empty, they.hangs_up, they.fails,
]  # fmt: skip

STRANGERS, GOOD = 40, 12
BOUND = 0.1
"""Seconds that a good token may wait longer than it does without the others."""
ATTEMPTS = 4
"""A machine that is busy with something else gets another chance; an attack would get it too."""

LATER = NOW + 40

Call = Callable[[], object]


class Bearer:
    def __init__(self, issuer: BadIssuer) -> None:
        self._issuer = issuer
        self._verifier = Verifier(issuer.url, AUDIENCE, issuer.jwks_uri)

    def token(self, jti: str, *, is_good: bool) -> str:
        key = KEY if is_good else OTHER_KEY
        return a_token(key, iss=self._issuer.url, exp=NOW + 9999, jti=jti)

    def verify(self, token: str, now: int = LATER):
        return self._verifier.verify(token, now=now)

    async def verify_async(self, token: str):
        return await self._verifier.verify_async(token, now=LATER)


class Mac:
    def __init__(self, issuer: BadIssuer) -> None:
        self._issuer = issuer
        self._verifier = MacVerifier(
            issuer.url, AUDIENCE, issuer.jwks_uri, decryption_keys=DECRYPTION_KEYS
        )

    def token(self, jti: str, *, is_good: bool) -> str:
        key = KEY if is_good else OTHER_KEY
        return signed(
            a_mac_token(key, iss=self._issuer.url, exp=NOW + 9999, jti=jti), ts=LATER, nonce=jti
        )

    def verify(self, header: str, now: int = LATER):
        return self._verifier.verify(**sent(), authorization=header, now=now)

    async def verify_async(self, header: str):
        return await self._verifier.verify_async(**sent(), authorization=header, now=LATER)


# --- how requests come: each way gives the longest wait of a good one ---


def in_threads(verifier: Bearer | Mac, strangers: list[str], good: list[str]) -> float:
    return _pooled(verifier, strangers, good, threads=STRANGERS + GOOD)


def in_four_threads(verifier: Bearer | Mac, strangers: list[str], good: list[str]) -> float:
    return _pooled(verifier, strangers, good, threads=4)


def in_one_thread(verifier: Bearer | Mac, strangers: list[str], good: list[str]) -> float:
    return _pooled(verifier, strangers, good, threads=1)


def in_a_loop(verifier: Bearer | Mac, strangers: list[str], good: list[str]) -> float:
    async def scenario() -> float:
        others = [asyncio.create_task(_refused_async(verifier, each)) for each in strangers]
        came = time.monotonic()
        await asyncio.sleep(0)
        waits = await asyncio.gather(*(_accepted_async(verifier, each, came) for each in good))
        # What else runs in asyncio's own threads, name servers asked by clients for one.
        began = time.monotonic()
        await asyncio.to_thread(time.monotonic)
        waits.append(time.monotonic() - began)
        await asyncio.gather(*others)
        return max(waits)

    return asyncio.run(scenario())


def in_two_loops(verifier: Bearer | Mac, strangers: list[str], good: list[str]) -> float:
    with ThreadPoolExecutor(2) as threads:
        loops = [
            threads.submit(in_a_loop, verifier, strangers[half::2], good[half::2])
            for half in range(2)
        ]
        return max(each.result(30) for each in loops)


def _pooled(
    verifier: Bearer | Mac, strangers: list[str], good: list[str], *, threads: int
) -> float:
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(time.sleep, [0.001] * threads))  # its threads are there before anybody comes
        others = [pool.submit(_refused, verifier, each) for each in strangers]
        came = time.monotonic()
        waits = [pool.submit(_accepted, verifier, each, came) for each in good]
        longest = max(each.result(60) for each in waits)
        for each in others:
            each.result(60)
    return longest


def _refused(verifier: Bearer | Mac, token: str) -> None:
    with pytest.raises((InvalidToken, InvalidMac)):
        verifier.verify(token)


def _accepted(verifier: Bearer | Mac, token: str, came: float) -> float:
    assert verifier.verify(token).subject == "alice"
    return time.monotonic() - came


async def _refused_async(verifier: Bearer | Mac, token: str) -> None:
    with pytest.raises((InvalidToken, InvalidMac)):
        await verifier.verify_async(token)


async def _accepted_async(verifier: Bearer | Mac, token: str, came: float) -> float:
    assert (await verifier.verify_async(token)).subject == "alice"
    return time.monotonic() - came


WAYS = [in_threads, in_four_threads, in_one_thread, in_a_loop, in_two_loops]


def longest_wait(
    kind: type[Bearer | Mac], way, behaves: Behaviour, max_age: int, *, strangers: int
) -> tuple[float, int]:
    """Of good tokens, seconds; and how often the issuer was asked."""

    def well(issuer: BadIssuer, connection: socket.socket) -> None:
        they.path_of(connection)
        they.answer(
            connection,
            they.JWKS,
            f"HTTP/1.1 200 OK\r\nCache-Control: max-age={max_age}\r\n".encode(),
        )

    with a_bad_issuer(well) as issuer:
        verifier = kind(issuer)
        first = verifier.token("first", is_good=True)
        with suppress(InvalidMac):  # signed for later
            verifier.verify(first, NOW)
        issuer.behaves = behaves
        made_up = [verifier.token(f"x{each}", is_good=False) for each in range(strangers)]
        good = [verifier.token(f"g{each}", is_good=True) for each in range(GOOD)]
        return way(verifier, made_up, good), issuer.connections - 1


# Of 30 s they are stale and still usable: the case in which good tokens waited for seconds.
@pytest.mark.parametrize("max_age", [300, 30], ids=["fresh", "stale"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("behaves", ISSUERS)
def test_forty_tokens_of_nobody_make_no_good_one_wait(behaves, way, max_age):
    """F19, J28."""
    seen = []
    for _ in range(ATTEMPTS):
        alone, _ = longest_wait(Bearer, way, behaves, max_age, strangers=0)
        beside, asked = longest_wait(Bearer, way, behaves, max_age, strangers=STRANGERS)
        assert asked <= 1
        seen.append(f"{alone:.3f} s alone, {beside:.3f} s beside them")
        if beside < alone + BOUND:
            return
    pytest.fail(f"in each of {ATTEMPTS} attempts: {'; '.join(seen)}")


@pytest.mark.parametrize("way", [in_threads, in_a_loop])
@pytest.mark.parametrize("behaves", [they.silent, they.drips_a_header, they.healthy])
def test_forty_signed_requests_of_nobody_make_no_good_one_wait(behaves, way):
    seen = []
    for _ in range(ATTEMPTS):
        alone, _ = longest_wait(Mac, way, behaves, 30, strangers=0)
        beside, asked = longest_wait(Mac, way, behaves, 30, strangers=STRANGERS)
        assert asked <= 1
        seen.append(f"{alone:.3f} s alone, {beside:.3f} s beside them")
        if beside < alone + BOUND:
            return
    pytest.fail(f"in each of {ATTEMPTS} attempts: {'; '.join(seen)}")


# --- who waits, and for how long ---


@pytest.fixture
def issuer():
    with a_bad_issuer(they.healthy) as made:
        yield made


@pytest.fixture
def bearer(issuer) -> Bearer:
    """Its keys are fetched already, and the issuer is silent from now on."""
    made = Bearer(issuer)
    assert made.verify(made.token("first", is_good=True), NOW)
    issuer.behaves = they.silent
    return made


def fetching() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name == "keys"]


def seconds_of(call: Call) -> float:
    began = time.monotonic()
    with suppress(InvalidToken, KeysUnavailable):
        call()
    return time.monotonic() - began


def test_one_thread_waits_for_the_issuer_whatever_comes(bearer, issuer):
    before = set(fetching())
    stranger = bearer.token("x", is_good=False)
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _: seconds_of(lambda: bearer.verify(stranger)), range(200)))
    assert len(set(fetching()) - before) == 1
    assert issuer.connections == 2


def test_an_unknown_kid_is_worth_a_moment_and_then_refused_from_what_is_held(bearer):
    stranger = bearer.token("x", is_good=False)
    assert seconds_of(lambda: bearer.verify(stranger)) >= PATIENCE * 0.9
    began = time.monotonic()
    for _ in range(100):
        with pytest.raises(InvalidToken) as refused:
            bearer.verify(stranger)
        assert refused.value.detail == "no key of the issuer has its kid"
    assert time.monotonic() - began < 1  # each of them would have waited for five


def test_a_new_key_is_known_by_the_next_request_where_the_issuer_was_slow(bearer, issuer):
    """The price of not waiting: one refusal, of a token whose key was not announced in time."""
    jwks = json.dumps(a_jwks(KEY, OTHER_KEY)).encode()

    def slow(_: BadIssuer, connection: socket.socket) -> None:
        they.path_of(connection)
        time.sleep(PATIENCE * 4)
        they.answer(connection, jwks)

    issuer.behaves = slow
    token = bearer.token("new", is_good=False)
    with pytest.raises(InvalidToken):
        bearer.verify(token)
    for each in fetching():
        each.join(5)
    assert bearer.verify(token).subject == "alice"


def test_who_finds_no_keys_waits_for_the_first_fetch_and_no_longer(issuer, monkeypatch):
    for name in ("keys.fetching.TIMEOUT", "keys.key_set.TIMEOUT"):
        monkeypatch.setattr(name, 0.5)
    issuer.behaves = they.drips_a_header
    cold = Bearer(issuer)
    tokens = [cold.token(f"t{each}", is_good=each % 2 == 0) for each in range(20)]
    with ThreadPoolExecutor(20) as pool:
        for waited in pool.map(lambda token: seconds_of(lambda: cold.verify(token)), tokens):
            assert 0.4 < waited < 2
    assert issuer.connections == 1
    for each in fetching():
        each.join(5)
    began = time.monotonic()
    for second in (1, 4, 5, 6):  # asked again after five, aside
        with pytest.raises(KeysUnavailable):
            cold.verify(tokens[0], LATER + second)
    assert time.monotonic() - began < 0.4
    assert issuer.connections == 2
    for each in fetching():
        each.join(5)
    issuer.behaves = they.healthy
    monkeypatch.setattr("keys.key_set.PATIENCE", 5)
    assert cold.verify(tokens[0], LATER + 20)


def test_a_name_server_that_is_silent_holds_one_thread_and_no_caller(issuer, monkeypatch):
    """The one wait that cannot be bounded from here."""
    for name in ("keys.fetching.TIMEOUT", "keys.key_set.TIMEOUT"):
        monkeypatch.setattr(name, 0.3)
    answers = threading.Event()
    looked_up = socket.getaddrinfo

    def look_up(*arguments, **options):
        answers.wait(10)
        return looked_up(*arguments, **options)

    before = set(fetching())
    cold = Bearer(issuer)
    token = cold.token("t", is_good=True)
    with monkeypatch.context() as patched:
        patched.setattr(socket, "getaddrinfo", look_up)
        for second in (0, 10, 20):
            with pytest.raises(KeysUnavailable):
                cold.verify(token, LATER + second)
        (one,) = set(fetching()) - before
        answers.set()
        one.join(5)
    monkeypatch.setattr("keys.fetching.TIMEOUT", 5)
    monkeypatch.setattr("keys.key_set.PATIENCE", 5)
    assert cold.verify(token, LATER + 40)


def test_no_thread_to_be_had_is_an_outage_and_no_more(issuer, monkeypatch, caplog):
    cold = Bearer(issuer)
    token = cold.token("t", is_good=True)

    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", start)
        with pytest.raises(KeysUnavailable):
            cold.verify(token)
    assert "can't start new thread" in caplog.text
    monkeypatch.setattr("keys.key_set.PATIENCE", 5)
    assert cold.verify(token, LATER + 5)


def test_a_process_that_is_forked_while_keys_are_fetched_fetches_its_own(bearer, issuer):
    """As gunicorn does with ``--preload``: no thread and no lock comes along."""
    with suppress(InvalidToken):
        bearer.verify(bearer.token("x", is_good=False))
    assert fetching()
    jwks = json.dumps(a_jwks(KEY, OTHER_KEY)).encode()
    issuer.behaves = lambda _, connection: (they.path_of(connection), they.answer(connection, jwks))
    token = bearer.token("new", is_good=False)
    child = os.fork()
    if child == 0:
        code = 1
        with suppress(BaseException):
            deadline = time.monotonic() + 30
            while code and time.monotonic() < deadline:
                with suppress(InvalidToken):
                    code = 0 if bearer.verify(token).subject == "alice" else 1
        os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


# --- in an event loop ---


def test_a_loop_may_end_before_the_fetch_does(bearer, issuer, caplog):
    async def scenario() -> None:
        with pytest.raises(InvalidToken):
            await bearer.verify_async(bearer.token("x", is_good=False))

    asyncio.run(scenario())
    (one,) = fetching()[-1:]
    issuer.is_over.set()
    one.join(5)
    assert not [each for each in caplog.records if each.levelno >= logging.ERROR]


def test_a_request_that_is_given_up_does_not_end_the_fetch_of_the_others(issuer):
    cold = Bearer(issuer)
    gate = threading.Event()

    def late(issuer: BadIssuer, connection: socket.socket) -> None:
        gate.wait(10)
        they.healthy(issuer, connection)

    issuer.behaves = late
    token = cold.token("t", is_good=True)

    async def scenario() -> None:
        gone, stays = (asyncio.create_task(cold.verify_async(token)) for _ in range(2))
        while not issuer.connections:
            await asyncio.sleep(0.001)
        gone.cancel()
        with suppress(asyncio.CancelledError):
            await gone
        gate.set()
        assert (await stays).subject == "alice"

    asyncio.run(scenario())
    assert issuer.connections == 1


def test_a_token_of_another_kind_asks_nobody(issuer):
    cold = Bearer(issuer)

    async def scenario() -> None:
        for typ in ("JWT", "mac-at+jwt"):
            with pytest.raises(InvalidToken):
                await cold.verify_async(a_token(OTHER_KEY, typ=typ, iss=issuer.url))

    asyncio.run(scenario())
    assert issuer.connections == 0
