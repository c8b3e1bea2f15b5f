"""The pages on two replicas in turn, without stickiness: they share two files and nothing else."""

from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, pairwise

import httpx
import pytest

from tests.authorize.browsing import Browser
from tests.builders import CALLBACK, SECRET, VERIFIER
from tests.running import RunningIssuer

FLOWS = 100


class Alternating(httpx.HTTPTransport):
    """Sends one request after the other to another replica, as a proxy in front does.

    The URL stays that of the issuer: only where the connection goes to changes.
    """

    def __init__(self, ports):
        super().__init__()
        self.ports = cycle(ports)
        self.answered = []

    def handle_request(self, request):
        port = next(self.ports)
        original = request.url
        request.url = original.copy_with(port=port)
        response = super().handle_request(request)
        request.url = original
        self.answered.append((port, request.method, original.path))
        return response


@pytest.fixture(scope="module", params=["none", "sqlite:replay.db"])
def replicas(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("replicas")
    first = RunningIssuer(folder, replay_store=request.param)
    second = RunningIssuer(folder)
    first.start()
    second.start()
    yield first, second
    first.stop()
    second.stop()


def go_through(replicas, state="a-state"):
    """One person's whole flow, and who answered each step of it."""
    transport = Alternating([each.port for each in replicas])
    with Browser(replicas[0], transport=transport) as browser:
        consent = browser.log_in(browser.authorize(state=state))
        told = browser.submit(consent, "allow")
        assert (told["state"], told["iss"]) == (state, replicas[0].url)
        answer = browser.http.post(
            f"{browser.url}/token",
            data={
                "grant_type": "authorization_code",
                "code": told["code"],
                "redirect_uri": CALLBACK,
                "code_verifier": VERIFIER,
            },
            auth=("web", SECRET),
        )
    assert answer.status_code == 200, answer.text
    return transport.answered


def test_every_step_is_answered_by_another_replica(replicas):
    answered = go_through(replicas)
    ports = [port for port, _, _ in answered]
    assert all(one != next_one for one, next_one in pairwise(ports))
    assert [(method, path) for _, method, path in answered] == [
        ("GET", "/authorize"),
        ("GET", "/consent"),
        ("GET", "/login"),
        ("POST", "/login"),
        ("GET", "/consent"),
        ("POST", "/consent"),
        ("POST", "/token"),
    ]


def test_a_hundred_people_at_once_all_arrive(replicas):
    with ThreadPoolExecutor(20) as people:
        flows = list(people.map(lambda n: go_through(replicas, f"state-{n}"), range(FLOWS)))
    assert len(flows) == FLOWS
