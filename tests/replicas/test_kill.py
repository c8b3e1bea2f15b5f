"""A replica dies under load: nothing that it issued is lost, and nobody else notices."""

import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
import pytest

from issuer.metadata import JWKS
from tests.builders import API
from tests.running import RunningIssuer
from tests.verifying import verified_apart

THREADS = 3
"""Clients of each replica."""


@dataclass
class Ledger:
    """Everything that was handed out and answered."""

    code: Callable[[], str]
    """Where the codes come from: the application that logs users in."""
    refresh_tokens: list[str] = field(default_factory=list)
    access_tokens: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)

    def write(self, url: str, response: httpx.Response) -> dict[str, str]:
        """Notes an answer. Its body is whole, or reading it fails here."""
        self.answers[url] += 1
        body: dict[str, str] = response.json()
        if response.status_code == 200:
            self.access_tokens.append(body["access_token"])
        else:
            self.refusals.append(response.text)
        return body


def hammer(running: RunningIssuer, ledger: Ledger, enough: threading.Event) -> None:
    """Redeems, refreshes and asks for itself until it is enough."""
    while not enough.is_set():
        try:
            granted = ledger.write(running.url, running.redeem(ledger.code()))
            ledger.refresh_tokens.append(granted["refresh_token"])
            ledger.write(running.url, running.refresh(granted["refresh_token"]))
            answer = running.token("billing", grant_type="client_credentials")
            ledger.write(running.url, answer)
        except httpx.TransportError:
            ledger.lost[running.url] += 1
            enough.wait(0.05)


@contextmanager
def under_load(ledger: Ledger, *replicas: RunningIssuer) -> Iterator[None]:
    """Clients ask all the while."""
    enough = threading.Event()
    threads = [
        threading.Thread(target=hammer, args=(each, ledger, enough))
        for each in replicas
        for _ in range(THREADS)
    ]
    for each in threads:
        each.start()
    try:
        yield
    finally:
        enough.set()
        for each in threads:
            each.join()


@pytest.mark.parametrize("store", ["none", "sqlite:replay.db"])
def test_nothing_that_a_killed_replica_issued_is_lost(
    an_issuer: Callable[..., RunningIssuer], store: str
):
    """F3: master and workers at once, by SIGKILL."""
    doomed = an_issuer(replay_store=store).start()
    survivor = an_issuer().start()
    ledger = Ledger(doomed.code)
    kept = [ledger.code() for _ in range(20)]
    with under_load(ledger, doomed, survivor):
        doomed.wait_until(lambda: ledger.answers[doomed.url] >= 100)
        assert doomed.process is not None
        os.killpg(doomed.process.pid, signal.SIGKILL)
        before = ledger.answers[survivor.url]
        survivor.wait_until(lambda: ledger.answers[survivor.url] >= before + 60)
    assert ledger.lost[survivor.url] == 0
    assert ledger.lost[doomed.url] > 0
    assert ledger.refusals == []
    assert {survivor.redeem(code).status_code for code in kept} == {200}
    refreshed = [survivor.refresh(each) for each in ledger.refresh_tokens]
    assert {each.status_code for each in refreshed} == {200}
    issuer = survivor.files().issuer
    found = verified_apart(survivor.url + JWKS, issuer, API, ledger.access_tokens)
    assert len(found) == len(ledger.access_tokens)


def test_a_killed_worker_costs_what_it_was_doing_and_is_replaced(
    an_issuer: Callable[..., RunningIssuer],
):
    """F1: at most the requests under way fail, and within two seconds there are two again."""
    running = an_issuer(replay_store="sqlite:replay.db").start(workers=2)
    running.wait_until(lambda: len(running.workers()) == 2)
    ledger = Ledger(running.code)
    with under_load(ledger, running):
        for kill in range(1, 4):
            doomed, _ = running.workers()
            answered = ledger.answers[running.url]
            os.kill(doomed, signal.SIGKILL)
            running.wait_until(
                lambda doomed=doomed: len({*running.workers()} - {doomed}) == 2, seconds=2
            )
            running.wait_until(lambda most=answered: ledger.answers[running.url] > most + 30)
            assert ledger.lost[running.url] <= kill * THREADS
    assert ledger.refusals == []
    assert {running.redeem(running.code()).status_code for _ in range(10)} == {200}
