"""Security P31, R4, V4, B25: brute force against real processes, from real addresses."""

import asyncio
import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from issuer.protocol.throttling import FREE, Guess, Memory, of_client, of_user
from issuer.stores.sqlite import SQLiteStore
from tests.browser.browsing import Browser
from tests.builders import PASSWORD, SECRET
from tests.replicas import round_robin
from tests.running import RunningIssuer

GRANT = {"grant_type": "client_credentials"}


def at(address: str, url: str, **options: Any) -> httpx.Client:
    """A client that has this address of the loopback network."""
    transport = httpx.HTTPTransport(local_address=address, retries=1)
    return httpx.Client(base_url=url, transport=transport, timeout=30, **options)


def by_secret(http: httpx.Client, secret: str, **headers: str) -> httpx.Response:
    return http.post("/token", data=GRANT, auth=("billing", secret), headers=headers)


def by_password(http: httpx.Client, password: str, username: str = "alice") -> httpx.Response:
    form = {"grant_type": "password", "username": username, "password": password}
    return http.post("/token", data=form, auth=("web", SECRET))


def wrong_before(issuer: RunningIssuer, *guesses: Guess) -> None:
    """Has twelve like each of ``guesses`` been wrong lately, as its other processes counted.

    The next one that is wrong makes them wait for minutes, however slow the machine is.
    """
    store, now = SQLiteStore(issuer.directory / "replay.db"), int(time.time())
    names = [Memory().shared_name(each) for each in guesses]
    asyncio.run(store.tally(names, 12, now + 3600, now))
    store.close()


@pytest.fixture
def running(tmp_path, request):
    settings = {"replay_store": "sqlite:replay.db"} | getattr(request, "param", {})
    issuer = RunningIssuer(tmp_path, **settings)
    yield issuer
    issuer.stop()


TRUSTING = pytest.mark.parametrize("running", [{"trusted_proxies": ["127.0.0.1"]}], indirect=True)


@pytest.mark.parametrize("running", [{"replay_store": "none"}], indirect=True)
@pytest.mark.parametrize("guess", [by_secret, by_password])
def test_a_thousand_wrong_guesses_are_throttled_and_lock_nobody_out(running, guess):
    """V4: a growing delay there, success still possible from another address."""
    running.start()
    right = SECRET if guess is by_secret else PASSWORD

    def guessing(of: int) -> list[httpx.Response]:
        with at("127.0.0.1", running.url) as attacker:
            return [guess(attacker, f"wrong {of} {n}") for n in range(32)]

    with at("127.0.0.2", running.url) as owner, ThreadPoolExecutor(32) as threads:
        guesses = [threads.submit(guessing, number) for number in range(32)]
        while not all(each.done() for each in guesses):
            assert guess(owner, right).status_code == 200
            time.sleep(0.1)
        answers = [answer for each in guesses for answer in each.result()]
    statuses = Counter(each.status_code for each in answers)
    assert statuses[429] > 900
    assert statuses[401] + statuses[400] + statuses[429] == len(answers)
    throttled = [each for each in answers if each.status_code == 429]
    assert {each.json()["error"] for each in throttled} == {"temporarily_unavailable"}
    assert {1, 2} <= {int(each.headers["Retry-After"]) for each in throttled}
    assert {each.headers["Cache-Control"] for each in answers} == {"no-store"}


def test_the_log_says_who_guessed_what_from_where(running):
    running.start()
    wrong_before(running, of_client("billing", "127.0.0.3"))
    with at("127.0.0.3", running.url) as attacker:
        assert by_secret(attacker, "wrong").status_code == 401
        assert by_secret(attacker, SECRET).status_code == 429  # right, from where it was wrong
    running.stop()
    lines = [json.loads(each) for each in running.log.read_text().splitlines() if each[:1] == "{"]
    (warning,) = [each for each in lines if each.get("message") == "throttled"]
    del warning["time"]
    assert warning == {
        "level": "warning",
        "logger": "issuer.guard",
        "message": "throttled",
        "remote_addr": "127.0.0.3",
        "client": "billing",
        "failures": 13,
        "seconds": 256,
    }
    (refused,) = [each for each in lines if each.get("status") == 429]
    assert refused["client_id"] == "billing"
    assert refused["detail"] == "throttled: 13 wrong guesses for this client"


def test_replicas_with_a_store_count_together(running):
    running.start(workers=2)
    replica = RunningIssuer(running.directory).start()
    with at("127.0.0.1", running.url) as one, at("127.0.0.1", replica.origin) as other:
        for _ in range(FREE):  # whichever workers they meet, as fast as they are let
            while by_secret(one, "wrong").status_code == 429:
                time.sleep(0.2)
        by_secret(other, "wrong")  # its first one
        answer = by_secret(other, SECRET)
        assert answer.status_code == 429
        assert int(answer.headers["Retry-After"]) <= 2
    with at("127.0.0.2", replica.origin) as owner:
        assert by_secret(owner, SECRET).status_code == 200
    replica.stop()


@TRUSTING
def test_what_anybody_but_a_trusted_proxy_says_of_addresses_is_not_believed(running):
    """B25."""
    running.start()
    wrong_before(running, of_client("billing", "127.0.0.2"))
    with at("127.0.0.2", running.url) as liar:
        assert by_secret(liar, "wrong", **{"X-Forwarded-For": "192.0.2.1"}).status_code == 401
        assert by_secret(liar, SECRET, **{"X-Forwarded-For": "192.0.2.99"}).status_code == 429
        forwarded = {"Forwarded": "for=192.0.2.99"}
        assert by_secret(liar, SECRET, **forwarded).status_code == 429
    with at("127.0.0.1", running.url) as proxy:
        assert by_secret(proxy, SECRET, **{"X-Forwarded-For": "192.0.2.1"}).status_code == 200


@TRUSTING
def test_of_ipv6_the_first_64_bits_count_and_ipv4_counts_however_it_is_written(running):
    running.start()
    wrong_before(running, of_client("billing", "2001:db8:0:1::"), of_client("billing", "192.0.2.1"))
    with at("127.0.0.1", running.url) as proxy:

        def status(secret: str, address: str) -> int:
            return by_secret(proxy, secret, **{"X-Forwarded-For": address}).status_code

        assert status("wrong", "2001:db8:0:1::1") == 401
        assert status(SECRET, "2001:db8:0:1:ffff::2") == 429
        assert status(SECRET, "[2001:DB8:0:1::3]:443") == 429
        assert status(SECRET, "2001:db8:0:2::1") == 200
        assert status("wrong", "::ffff:192.0.2.1") == 401
        assert status(SECRET, "192.0.2.1") == 429
        assert status(SECRET, "192.0.2.2") == 200


@pytest.mark.skipif(not round_robin.is_installed(), reason="nginx is not installed")
@pytest.mark.parametrize("trusted", [True, False])
def test_behind_nginx_each_is_counted_by_their_own_address(tmp_path, trusted):
    """B25: whatever the client writes there itself."""
    url = round_robin.a_url()
    proxies = {"trusted_proxies": ["127.0.0.1"]} if trusted else {}
    issuer = RunningIssuer(tmp_path, replay_store="sqlite:replay.db", **proxies).start()
    wrong_before(issuer, of_client("billing", "127.0.0.2" if trusted else "127.0.0.1"))
    with (
        round_robin.started(tmp_path / "nginx", url, issuer.port),
        at("127.0.0.2", url) as attacker,
        at("127.0.0.3", url) as owner,
    ):
        assert by_secret(attacker, "wrong", **{"X-Forwarded-For": "6.6.6.6"}).status_code == 401
        assert by_secret(attacker, SECRET).status_code == 429
        # Without trusted_proxies all who come through nginx are one.
        assert by_secret(owner, SECRET).status_code == (200 if trusted else 429)
    issuer.stop()
    assert ('"remote_addr":"127.0.0.2"' in issuer.log.read_text()) == trusted


@pytest.mark.parametrize("trusted", [["unix:"], []])
def test_over_a_unix_socket_the_proxy_is_believed_if_the_registry_says_so(tmp_path, trusted):
    path = tmp_path / "socket"
    settings = {"replay_store": "sqlite:replay.db", "trusted_proxies": trusted}
    issuer = RunningIssuer(tmp_path, **settings).start("--bind", f"unix:{path}")
    wrong_before(issuer, of_client("billing", "192.0.2.1" if trusted else ""))
    transport = httpx.HTTPTransport(uds=str(path))
    with httpx.Client(transport=transport, base_url="http://issuer") as http:
        one = {"X-Forwarded-For": "192.0.2.1"}
        assert by_secret(http, "wrong", **one).status_code == 401
        assert by_secret(http, SECRET, **one).status_code == 429
        other = by_secret(http, SECRET, **{"X-Forwarded-For": "192.0.2.2"})
        assert other.status_code == (200 if trusted else 429)
    issuer.stop()


def test_the_login_page_says_how_long_to_wait_and_lets_others_in(running):
    running.start()
    wrong_before(running, of_user("alice", "127.0.0.2"))
    with (
        Browser(running, transport=httpx.HTTPTransport(local_address="127.0.0.2")) as attacker,
        Browser(running, transport=httpx.HTTPTransport(local_address="127.0.0.3")) as owner,
    ):
        page = attacker.log_in(attacker.authorize(), password="wrong")
        assert page.status == 403
        page = attacker.log_in(page)  # it is right, and not looked at
        assert page.status == 429
        assert 60 < int(page.headers["Retry-After"]) <= 256
        assert page.headers["Cache-Control"] == "no-store"
        assert "minutes, and then try again." in page.html
        assert page.fields["username"] == "alice"
        assert "allow" in owner.log_in(owner.authorize()).ids
        with at("127.0.0.2", running.url) as elsewhere:  # one count, whichever way
            assert by_password(elsewhere, PASSWORD).status_code == 429
    running.stop()
    assert '"detail":"throttled: 13 wrong guesses for this user"' in running.log.read_text()


def test_the_login_page_looks_at_what_is_typed_again_when_the_wait_is_over(running):
    running.start()
    with Browser(running) as browser:
        page = browser.authorize()
        for _ in range(FREE + 1):
            page = browser.log_in(page, password="wrong")
        running.wait_until(lambda: "allow" in browser.log_in(page).ids)


@pytest.mark.parametrize("language", ["de", "fr", "es"])
def test_the_login_page_says_so_in_the_language_of_the_browser(running, language):
    running.start()
    wrong_before(running, of_user("alice", "127.0.0.1"))
    said = {"de": "Bitte warten Sie", "fr": "Veuillez patienter", "es": "Espere "}[language]
    with Browser(running, headers={"Accept-Language": language}) as browser:
        page = browser.log_in(browser.authorize(), password="wrong")
        page = browser.log_in(page, password="wrong")
        assert page.status == 429
        assert said in page.html
