"""People log in and agree through a proxy that sends each of their requests to another replica."""

import json
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import httpx
import pytest

from issuer.metadata import AUTHORIZE, CONSENT, JWKS, LOGIN, PAR, TOKEN
from tests.browser.browsing import SENT, Browser, Page
from tests.builders import API, CALLBACK, SECRET, VERIFIER
from tests.replicas import round_robin
from tests.running import RunningIssuer
from tests.verifying import verified_apart

pytestmark = pytest.mark.skipif(not round_robin.is_installed(), reason="needs nginx")

FLOWS = 100
THREADS = 20
"""People at once, where a replica dies."""
STEPS = [
    ("GET", AUTHORIZE), ("GET", CONSENT), ("GET", LOGIN), ("POST", LOGIN), ("GET", CONSENT),
    ("POST", CONSENT), ("POST", TOKEN),
]  # fmt: skip


class Again(httpx.BaseTransport):
    """A person who presses reload when the proxy says that nobody answered; and counts that."""

    def __init__(self, lost: Counter[str]) -> None:
        self._transport = httpx.HTTPTransport()
        self._lost = lost

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        for _ in range(5):
            response = self._transport.handle_request(request)
            if response.status_code != 502:
                break
            self._lost[request.url.path] += 1
        return response

    def close(self) -> None:
        self._transport.close()


@dataclass
class Cluster:
    """Two replicas and the proxy in front of them."""

    url: str
    replicas: tuple[RunningIssuer, RunningIssuer]
    remembers: bool
    """Whether they have a store."""
    lost: Counter[str] = field(default_factory=Counter)
    """Requests that no replica answered, by path."""

    def flow(self, number: int) -> str:
        """One person's way from a client's link to the access token; every second is pushed."""
        with Browser(self, transport=Again(self.lost)) as browser:
            state = f"state-{number}"
            sent: dict[str, str | None] = {"state": state}
            if number % 2:
                pushed = browser.http.post(
                    self.url + PAR, data=SENT | {"state": state}, auth=("web", SECRET)
                )
                only = {name: None for name in SENT if name != "client_id"}
                sent = only | {"request_uri": pushed.json()["request_uri"]}
            login = browser.authorize(**sent)
            assert isinstance(login, Page), login
            consent = browser.log_in(login)
            told = browser.submit(consent, "allow")
            assert isinstance(told, dict)
            assert (told["to"], told["state"], told["iss"]) == (CALLBACK, state, self.url)
            return self.redeem(browser, told["code"])

    def redeem(self, browser: Browser, code: str) -> str:
        """The access token for ``code``."""
        form = {"grant_type": "authorization_code", "code": code, "code_verifier": VERIFIER}
        answer = browser.http.post(self.url + TOKEN, data=form, auth=("web", SECRET))
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def answered(self, replica: RunningIssuer) -> list[tuple[str, str]]:
        """What ``replica`` answered so far, by its access log: methods and paths."""
        lines = map(json.loads, filter(_is_json, replica.log.read_text().splitlines()))
        return [
            (each["method"], each["path"])
            for each in lines
            if each.get("path") in (AUTHORIZE, LOGIN, CONSENT, TOKEN, PAR)
        ]


def _is_json(line: str) -> bool:
    return line.startswith("{")


@pytest.fixture(params=["none", "sqlite:replay.db"])
def cluster(
    an_issuer: Callable[..., RunningIssuer], tmp_path, request: pytest.FixtureRequest
) -> Iterator[Cluster]:
    """Both replicas say that they are what the proxy is."""
    url = round_robin.a_url()
    one = an_issuer(replay_store=request.param)
    table = one.read_registry()
    table["issuer"]["url"] = url
    one.write_registry(table)
    both = one.start(), an_issuer().start()
    with round_robin.started(tmp_path / "proxy", url, *(each.port for each in both)):
        yield Cluster(url, both, remembers=request.param != "none")


def test_authorize_on_one_log_in_on_the_other_consent_on_the_first_redeem_on_the_second(cluster):
    """No request of a flow is answered by the replica that answered the one before."""
    with Browser(cluster) as browser:
        login = browser.authorize()
        consent = browser.log_in(login)
        consent = browser.get(consent.url)  # she reloads the page: the two change places
        told = browser.submit(consent, "allow")
        assert cluster.redeem(browser, told["code"])
    one, other = cluster.replicas
    asked = [*STEPS[:5], ("GET", CONSENT), *STEPS[5:]]

    def both() -> list[list[tuple[str, str]]]:
        return sorted([cluster.answered(one), cluster.answered(other)])

    expected = sorted([asked[::2], asked[1::2]])
    one.wait_until(lambda: both() == expected)
    first, second = expected
    assert [first[0], first[3]] == [("GET", AUTHORIZE), ("POST", CONSENT)]
    assert [second[1], second[3]] == [("POST", LOGIN), ("POST", TOKEN)]


def test_a_hundred_people_at_once_each_get_their_own_token(cluster):
    """Nothing is stuck to a replica, and nothing is mixed up."""
    with ThreadPoolExecutor(FLOWS) as threads:
        tokens = list(threads.map(cluster.flow, range(FLOWS)))
    assert not cluster.lost
    claims = verified_apart(cluster.replicas[1].url + JWKS, cluster.url, API, tokens)
    assert len({each["jti"] for each in claims}) == FLOWS
    shares = [Counter(cluster.answered(each)) for each in cluster.replicas]
    for step in set(STEPS):
        asked = [share[step] for share in shares]
        assert min(asked) > 0.2 * sum(asked), f"{step} was not spread: {asked}"


def test_the_flows_go_on_when_a_replica_is_killed(cluster):
    """F3: people press reload where the proxy had nobody to ask, and nobody has to begin anew.

    But for who had something spent in the store, by a replica that died before it could answer.
    """
    doomed, survivor = cluster.replicas
    half = threading.Barrier(2)
    anew: list[int] = []

    def flow(number: int) -> str:
        if number == FLOWS // 2:
            half.wait(30)
        try:
            return cluster.flow(number)
        except AssertionError:
            if not cluster.remembers:
                raise
            anew.append(number)
            return cluster.flow(number)

    with ThreadPoolExecutor(THREADS) as threads:
        running = [threads.submit(flow, number) for number in range(FLOWS)]
        half.wait(30)
        assert doomed.process is not None
        os.killpg(doomed.process.pid, signal.SIGKILL)
        tokens = [each.result() for each in running]
    claims = verified_apart(survivor.url + JWKS, cluster.url, API, tokens)
    assert len({each["jti"] for each in claims}) == FLOWS
    assert sum(cluster.lost.values()) <= THREADS
    assert len(anew) <= THREADS
