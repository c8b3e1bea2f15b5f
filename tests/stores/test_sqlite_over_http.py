"""The SQLite store behind two workers: one code, one token; and no answer that is not the rule."""

import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest

from tests.builders import SECRET, VERIFIER
from tests.running import RunningIssuer

STORE = "sqlite:replay.db"


@pytest.fixture
def remembering(an_issuer: Callable[..., RunningIssuer]) -> RunningIssuer:
    """An issuer of two workers that share a file."""
    return an_issuer(replay_store=STORE).start(workers=2)


@contextmanager
def locked(running: RunningIssuer) -> Iterator[None]:
    """Somebody else has the file to himself."""
    connection = sqlite3.connect(running.directory / "replay.db", isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    yield
    connection.execute("ROLLBACK")
    connection.close()


def redeem_apart(running: RunningIssuer, code: str) -> httpx.Response:
    """A redemption on a connection of its own, so that any worker may get it."""
    form = {"grant_type": "authorization_code", "code": code, "code_verifier": VERIFIER}
    return httpx.post(f"{running.url}/token", data=form, auth=("web", SECRET), timeout=10)


def test_the_first_code_of_a_fresh_issuer_is_redeemed(an_issuer):
    """The memory begins when the issuer does, not when it is first needed."""
    running = an_issuer(replay_store=STORE)
    running.start()
    code = running.code()
    time.sleep(1.1)  # the code is older than the request by the clock of whole seconds
    assert running.redeem(code).status_code == 200
    assert running.redeem(code).json()["error"] == "invalid_grant"


def test_of_five_at_once_exactly_one_redeems_a_code(remembering):
    """I1, RFC 6749 section 4.1.2."""
    with ThreadPoolExecutor(5) as threads:
        for _ in range(6):
            code = remembering.code()
            answers = list(
                threads.map(lambda _, code=code: redeem_apart(remembering, code), "12345")
            )
            assert Counter(each.status_code for each in answers) == {200: 1, 400: 4}
            refused = {each.json()["error"] for each in answers if each.status_code == 400}
            assert refused == {"invalid_grant"}


def test_a_locked_store_refuses_what_needs_it_and_nothing_else(remembering):
    """F7: never invalid_grant, at which a client would throw its code away."""
    codes = [remembering.code() for _ in range(4)]
    with locked(remembering), ThreadPoolExecutor(8) as threads:
        began = time.monotonic()
        redeemed = [threads.submit(redeem_apart, remembering, code) for code in codes]
        unaffected = []
        while time.monotonic() < began + 0.5:
            asked = time.monotonic()
            assert remembering.token("billing", grant_type="client_credentials").status_code == 200
            unaffected.append(time.monotonic() - asked)
        answers = [each.result() for each in redeemed]
        assert time.monotonic() - began < 1.5
        readiness = remembering.http.get("/readyz")
    assert {each.status_code for each in answers} == {503}
    assert {each.json()["error"] for each in answers} == {"temporarily_unavailable"}
    assert {each.headers["retry-after"] for each in answers} == {"1"}
    assert {each.headers["cache-control"] for each in answers} == {"no-store"}
    assert sorted(unaffected)[len(unaffected) // 2] < 0.1
    assert readiness.status_code == 503
    assert remembering.http.get("/readyz").status_code == 200
    assert [remembering.redeem(code).status_code for code in codes] == [200] * 4


def test_a_spent_code_stays_spent_when_the_file_is_deleted(remembering):
    """F10: older codes are refused as a fault of ours, newer ones are redeemed once."""
    code = remembering.code()
    assert remembering.redeem(code).status_code == 200
    (remembering.directory / "replay.db").unlink()
    answers = [redeem_apart(remembering, code) for _ in range(6)]
    assert {each.status_code for each in answers} == {503}
    assert all(1 <= int(each.headers["retry-after"]) <= 60 for each in answers)

    def all_good() -> bool:
        codes = [remembering.code() for _ in range(8)]
        return all(redeem_apart(remembering, each).status_code == 200 for each in codes)

    remembering.wait_until(all_good)
    code = remembering.code()
    answers = Counter(redeem_apart(remembering, code).status_code for _ in range(6))
    # Each worker finds out for itself, and one that had nothing to do until now waits a second.
    assert answers[200] == 1
    assert answers[400] + answers[503] == 5


def test_a_corrupted_file_is_put_aside_and_the_issuer_recovers_by_itself(remembering):
    """F10: client_credentials needs no store, and goes on; who refreshes is told to come again."""
    code = remembering.code()
    refresh_token = remembering.redeem(code).json()["refresh_token"]
    for each in remembering.directory.glob("replay.db*"):
        each.unlink()
    (remembering.directory / "replay.db").write_bytes(b"garbage." * 512)
    answers = [redeem_apart(remembering, code) for _ in range(6)]
    assert {each.status_code for each in answers} == {503}
    refused = remembering.refresh(refresh_token)
    assert (refused.status_code, refused.json()["error"]) == (503, "temporarily_unavailable")
    assert remembering.token("billing", grant_type="client_credentials").status_code == 200
    remembering.wait_until(lambda: remembering.http.get("/readyz").status_code == 200)
    remembering.wait_until(lambda: remembering.redeem(remembering.code()).status_code == 200)
    remembering.wait_until(lambda: remembering.refresh(refresh_token).status_code == 200, 20)
    assert redeem_apart(remembering, code).status_code == 503
    assert (remembering.directory / "replay.db.broken").exists()
