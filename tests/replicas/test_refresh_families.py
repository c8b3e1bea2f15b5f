"""RFC 9700 section 4.14.2 over two replicas: tabs that refresh at once, and a token that got away.

Each replica is a gunicorn of its own with two workers; what they share is the two files, and the
store.
"""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle

import httpx
import pytest

from tests.builders import VERIFIER
from tests.running import RunningIssuer, registry_table

Pair = tuple[RunningIssuer, RunningIssuer]

GRACE = 3
"""Seconds: the tests outwait it, and a machine that is busy does not."""


@pytest.fixture(scope="module")
def replicas(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Two issuers over one SQLite file, where spa is public and web keeps a secret."""
    directory = tmp_path_factory.mktemp("families")
    first = RunningIssuer(directory)
    first.write_registry(a_table(first.url))
    pair = first, RunningIssuer(directory)
    for each in pair:
        each.start(workers=2)
    yield pair
    for each in pair:
        each.stop()


def a_table(url: str) -> dict:
    """A registry whose public client may refresh."""
    table = registry_table(url, replay_store="sqlite:replay.db", refresh_token_grace=GRACE)
    table["clients"]["spa"]["grant_types"] = ["authorization_code", "refresh_token"]
    return table


def redeem(replica: RunningIssuer, code: str, **parameters: str) -> httpx.Response:
    """The answer to spa's code, on a connection of its own."""
    form = {"grant_type": "authorization_code", "code": code, "code_verifier": VERIFIER}
    return post(replica, form | parameters)


def refresh(replica: RunningIssuer, held: str, **parameters: str) -> httpx.Response:
    """The answer to spa's refresh token, on a connection of its own."""
    return post(replica, {"grant_type": "refresh_token", "refresh_token": held} | parameters)


def post(replica: RunningIssuer, form: dict[str, str]) -> httpx.Response:
    return httpx.post(f"{replica.url}/token", data={"client_id": "spa"} | form, timeout=30)


def a_refresh_token(replica: RunningIssuer) -> str:
    answer = redeem(replica, replica.code(client_id="spa"))
    assert answer.status_code == 200, answer.text
    return str(answer.json()["refresh_token"])


def following(replica: RunningIssuer, held: str) -> str:
    answer = refresh(replica, held)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["refresh_token"])


def test_twenty_tabs_that_refresh_at_once_all_go_on(replicas):
    """All are answered, by one successor, byte for byte; and so they are the next time."""
    held = a_refresh_token(replicas[0])
    with ThreadPoolExecutor(20) as tabs:
        for _ in range(4):
            asked = [(each, held) for each, _ in zip(cycle(replicas), range(20), strict=False)]
            answers = list(tabs.map(lambda pair: refresh(*pair), asked))
            assert {each.status_code for each in answers} == {200}
            successors = {each.json()["refresh_token"] for each in answers}
            assert len(successors) == 1
            assert len({each.json()["access_token"] for each in answers}) == 20
            assert successors != {held}
            held = successors.pop()
    assert refresh(replicas[1], held).status_code == 200


def test_tabs_that_are_out_of_step_go_on_too(replicas):
    """A slow one hears of the successor when another has used that already."""
    one, other = replicas
    first = a_refresh_token(one)
    second = following(one, first)
    third = following(other, second)
    assert following(other, first) == second
    assert following(one, second) == third
    assert refresh(one, third).status_code == 200


@pytest.mark.parametrize("reused_at", [0, 1], ids=["the same replica", "the other replica"])
def test_a_refresh_token_that_got_away_ends_the_grant_everywhere(replicas, reused_at):
    """P20: used again after the grace, it takes its successors with it, at either replica."""
    one, other = replicas[reused_at], replicas[1 - reused_at]
    bystander = a_refresh_token(one)
    first = a_refresh_token(one)
    second = following(replicas[0], first)
    time.sleep(GRACE + 1)
    third = following(replicas[0], second)
    stolen = refresh(one, first)
    assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")
    for replica in (one, other):
        for held in (third, second, first):
            assert refresh(replica, held).json()["error"] == "invalid_grant"
    assert refresh(other, bystander).status_code == 200


def test_of_twenty_who_reuse_a_token_none_gets_anything(replicas):
    """P20, in parallel, after the grace."""
    first = a_refresh_token(replicas[0])
    second = following(replicas[0], first)
    time.sleep(GRACE + 1)
    asked = [(each, first) for each, _ in zip(cycle(replicas), range(20), strict=False)]
    with ThreadPoolExecutor(20) as thieves:
        answers = list(thieves.map(lambda pair: refresh(*pair), asked))
    assert {each.status_code for each in answers} == {400}
    assert refresh(replicas[1], second).json()["error"] == "invalid_grant"


def test_a_code_that_is_redeemed_again_ends_what_it_gave_everywhere(replicas):
    """RFC 6749 section 4.1.2, and a thief without the verifier ends nothing."""
    one, other = replicas
    code = one.code(client_id="spa")
    held = redeem(one, code).json()["refresh_token"]
    for replica in replicas:
        assert redeem(replica, code, code_verifier="x" * 43).status_code == 400
    held = following(other, held)
    assert redeem(other, code).json()["error"] == "invalid_grant"
    for replica in replicas:
        assert refresh(replica, held).json()["error"] == "invalid_grant"


def test_a_confidential_client_keeps_its_token_and_loses_it_with_its_code(replicas):
    """FAPI 2.0 section 5.3.2.1: not by refreshing twice. RFC 6749 section 4.1.2: by its code."""
    one, other = replicas
    code = one.code()
    held = one.redeem(code).json()["refresh_token"]
    answers = [each.refresh(held).json() for each in (one, other, one)]
    assert {each["refresh_token"] for each in answers} == {held}
    assert other.redeem(code).json()["error"] == "invalid_grant"
    assert one.refresh(held).json()["error"] == "invalid_grant"


def test_a_lost_store_logs_out_rotating_clients_and_nobody_else(an_issuer):
    """F10, F15: 503 while the old file may come back; never a false invalid_grant before."""
    running = an_issuer()
    running.write_registry(a_table(running.url))
    running.start(workers=2)
    public, kept = a_refresh_token(running), running.redeem(running.code()).json()["refresh_token"]
    time.sleep(1.1)  # the memory that begins is younger than they are
    for each in running.directory.glob("replay.db*"):
        each.unlink()
    answers = [refresh(running, public) for _ in range(4)]
    assert {each.status_code for each in answers} == {503}
    assert {each.json()["error"] for each in answers} == {"temporarily_unavailable"}
    assert all(1 <= int(each.headers["retry-after"]) <= 60 for each in answers)
    running.wait_until(lambda: running.refresh(kept).status_code == 200, 30)
    assert refresh(running, public).status_code == 503, "it could still come back"
