"""``python -m tests.bench.flood``: who waits while somebody guesses passwords.

One worker on core 0. Wrong passwords come over 64 connections, each asking again as soon as it is
answered; the right one from an address of its own; tokens by client_credentials are asked for as
fast as the worker gives them. Each round measures the same without a flood, and compares with that.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from threading import Event, Thread

import httpx

from issuer.registry import secret
from tests.bench import load, needs, ours
from tests.bench.clients import client_credentials, client_id, client_secret
from tests.bench.goals import Goal
from tests.bench.machine import facts
from tests.bench.names import FEW
from tests.bench.processes import pinned
from tests.bench.rates import say
from tests.bench.report import promises, table
from tests.builders import PASSWORD
from tests.running import RunningIssuer

QUIET = "nobody guesses"
FLOODS: Mapping[str, tuple[int, int, int] | None] = {
    QUIET: None,
    "for one user": (64, 1, 1),
    "for a thousand users": (64, 1, 1000),
    "for a thousand users, from 32 addresses": (64, 32, 1000),
}
"""Connections, addresses and users of each."""

OWNER = "127.0.0.2"
BETWEEN = 0.4
"""Seconds between an answer and the next right password."""


@dataclass(frozen=True, slots=True)
class Round:
    """What others got of one worker."""

    p99: float
    """Seconds that one in a hundred waited for a token, or longer."""
    answers: tuple[tuple[int, float], ...]
    """To right passwords: the status, and the seconds it took."""


def measure(issuer: RunningIssuer, requests: Path, name: str, seconds: float) -> Round:
    """One round of one flood."""
    answers: list[tuple[int, float]] = []
    until = Event()
    with _flooded(issuer.url, FLOODS[name]):
        owner = Thread(target=_log_in, args=(issuer.url, until, answers))
        owner.start()
        try:
            time.sleep(2)  # it begins as a flood does: nobody is throttled yet
            done = load.run(f"{issuer.url}/token", requests, seconds, cores="1")
        finally:
            until.set()
            owner.join()
    return Round(done.p99_wait, tuple(answers))


def goals(rounds: Mapping[str, Sequence[Round]]) -> Iterator[Goal]:
    """What is promised while one user's password is guessed."""
    for name in list(FLOODS)[1:]:
        answers = [each for one in rounds[name] for each in one.answers]
        ratios = [a.p99 / b.p99 for a, b in zip(rounds[name], rounds[QUIET], strict=True)]
        yield Goal(
            claim=f"{name}: every right password from elsewhere succeeds",
            measured=sum(status == 200 for status, _ in answers) / len(answers), at_least=1,
        )  # fmt: skip
        yield Goal(
            claim=f"{name}: within 2 s",
            measured=max(taken for _, taken in answers), at_most=2, form="{:.2f} s",
        )  # fmt: skip
        yield Goal(
            claim=f"{name}: p99 of client_credentials at most twice as long",
            measured=median(ratios), at_most=2, form="{:.2f} times",
        )  # fmt: skip


def _log_in(url: str, until: Event, answers: list[tuple[int, float]]) -> None:
    form = {"grant_type": "password", "username": "alice", "password": PASSWORD}
    transport = httpx.HTTPTransport(local_address=OWNER)
    with httpx.Client(transport=transport, timeout=30) as http:
        while not until.wait(BETWEEN):
            start = time.perf_counter()
            answer = http.post(f"{url}/token", auth=(client_id(0), client_secret(0)), data=form)
            answers.append((answer.status_code, time.perf_counter() - start))


@contextmanager
def _flooded(url: str, shape: tuple[int, int, int] | None) -> Iterator[None]:
    if shape is None:
        yield
        return
    command = [sys.executable, "-m", "tests.bench.flooding", url, *map(str, shape)]
    with subprocess.Popen(["taskset", "-c", "1", *command], stdout=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.kill()


@contextmanager
def _issuer(directory: Path) -> Iterator[RunningIssuer]:
    running = RunningIssuer(directory)
    table = ours.registry(running.url, FEW)
    table["users"]["alice"]["password_hash"] = secret.argon2id_hash(PASSWORD)
    for client in table["clients"].values():
        client["grant_types"].append("password")
    running.write_registry(table)
    with pinned({0}):
        running.start()
    try:
        yield running
    finally:
        running.stop()


def main() -> None:
    """Measures, and prints two tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.flood", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="of all floods (5)")
    parser.add_argument("--seconds", type=int, default=5, help="of load in each round (5)")
    plan = parser.parse_args()
    needs.need("wrk", "taskset")
    before = facts()
    rounds: dict[str, list[Round]] = {name: [] for name in FLOODS}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        requests = Path(folder) / "requests"
        load.write(requests, client_credentials(FEW))
        for number in range(plan.rounds):
            for name, done in rounds.items():
                say(f"round {number + 1}: {name}")
                directory = Path(folder) / f"{number}-{len(done)}-{list(FLOODS).index(name)}"
                directory.mkdir()
                with _issuer(directory) as issuer:  # anew, so that nobody is throttled yet
                    load.run(f"{issuer.url}/token", requests, 2, cores="1")
                    done.append(measure(issuer, requests, name, plan.seconds))
    rows = []
    for name, done in rounds.items():
        answers = [each for one in done for each in one.answers]
        rows.append(
            [
                name,
                f"{1000 * median(one.p99 for one in done):.1f} ms",
                f"{sum(status == 200 for status, _ in answers)} of {len(answers)}",
                f"{1000 * median(taken for _, taken in answers):.0f} ms",
                f"{1000 * max(taken for _, taken in answers):.0f} ms",
            ]
        )
    head = [
        "wrong passwords",
        "p99 of client_credentials",
        "right ones let in",
        "median",
        "slowest",
    ]
    print(table(head, rows), promises(goals(rounds)), sep="\n\n", end="\n\n")
    print("\n".join(f"- {name}: {fact}" for name, fact in before.items()))


if __name__ == "__main__":
    main()
