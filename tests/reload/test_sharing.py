"""What is read before workers are forked is read once, and is one registry for all of them."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from issuer import load
from issuer.registry import Registry
from issuer.reload import Reloader
from tests.builders import SECRET
from tests.running import RunningIssuer


@pytest.fixture(autouse=True)
def nothing_is_shared() -> Iterator[None]:
    yield
    load._shared.clear()


@pytest.fixture
def issuer(an_issuer: Callable[..., RunningIssuer]) -> RunningIssuer:
    return an_issuer()


def read(issuer: RunningIssuer) -> Registry:
    return load.parse_registry(load.read_registry(issuer.registry))


def change(issuer: RunningIssuer) -> None:
    table = issuer.read_registry()
    table["clients"]["newcomer"] = table["clients"]["billing"]
    issuer.write_registry(table)


def test_files_that_say_the_same_are_the_registry_that_is_shared(issuer):
    found = read(issuer)
    assert read(issuer) is not found
    load.share(found)
    assert read(issuer) is found


def test_files_that_say_something_else_are_another(issuer):
    """By content: a file that was written anew since the fork is not what was read before it."""
    load.share(read(issuer))
    change(issuer)
    found = read(issuer)
    assert "newcomer" in found.clients
    assert not load.is_shared(found)


def test_a_change_of_what_is_shared_is_picked_up_and_leaves_it_whole(issuer):
    shared = read(issuer)
    load.share(shared)
    now = int(issuer.registry.stat().st_mtime) + 10
    reloader = Reloader(issuer.registry, issuer.keyring, clock=lambda: now)
    assert reloader.server.registry is shared
    names = set(shared.clients)
    change(issuer)
    reloader.look()
    reloader.look()
    assert set(reloader.server.registry.clients) == names | {"newcomer"}
    assert set(shared.clients) == names


def test_what_there_is_to_warn_of_is_the_same(issuer):
    table = issuer.read_registry()
    native = {"application_type": "native", "redirect_uris": ["com.example.app:/cb"]}
    table["clients"]["web"] |= native | {"skip_consent": True}
    issuer.write_registry(table)
    found = read(issuer)
    alone = [*load.warn_of_registry(found)]
    load.share(found)
    assert [*load.warn_of_registry(found)] == alone != []


def threads(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/task"))  # noqa: PTH208  the names are not needed


def test_no_thread_starts_before_the_fork_and_sighup_reads_anew(issuer):
    """A thread that holds a lock at the fork would hold it in the worker for ever."""
    process = issuer.start(workers=2).process
    assert process is not None
    assert threads(process.pid) == 1
    change(issuer)
    process.send_signal(signal.SIGHUP)

    def is_known() -> bool:
        form = {"grant_type": "client_credentials"}
        try:
            answer = httpx.post(f"{issuer.url}/token", data=form, auth=("newcomer", SECRET))
        except httpx.TransportError:  # the old workers are going
            return False
        return answer.status_code == 200

    issuer.wait_until(is_known, 10)
    assert threads(process.pid) == 1


def test_files_that_sighup_finds_broken_are_refused_by_the_workers(issuer, tmp_path: Path):
    """As they are without anything shared: the log says why, and no worker serves them."""
    issuer.start(workers=1)
    assert issuer.process is not None
    table = issuer.read_registry()
    table["clients"]["billing"]["scope"] = "nothing"
    issuer.registry.write_text(json.dumps(table))
    issuer.process.send_signal(signal.SIGHUP)
    issuer.wait_until(lambda: '"nothing" is not known here' in issuer.log.read_text(), 15)
