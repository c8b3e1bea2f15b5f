"""Two replicas and one store: whichever a device asks, and whichever its user told (F6, I1)."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.browser.browsing import Browser
from tests.redis_server import running_redis
from tests.rfc8628.running import Device, an_issuer_with_devices
from tests.running import RunningIssuer

Pair = tuple[RunningIssuer, RunningIssuer]


@pytest.fixture(scope="module", params=["sqlite", "redis"])
def replicas(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    directory: Path = tmp_path_factory.mktemp(request.param)
    if request.param == "sqlite":
        yield from _running(directory, "sqlite:replay.db")
    else:
        with running_redis(directory) as redis:
            yield from _running(directory, redis.url)


def _running(directory: Path, store: str) -> Iterator[Pair]:
    one = an_issuer_with_devices(directory, replay_store=store)
    pair = one, RunningIssuer(directory)
    for each in pair:
        each.start()
    yield pair
    for each in pair:
        each.stop()


def allow(browser: Browser, issuer: RunningIssuer, device: Device) -> None:
    """At ``issuer``, whichever the links of the other lead to."""
    page = browser.get(f"{issuer.url}/device", params={"user_code": device.code})
    page = browser.submit(page, "continue")
    if "login" in page.ids:
        page = browser.log_in(page)
    assert "granted" in browser.submit(page, "allow").ids


def test_one_is_told_and_the_other_answers(replicas):
    one, other = replicas
    device = Device(one, scope="read")
    assert device.hears(other) == "authorization_pending"
    assert device.hears(one) == "slow_down"
    with Browser(other) as browser:
        allow(browser, other, device)
    assert device.hears(one) == "tokens"
    assert device.hears(other) == "invalid_grant"


def test_of_many_that_ask_at_once_one_gets_tokens(replicas):
    device, untouched = Device(replicas[0]), Device(replicas[1])
    with Browser(replicas[1]) as browser:
        allow(browser, replicas[1], device)
        allow(browser, replicas[1], untouched)
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda n: device.ask(replicas[n % 2]), range(16)))
    said = Counter(each.json().get("error", "tokens") for each in answers)
    assert said["tokens"] == 1
    assert set(said) <= {"tokens", "invalid_grant", "temporarily_unavailable"}
    assert untouched.hears() == "tokens"
