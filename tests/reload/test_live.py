"""The two files change under running workers, which follow within five seconds (F22 to F24)."""

import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from issuer.registry import secret
from keys.ring import KeyRing, write
from tests.builders import API, PASSWORD_HASH, SECRET
from tests.running import RunningIssuer

WITHIN = 5
"""Seconds in which every worker has seen a change."""
WORKERS = 2
RELOADED = "reloaded"
KEPT = "kept the last good files"


class Live:
    """A running issuer, and what its workers say of its files."""

    def __init__(self, issuer: RunningIssuer) -> None:
        self.issuer = issuer
        self.issuer.start(workers=WORKERS)

    def said(self, message: str) -> list[dict[str, Any]]:
        """The log lines of all workers that say ``message``."""
        lines = self.issuer.log.read_text().splitlines()
        logged = [json.loads(line) for line in lines if line.startswith("{")]
        return [each for each in logged if each.get("message") == message]

    @contextmanager
    def every_worker_says(self, message: str, times: int = 1) -> Iterator[None]:
        """What happens inside makes each worker say ``message`` so often, in time."""
        expected = len(self.said(message)) + times * WORKERS
        yield
        self.issuer.wait_until(lambda: len(self.said(message)) >= expected, WITHIN)
        assert len(self.said(message)) == expected

    def answers(self, client_id: str, client_secret: str = SECRET) -> set[int]:
        """The statuses that a client gets, on connections that any worker may take.

        Each comes from another address: a worker makes who is refused time and again wait.
        """
        form = {"grant_type": "client_credentials"}
        url, statuses = f"{self.issuer.url}/token", set()
        for number in range(6):
            transport = httpx.HTTPTransport(local_address=f"127.0.0.{2 + number}")
            with httpx.Client(transport=transport) as http:
                answer = http.post(url, data=form, auth=(client_id, client_secret))
            statuses.add(answer.status_code)
        return statuses

    def readiness(self) -> dict[str, Any]:
        response = httpx.get(f"{self.issuer.url}/readyz")
        assert response.status_code == 200  # a refused file makes nobody unready
        answer: dict[str, Any] = response.json()
        return answer

    def table_with(self, client_id: str) -> dict[str, Any]:
        """The registry with one more client, made as billing is."""
        table = self.issuer.read_registry()
        table["clients"][client_id] = dict(table["clients"]["billing"])
        return table


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    running = Live(RunningIssuer(tmp_path_factory.mktemp("live")))
    yield running
    running.issuer.stop()


def test_an_edit_in_place_is_picked_up(live):
    """F22: and what was not there before is what was refused before."""
    assert live.answers("edited") == {401}
    digest = live.readiness()["registry"]["digest"]
    with live.every_worker_says(RELOADED):
        live.issuer.registry.write_text(json.dumps(live.table_with("edited")))
    assert live.answers("edited") == {200}
    assert live.readiness()["registry"]["digest"] != digest


def test_a_rename_is_picked_up(live):
    """F22: how editors and ``issuer client add`` write."""
    with live.every_worker_says(RELOADED):
        live.issuer.write_registry(live.table_with("renamed"))
    assert live.answers("renamed") == {200}


def test_writes_of_one_size_and_one_mtime_are_picked_up(live):
    """F23."""
    os.utime(live.issuer.registry, ns=(10**18, 10**18))
    text = live.issuer.registry.read_text()
    with live.every_worker_says(RELOADED):
        live.issuer.registry.write_text(text.replace('"renamed"', '"ren4med"'))
        os.utime(live.issuer.registry, ns=(10**18, 10**18))
    assert live.answers("ren4med") == {200}
    assert live.answers("renamed") == {401}


def test_a_half_written_registry_changes_nothing_until_it_is_whole(live):
    """F23: refused once per worker, with a reason and no secret, and shown by /readyz."""
    before = live.readiness()
    text = json.dumps(live.table_with("whole"))
    with live.every_worker_says(KEPT):
        live.issuer.registry.write_text(text[: len(text) // 2])
    kept = live.said(KEPT)[-1]
    assert kept["level"] == "error"
    assert kept["problems"][0].startswith("registry.json: ")
    after = live.readiness()
    assert after["registry"]["digest"] == before["registry"]["digest"]
    assert after["registry"]["refused"].startswith("sha256:")
    assert after["refusals"] == before["refusals"] + 1
    assert live.answers("billing") == {200}
    assert live.answers("whole") == {401}
    time.sleep(2.2)  # two more looks, at which nobody says it again
    assert live.readiness()["refusals"] == before["refusals"] + 1
    with live.every_worker_says(RELOADED):
        live.issuer.registry.write_text(text)
    assert live.answers("whole") == {200}
    assert live.readiness()["registry"]["refused"] is None
    log = live.issuer.log.read_text()
    assert SECRET not in log
    assert secret.sha256_hash(SECRET) not in log
    assert PASSWORD_HASH not in log


def test_endless_zeros_and_an_open_ring_change_nothing(live):
    """F23, F24: both at once; the one is not read, the other not used."""
    text = live.issuer.registry.read_text()
    with live.every_worker_says(KEPT, times=2):
        live.issuer.keyring.chmod(0o644)
        live.issuer.registry.unlink()
        live.issuer.registry.symlink_to("/dev/zero")
    readiness = live.readiness()
    assert readiness["registry"]["refused"]
    assert readiness["keyring"]["refused"]
    assert live.answers("billing") == {200}
    problems = [problem for each in live.said(KEPT)[-2 * WORKERS :] for problem in each["problems"]]
    assert problems.count("registry.json: is not a regular file") == WORKERS
    assert problems.count(
        "keyring.json: others than its owner can read or change it; chmod 600"
    ) == WORKERS  # fmt: skip
    with live.every_worker_says(RELOADED):
        live.issuer.registry.unlink()
        live.issuer.registry.write_text(text)
    assert live.readiness()["registry"]["refused"] is None
    assert live.readiness()["keyring"]["refused"]
    with live.every_worker_says(RELOADED):
        live.issuer.keyring.chmod(0o600)
    assert live.readiness()["keyring"]["refused"] is None


def test_a_removed_client_is_refused_and_so_is_what_it_holds(live):
    """F22, F32."""
    code, other = live.issuer.code(), live.issuer.code()
    held = live.issuer.redeem(code).json()["refresh_token"]
    assert live.issuer.refresh(held).status_code == 200
    table = live.issuer.read_registry()
    web = table["clients"].pop("web")
    with live.every_worker_says(RELOADED):
        live.issuer.write_registry(table)
    assert live.answers("web") == {401}
    assert live.issuer.refresh(held).json()["error"] == "invalid_client"
    assert live.issuer.redeem(other).json()["error"] == "invalid_client"
    assert live.answers("billing") == {200}
    table["clients"]["web"] = web
    with live.every_worker_says(RELOADED):
        live.issuer.write_registry(table)
    assert live.issuer.refresh(held).status_code == 200


@pytest.mark.parametrize("path", ["/token", "/revoke"])
def test_whoever_sends_slowly_is_judged_by_what_holds_when_they_are_done(live, path):
    """F22: not by what was in force when they began."""
    text = "grant_type=client_credentials&token=x&client_id=slow&client_secret=" + SECRET
    table = live.table_with("slow")
    table["clients"]["slow"]["token_endpoint_auth_method"] = "client_secret_post"
    with live.every_worker_says(RELOADED):
        live.issuer.write_registry(table)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: x\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(text)}\r\nConnection: close\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", live.issuer.port), timeout=20) as slow:
        slow.sendall(f"{head}{text[:20]}".encode())
        del table["clients"]["slow"]
        with live.every_worker_says(RELOADED):
            live.issuer.write_registry(table)
        slow.sendall(text[20:].encode())
        assert slow.recv(4096).startswith(b"HTTP/1.1 401 ")


class Traffic:
    """A client that asks on and on, with whatever secret is handed to it."""

    def __init__(self, live: Live, client_secret: str) -> None:
        self.live = live
        self.client_secret = client_secret
        self.statuses: list[int] = []
        self.tokens: list[str] = []
        self._enough = threading.Event()

    def _run(self) -> None:
        form = {"grant_type": "client_credentials"}
        while not self._enough.wait(0.02):
            auth = ("billing", self.client_secret)
            # A connection each, so that every worker is asked.
            answer = httpx.post(f"{self.live.issuer.url}/token", data=form, auth=auth)
            self.statuses.append(answer.status_code)
            if answer.status_code == 200:
                self.tokens.append(answer.json()["access_token"])

    def __enter__(self) -> "Traffic":
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        self._thread.join()


def test_a_secret_is_rotated_and_no_request_fails(live):
    """F22: the new secret beside the old one, then the client changes, then the old one goes."""
    new_secret = secret.generate()
    old, new = ({"hash": secret.sha256_hash(each)} for each in (SECRET, new_secret))
    table = live.issuer.read_registry()
    with Traffic(live, SECRET) as traffic:
        table["clients"]["billing"]["client_secrets"] = [old, new]
        with live.every_worker_says(RELOADED):
            live.issuer.write_registry(table)
        traffic.client_secret = new_secret
        asked = len(traffic.statuses)
        live.issuer.wait_until(lambda: len(traffic.statuses) > asked + 1)
        table["clients"]["billing"]["client_secrets"] = [new]
        with live.every_worker_says(RELOADED):
            live.issuer.write_registry(table)
        live.issuer.wait_until(lambda: len(traffic.statuses) > 20)
    assert set(traffic.statuses) == {200}
    assert live.answers("billing", new_secret) == {200}
    assert live.answers("billing", SECRET) == {401}
    table["clients"]["billing"]["client_secrets"] = [old]
    with live.every_worker_says(RELOADED):
        live.issuer.write_registry(table)


def test_a_swapped_link_is_picked_up(an_issuer: Callable[..., RunningIssuer]):
    """F23: Kubernetes swaps ``..data``; both files change in that moment."""
    issuer = an_issuer()
    first = issuer.directory / "..2026_01"
    second = issuer.directory / "..2026_02"
    for each in (first, second):
        each.mkdir()
    for path in (issuer.registry, issuer.keyring):
        path.rename(first / path.name)
        path.symlink_to(Path("..data") / path.name)
    point(issuer.directory, first)
    live = Live(issuer)
    (second / "registry.json").write_text(json.dumps(live.table_with("swapped")))
    write(second / "keyring.json", KeyRing.new("ES256", int(time.time()) - 5))
    ring = live.readiness()["keyring"]["digest"]
    with live.every_worker_says(RELOADED):
        point(issuer.directory, second)
    assert live.answers("swapped") == {200}
    assert live.readiness()["keyring"]["digest"] != ring


def point(directory: Path, target: Path) -> None:
    """Makes ``..data`` point at ``target``, in one moment."""
    fresh = directory / "..data_tmp"
    fresh.symlink_to(target.name)
    fresh.replace(directory / "..data")


def test_a_directory_of_files_is_followed(an_issuer: Callable[..., RunningIssuer]):
    """F23: one file per team; a client that two of them define is refused, naming both."""
    issuer = an_issuer()
    directory = issuer.directory / "registry"
    directory.mkdir()
    issuer.registry.rename(directory / "platform.json")
    issuer.registry = directory
    live = Live(issuer)
    client = {
        "token_endpoint_auth_method": "none",
        "redirect_uris": ["https://x.example/"],
        "resources": [API],
    }
    with live.every_worker_says(RELOADED):
        (directory / "team.json").write_text(json.dumps({"clients": {"shop": client}}))
    with live.every_worker_says(KEPT):
        (directory / "other.json").write_text(json.dumps({"clients": {"shop": client}}))
    (problem,) = live.said(KEPT)[-1]["problems"]
    assert "other.json" in problem
    assert "team.json" in problem
    assert live.answers("billing") == {200}


def test_what_could_be_safer_is_said_by_every_worker_at_its_start(an_issuer):
    issuer = an_issuer()
    table = issuer.read_registry()
    app = {"redirect_uris": ["com.example.app:/cb"], "skip_consent": True}
    table["clients"]["spa"] |= app
    issuer.write_registry(table)
    live = Live(issuer)
    message = "the files could be safer"
    live.issuer.wait_until(lambda: len(live.said(message)) == WORKERS, WITHIN)
    (line, *_) = live.said(message)
    assert (line["level"], line["number_of_warnings"]) == ("warning", 1)
    assert line["warnings"][0].startswith("clients.spa.skip_consent: lets codes go")
