"""RFC 9700 section 4.14.2 over two replicas: tabs that refresh at once, and a token that got away.

Each replica is a gunicorn of its own with two workers; what they share is the two files, and the
store.
"""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import cycle

import httpx
import pytest

from tests.builders import VERIFIER
from tests.redis_server import running_redis
from tests.running import RunningIssuer, registry_table

Pair = tuple[RunningIssuer, RunningIssuer]

SQLITE = "sqlite:replay.db"
PATIENT, HASTY = "spa", "app"
"""Two public clients: a busy machine keeps within one's grace, the tests outwait the other's."""
GRACE = {PATIENT: 60, HASTY: 1}
"""Seconds."""


@pytest.fixture(scope="module", params=["sqlite", "redis"])
def replicas(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    """Two issuers over one store, where spa is public and web keeps a secret."""
    directory = tmp_path_factory.mktemp("families")
    with ExitStack() as running:
        store = SQLITE
        if request.param == "redis":
            store = running.enter_context(running_redis(tmp_path_factory.mktemp("redis"))).url
        first = RunningIssuer(directory)
        first.write_registry(a_table(first.url, store))
        pair = first, RunningIssuer(directory)
        for each in pair:
            running.callback(each.stop)
            each.start(workers=2)
        yield pair


def a_table(url: str, store: str = SQLITE) -> dict:
    """A registry whose public client may refresh."""
    table = registry_table(url, replay_store=store)
    public = table["clients"]["spa"] | {"grant_types": ["authorization_code", "refresh_token"]}
    for client_id, grace in GRACE.items():
        table["clients"][client_id] = public | {"refresh_token_grace": grace}
    return table


@pytest.fixture(scope="module")
def connections() -> Iterator[httpx.Client]:
    """A connection for each request, so that any worker may get it."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    with httpx.Client(limits=limits, timeout=60) as client:
        yield client


@pytest.fixture
def tabs(connections: httpx.Client) -> "App":
    """What a person runs of the patient client."""
    return App(connections, PATIENT)


@pytest.fixture
def app(connections: httpx.Client) -> "App":
    """The hasty one."""
    return App(connections, HASTY)


class App:
    """A public client, which asks either replica."""

    def __init__(self, connections: httpx.Client, client_id: str) -> None:
        self._connections = connections
        self.client_id = client_id

    def code(self, replica: RunningIssuer) -> str:
        """What its user granted."""
        return replica.code(client_id=self.client_id)

    def redeem(self, replica: RunningIssuer, code: str, **parameters: str) -> httpx.Response:
        """The answer to its code."""
        form = {"grant_type": "authorization_code", "code": code, "code_verifier": VERIFIER}
        return self._post(replica, form | parameters)

    def refresh(self, replica: RunningIssuer, held: str) -> httpx.Response:
        """The answer to its refresh token."""
        return self._post(replica, {"grant_type": "refresh_token", "refresh_token": held})

    def refresh_at_once(self, replicas: Pair, held: str, times: int) -> list[httpx.Response]:
        """The answers to so many, half of them at each replica."""
        asked = [(each, held) for each, _ in zip(cycle(replicas), range(times), strict=False)]
        with ThreadPoolExecutor(times) as threads:
            return list(threads.map(lambda pair: self.refresh(*pair), asked))

    def begin(self, replica: RunningIssuer) -> str:
        """The first refresh token of a grant."""
        answer = self.redeem(replica, self.code(replica))
        assert answer.status_code == 200, answer.text
        return str(answer.json()["refresh_token"])

    def next(self, replica: RunningIssuer, held: str) -> str:
        """The one that takes the place of ``held``."""
        answer = self.refresh(replica, held)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["refresh_token"])

    def is_refused(self, replica: RunningIssuer, held: str) -> bool:
        """Whether ``held`` is not good, and nothing else is wrong."""
        answer = self.refresh(replica, held)
        return (answer.status_code, answer.json().get("error")) == (400, "invalid_grant")

    def _post(self, replica: RunningIssuer, form: dict[str, str]) -> httpx.Response:
        form = {"client_id": self.client_id} | form
        return self._connections.post(f"{replica.url}/token", data=form)


def outwait_the_grace() -> None:
    time.sleep(GRACE[HASTY] + 1)


def test_twenty_tabs_that_refresh_at_once_all_go_on(replicas, tabs):
    """All are answered, by one successor, byte for byte; and so they are the next time."""
    held = tabs.begin(replicas[0])
    for _ in range(4):
        answers = tabs.refresh_at_once(replicas, held, 20)
        assert {each.status_code for each in answers} == {200}
        successors = {each.json()["refresh_token"] for each in answers}
        assert len(successors) == 1
        assert len({each.json()["access_token"] for each in answers}) == 20
        assert successors != {held}
        held = successors.pop()
    assert tabs.refresh(replicas[1], held).status_code == 200


def test_tabs_that_are_out_of_step_go_on_too(replicas, tabs):
    """A slow one hears of the successor when another has used that already."""
    one, other = replicas
    first = tabs.begin(one)
    second = tabs.next(one, first)
    third = tabs.next(other, second)
    assert tabs.next(other, first) == second
    assert tabs.next(one, second) == third
    assert tabs.refresh(one, third).status_code == 200


@pytest.mark.parametrize("reused_at", [0, 1], ids=["the same replica", "the other replica"])
def test_a_refresh_token_that_got_away_ends_the_grant_everywhere(replicas, app, reused_at):
    """P20: used again after the grace, it takes its successors with it, at either replica."""
    one, other = replicas[reused_at], replicas[1 - reused_at]
    bystander = app.begin(one)
    first = app.begin(one)
    second = app.next(replicas[0], first)
    outwait_the_grace()
    third = app.next(replicas[0], second)
    assert app.is_refused(one, first)
    assert all(app.is_refused(each, held) for each in replicas for held in (third, second, first))
    assert app.refresh(other, bystander).status_code == 200


def test_of_twenty_who_reuse_a_token_none_gets_anything(replicas, app):
    """P20, in parallel, after the grace."""
    first = app.begin(replicas[0])
    second = app.next(replicas[0], first)
    outwait_the_grace()
    answers = app.refresh_at_once(replicas, first, 20)
    assert {each.status_code for each in answers} == {400}
    assert app.is_refused(replicas[1], second)


def test_a_code_that_is_redeemed_again_ends_what_it_gave_everywhere(replicas, tabs):
    """RFC 6749 section 4.1.2, and a thief without the verifier ends nothing."""
    one, other = replicas
    code = tabs.code(one)
    held = tabs.redeem(one, code).json()["refresh_token"]
    for replica in replicas:
        assert tabs.redeem(replica, code, code_verifier="x" * 43).status_code == 400
    held = tabs.next(other, held)
    assert tabs.redeem(other, code).json()["error"] == "invalid_grant"
    assert all(tabs.is_refused(each, held) for each in replicas)


def test_a_confidential_client_keeps_its_token_and_loses_it_with_its_code(replicas):
    """FAPI 2.0 section 5.3.2.1: not by refreshing twice. RFC 6749 section 4.1.2: by its code."""
    one, other = replicas
    code = one.code()
    held = one.redeem(code).json()["refresh_token"]
    answers = [each.refresh(held).json() for each in (one, other, one)]
    assert {each["refresh_token"] for each in answers} == {held}
    assert other.redeem(code).json()["error"] == "invalid_grant"
    assert one.refresh(held).json()["error"] == "invalid_grant"


def test_a_lost_store_keeps_out_rotating_clients_and_nobody_else(an_issuer, tabs):
    """F10, F15: 503 while the old file may come back; never a false invalid_grant before."""
    running = an_issuer()
    running.write_registry(a_table(running.url))
    running.start(workers=2)
    public, kept = tabs.begin(running), running.redeem(running.code()).json()["refresh_token"]
    time.sleep(1.1)  # the memory that begins is younger than they are
    for each in running.directory.glob("replay.db*"):
        each.unlink()
    answers = [tabs.refresh(running, public) for _ in range(4)]
    assert {each.status_code for each in answers} == {503}
    assert {each.json()["error"] for each in answers} == {"temporarily_unavailable"}
    assert all(1 <= int(each.headers["retry-after"]) <= 60 for each in answers)
    running.wait_until(lambda: running.refresh(kept).status_code == 200, 30)
    assert tabs.refresh(running, public).status_code == 503, "it could still come back"
