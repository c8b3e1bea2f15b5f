"""Guessing: security R4, V4. Secrets and passwords that were wrong make the next guess wait."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from msgspec.structs import replace

from issuer.browser import pushed
from issuer.errors import InvalidClient, TooManyAttempts
from issuer.guard import ASKING, Guard
from issuer.protocol.replay import ReplayStore, Tally
from issuer.protocol.request import Response
from issuer.protocol.throttling import FORGIVEN_AFTER, FREE, LONGEST
from issuer.registry.client import ClientSecret
from issuer.stores.none import NoStore
from issuer.stores.sqlite import SQLiteStore
from issuer.token import handler
from keys.spent import StoreUnavailable
from tests.asking import a_request_of, told
from tests.builders import (
    CALLBACK,
    NOW,
    PASSWORD,
    PASSWORD_HASH,
    SECRET,
    a_client,
    a_public_client,
    a_request,
    a_server,
    a_user,
    basic,
)

HERE, ELSEWHERE = "192.0.2.1", "198.51.100.7"
SERVER = a_server(
    a_client(),
    a_client("chosen", client_secrets=(ClientSecret(hash=PASSWORD_HASH),)),
    a_public_client(),
    users=(a_user(), a_user("bob")),
)
T = TypeVar("T")


class Process:
    """One process: what it remembers stays from request to request."""

    def __init__(self, store: ReplayStore | None = None) -> None:
        self.store = store or NoStore()
        self.held = 0
        self.guard = Guard(self.store, stretch=at_once, hold=self._hold)

    async def _hold(self) -> None:
        self.held += 1

    def answer(self, request: Any) -> Response:
        return asyncio.run(handler(SERVER, request, store=self.store, guard=self.guard))

    def by_secret(self, secret: str, client_id: str = "web", **more: Any) -> Response:
        return self.answer(asked(authorization=basic(client_id, secret), **more))

    def by_password(self, password: str, username: str = "alice", **more: Any) -> Response:
        return self.answer(asked("password", username=username, password=password, **more))


def posted(**pairs: str) -> Any:
    form = {"grant_type": "client_credentials", **pairs}
    return replace(a_request_of(*form.items(), client_id=None), address=HERE)


async def at_once(work: Callable[[], T], _: str, *, is_suspect: bool) -> T:
    return work()


def asked(*arguments: Any, address: str = HERE, **parameters: Any) -> Any:
    return replace(a_request(*arguments, **parameters), address=address)


def guess(process: Process, kind: str, **more: Any) -> Response:
    return process.by_secret("x", **more) if kind == "secret" else process.by_password("x", **more)


def be_right(process: Process, kind: str, **more: Any) -> Response:
    if kind == "secret":
        return process.by_secret(SECRET, **more)
    return process.by_password(PASSWORD, **more)


KINDS = pytest.mark.parametrize("kind", ["secret", "password"])
ERROR = {"secret": "invalid_client", "password": "invalid_grant"}


@KINDS
def test_the_fifth_wrong_guess_makes_the_next_wait_and_ever_longer(kind):
    """R4, V4, RFC 6585 section 4."""
    process, now, waits = Process(), NOW, []
    for _ in range(FREE):
        assert guess(process, kind, now=now).error == ERROR[kind]
    for _ in range(11):
        refused = guess(process, kind, now=now)
        assert refused.status == 429
        assert refused.error == "temporarily_unavailable"
        waits.append(int(refused.headers["Retry-After"]))
        almost = guess(process, kind, now=now + waits[-1] - 1)
        assert almost.headers["Retry-After"] == "1"
        now += waits[-1]
        assert guess(process, kind, now=now).error == ERROR[kind]
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, LONGEST, LONGEST]


@KINDS
def test_what_is_right_has_to_wait_as_well_or_the_delay_would_mean_nothing(kind):
    process = Process()
    for _ in range(FREE + 2):
        guess(process, kind)
    assert be_right(process, kind).status == 429
    assert be_right(process, kind, now=NOW + 1).status == 200


@KINDS
def test_whoever_is_right_elsewhere_always_gets_in(kind):
    """R4: a stranger cannot lock anybody's account."""
    process = Process()
    for later in range(0, 1000, 10):
        guess(process, kind, now=NOW + later)
    assert be_right(process, kind, now=NOW + 1000).status == 429
    assert be_right(process, kind, now=NOW + 1000, address=ELSEWHERE).status == 200


@KINDS
def test_being_right_forgives_what_was_wrong(kind):
    process = Process()
    for _ in range(20):
        for _ in range(FREE - 1):
            assert guess(process, kind).status in (400, 401)
        assert be_right(process, kind).status == 200


@KINDS
def test_an_hour_later_it_is_forgotten(kind):
    process, now = Process(), NOW
    for _ in range(FREE + 5):
        guess(process, kind, now=now)
        now += 60
    assert be_right(process, kind, now=now + FORGIVEN_AFTER).status == 200


@pytest.mark.parametrize(
    ("kind", "known", "unknown"),
    [
        ("secret", {"client_id": "web"}, {"client_id": "nobody"}),
        ("secret", {"client_id": "web"}, {"client_id": "spa"}),
        ("secret", {"client_id": "web"}, {"client_id": "chosen"}),
        ("password", {"username": "alice"}, {"username": "nobody"}),
        ("password", {"username": "alice@example.com"}, {"username": "nobody@example.com"}),
    ],
)
def test_who_is_unknown_is_throttled_as_who_is_known(kind, known, unknown):
    """P1: answers tell nothing of who there is."""

    def answers(**whom: str) -> list[Any]:
        process = Process()
        return [told(guess(process, kind, now=NOW + n // 4, **whom)) for n in range(40)]

    assert answers(**known) == answers(**unknown)


def test_a_name_and_an_address_of_one_user_are_counted_apart():
    """Or the count itself would say that they are the same person's."""
    process = Process()
    for _ in range(FREE):
        process.by_password("x", "alice")
    assert process.by_password("x", "alice").status == 429
    assert process.by_password("x", "alice@example.com").error == "invalid_grant"


def test_a_secret_sent_in_another_way_is_the_same_guess():
    process = Process()
    for _ in range(FREE):
        assert process.by_secret("x").error == "invalid_client"
    assert process.answer(posted(client_id="web", client_secret="x")).status == 429


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(lambda: asked(authorization="Basic !"), id="a malformed header"),
        pytest.param(lambda: asked(authorization=basic("web", "")), id="an empty secret"),
        pytest.param(lambda: posted(client_id="web"), id="a confidential client without one"),
        pytest.param(lambda: asked("no_such_grant"), id="an unknown grant"),
        pytest.param(lambda: asked("password", username="alice"), id="no password"),
        pytest.param(lambda: asked("refresh_token", refresh_token="x"), id="a wrong token"),
        pytest.param(lambda: asked("authorization_code", code="x"), id="a wrong code"),
        pytest.param(lambda: asked(scope="nonsense"), id="a scope that is none"),
    ],
)
def test_what_is_no_guess_is_not_counted(request_):
    process = Process()
    for _ in range(4 * FREE):
        assert process.answer(request_()).status in (400, 401)
    assert process.by_secret(SECRET).status == 200
    assert process.by_password(PASSWORD).status == 200


def test_a_pushed_request_is_one_more_way_to_guess():
    """RFC 9126 section 2: client authentication as at the token endpoint."""
    process = Process()

    async def push(secret: str) -> Response:
        request = asked(
            authorization=basic("web", secret), response_type="code", redirect_uri=CALLBACK
        )  # fmt: skip
        return await process.guard.authenticating(
            SERVER, request, lambda: pushed.push(SERVER, request)
        )

    for _ in range(FREE):
        with pytest.raises(InvalidClient):
            asyncio.run(push("x"))
    with pytest.raises(TooManyAttempts):
        asyncio.run(push(SECRET))
    assert process.by_secret(SECRET).status == 429


def test_a_throttled_password_is_not_compared():
    """Argon2id takes time and memory: a flood must not have it."""
    process = Process()
    for _ in range(FREE):
        process.by_password("x")
    compared: list[str] = []

    async def log_in() -> None:
        await process.guard.logging_in(SERVER, "alice", HERE, NOW, lambda: compared.append("x"))

    with pytest.raises(TooManyAttempts):
        asyncio.run(log_in())
    assert compared == []


def test_those_who_come_at_once_have_no_more_guesses_than_one_by_one():
    """They are looked at again when it is their turn."""
    lock = asyncio.Lock()

    async def one_by_one(work: Callable[[], T], _: str, *, is_suspect: bool) -> T:
        async with lock:
            await asyncio.sleep(0)
            try:
                return work()
            finally:
                await asyncio.sleep(0.001)

    async def run() -> list[Response]:
        store = NoStore()
        guard = Guard(store, stretch=one_by_one)
        request = asked("password", username="alice", password="x")
        return await asyncio.gather(
            *(handler(SERVER, request, store=store, guard=guard) for _ in range(64))
        )

    statuses = [each.status for each in asyncio.run(run())]
    assert statuses.count(400) in (FREE, FREE + 1)
    assert statuses.count(429) == 64 - statuses.count(400)


def test_who_was_wrong_gives_way_to_who_was_not_until_they_are_right():
    """R4: of a thousand addresses that guess once, each looks like somebody who mistyped."""
    gave_way: list[bool] = []

    async def noted(work: Callable[[], T], _: str, *, is_suspect: bool) -> T:
        gave_way.append(is_suspect)
        return work()

    process = Process()
    process.guard = Guard(process.store, stretch=noted)
    for password in ("x", PASSWORD, PASSWORD):
        process.by_password(password)
    process.by_password("x")
    process.by_password(PASSWORD, address=ELSEWHERE)
    assert gave_way == [False, True, False, False, False]


def test_refusals_of_who_does_not_stop_are_held_back():
    process = Process()
    for _ in range(FREE):
        process.by_secret("x")
    assert process.held == 0
    process.by_secret("x")
    process.by_secret(SECRET)
    assert process.held == 2
    process.by_secret(SECRET, address=ELSEWHERE)
    assert process.held == 2


# --- with a store ---


@pytest.fixture
def stores(tmp_path):
    opened = [SQLiteStore(tmp_path / "replay.db") for _ in range(2)]
    yield opened
    for each in opened:
        each.close()


@KINDS
def test_processes_with_a_store_count_together(kind, stores):
    one, other = map(Process, stores)
    for _ in range(FREE + 2):
        guess(one, kind)
    assert be_right(one, kind).status == 429
    assert guess(other, kind).error == ERROR[kind]  # it hears of the others now
    assert be_right(other, kind).headers["Retry-After"] == "2"


@KINDS
def test_being_right_forgives_what_all_have_counted(kind, stores):
    one, other = map(Process, stores)
    for _ in range(FREE - 1):
        guess(one, kind)
    guess(other, kind, now=NOW + 1)
    assert be_right(one, kind, now=NOW + 1).status == 200
    for _ in range(FREE - 2):
        assert guess(one, kind, now=NOW + 1).error == ERROR[kind]
    assert be_right(one, kind, now=NOW + 1).status == 200


class Asked(NoStore):
    """A store that says what it was asked, or nothing."""

    def __init__(self, *, answers: bool = True) -> None:
        self.names: list[str] = []
        self._answers = answers

    async def tally(self, names: Any, add: int, forget_at: int, now: int) -> tuple[Tally, ...]:
        self.names += names
        if not self._answers:
            await asyncio.sleep(0.01)
            raise StoreUnavailable("gone")
        return (Tally(1, forget_at),)


@KINDS
def test_who_is_right_asks_no_store(kind):
    store = Asked()
    process = Process(store)
    for _ in range(3):
        assert be_right(process, kind).status == 200
    assert store.names == []
    guess(process, kind)
    guess(process, kind)
    assert len(store.names) == 2
    assert all(HERE not in name and "alice" not in name for name in store.names)


@KINDS
def test_who_is_throttled_asks_no_store(kind):
    store = Asked()
    process = Process(store)
    for _ in range(100):
        guess(process, kind)
    assert len(store.names) == FREE


@KINDS
def test_where_the_store_cannot_be_asked_each_process_counts_by_itself(kind):
    """Nobody is refused for it, and it is no 503."""
    process = Process(Asked(answers=False))
    for _ in range(FREE):
        assert guess(process, kind).error == ERROR[kind]
    assert guess(process, kind).status == 429
    assert be_right(process, kind, address=ELSEWHERE).status == 200


def test_wrong_guesses_ask_the_store_a_few_at_a_time():
    """Whoever spends a code must not wait behind them."""
    store = Asked(answers=False)

    async def run() -> None:
        guard = Guard(store, stretch=at_once)
        await asyncio.gather(
            *(
                handler(
                    SERVER,
                    asked(authorization=basic(f"client{n}", "x"), address=f"10.0.0.{n}"),
                    store=store,
                    guard=guard,
                )
                for n in range(200)
            )
        )

    asyncio.run(run())
    assert len(store.names) == ASKING


# --- what the operator reads ---


@pytest.fixture
def throttled():
    """The fields of the lines that say so."""
    lines: list[dict[str, object]] = []

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            assert record.getMessage() == "throttled"
            lines.append(record.__dict__["fields"])

    handler, log = Lines(), logging.getLogger("issuer.guard")
    log.addHandler(handler)
    yield lines
    log.removeHandler(handler)


def test_whoever_is_made_to_wait_stands_in_the_log(throttled):
    process = Process()
    for now in (*[NOW] * FREE, NOW + 1):
        process.by_secret("x", now=now)
    assert throttled == [
        {"remote_addr": HERE, "client": "web", "failures": 5, "seconds": 1},
        {"remote_addr": HERE, "client": "web", "failures": 6, "seconds": 2},
    ]
    refused = process.by_secret("x", now=NOW + 1)
    assert refused.log == {
        "client_id": "web", "detail": "throttled: 6 wrong guesses for this client"
    }  # fmt: skip


def test_a_user_stands_there_by_name_and_what_nobody_is_called_does_not(throttled):
    """B24: people type their password where their name belongs."""
    process = Process()
    for _ in range(FREE):
        process.by_password("x", "ALICE@example.com")
        process.by_password("x", "hunter2")
        process.by_secret("x", "hunter3")
    assert throttled == [
        {"remote_addr": HERE, "user": "alice", "failures": 5, "seconds": 1},
        {"remote_addr": HERE, "user": None, "failures": 5, "seconds": 1},
        {"remote_addr": HERE, "client": None, "failures": 5, "seconds": 1},
    ]


def test_a_file_that_is_no_store_refuses_nobody(tmp_path: Path):
    path = tmp_path / "replay.db"
    path.write_text("this is no database")
    store = SQLiteStore(path)
    process = Process(store)
    for _ in range(FREE):
        assert process.by_password("x").error == "invalid_grant"
    assert process.by_password(PASSWORD).status == 429
    assert process.by_password(PASSWORD, address=ELSEWHERE).status == 200
    store.close()
