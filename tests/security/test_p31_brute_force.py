"""Security P31, R4, V4, B25: brute force against real processes, from real addresses."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from issuer.protocol.throttling import FREE
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


def is_throttled(http: httpx.Client, **headers: str) -> bool:
    """Whether this address is, once it has failed often enough. Uses up its free guesses."""
    for _ in range(FREE):
        by_secret(http, "wrong", **headers)
    answer = by_secret(http, "wrong", **headers)
    assert answer.status_code in (401, 429)
    return answer.status_code == 429


@pytest.fixture
def running(tmp_path, request):
    issuer = RunningIssuer(tmp_path, **getattr(request, "param", {}))
    yield issuer
    issuer.stop()


@pytest.mark.parametrize("guess", [by_secret, by_password])
def test_a_thousand_wrong_guesses_are_throttled_and_lock_nobody_out(running, guess):
    """V4: a growing delay there, success still possible from another address."""
    running.start()
    right = SECRET if guess is by_secret else PASSWORD
    with (
        at("127.0.0.1", running.url, limits=httpx.Limits(max_connections=64)) as attacker,
        at("127.0.0.2", running.url) as owner,
        ThreadPoolExecutor(64) as threads,
    ):
        guesses = [threads.submit(guess, attacker, f"wrong {n}") for n in range(1000)]
        while not all(each.done() for each in guesses):
            assert guess(owner, right).status_code == 200
        answers = [each.result() for each in guesses]
        last = guess(attacker, right)
    statuses = Counter(each.status_code for each in answers)
    assert statuses[429] > 900
    assert statuses[401] + statuses[400] < 30
    assert {each.json()["error"] for each in answers if each.status_code == 429} == {
        "temporarily_unavailable"
    }
    waits = {int(each.headers["Retry-After"]) for each in answers if each.status_code == 429}
    assert {1, 2} <= waits
    assert all(each.headers["Cache-Control"] == "no-store" for each in answers)
    assert last.status_code == 429  # right, and from where it was wrong


def test_the_log_says_who_guessed_what_from_where(running):
    running.start()
    with at("127.0.0.3", running.url) as attacker:
        assert is_throttled(attacker)
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
        "failures": 5,
        "seconds": 1,
    }
    (refused,) = [each for each in lines if each.get("status") == 429]
    assert refused["client_id"] == "billing"
    assert refused["detail"] == "throttled: 5 wrong guesses for this client"


@pytest.mark.parametrize("running", [{"replay_store": "sqlite:replay.db"}], indirect=True)
def test_replicas_with_a_store_count_together(running):
    running.start(workers=2)
    replica = RunningIssuer(running.directory).start()
    with at("127.0.0.1", running.url) as one, at("127.0.0.1", replica.origin) as other:
        for _ in range(FREE + 2):  # whichever workers they meet
            by_secret(one, "wrong")
        by_secret(other, "wrong")
        answer = by_secret(other, SECRET)
        assert answer.status_code == 429
        assert int(answer.headers["Retry-After"]) > 1
    with at("127.0.0.2", replica.origin) as owner:
        assert by_secret(owner, SECRET).status_code == 200
    replica.stop()


@pytest.mark.parametrize("running", [{"trusted_proxies": ["127.0.0.1"]}], indirect=True)
def test_what_anybody_but_a_trusted_proxy_says_of_addresses_is_not_believed(running):
    """B25."""
    running.start()
    with at("127.0.0.2", running.url) as liar:
        for number in range(FREE):
            by_secret(liar, "wrong", **{"X-Forwarded-For": f"192.0.2.{number}"})
        assert by_secret(liar, SECRET, **{"X-Forwarded-For": "192.0.2.99"}).status_code == 429
        forwarded = {"Forwarded": "for=192.0.2.99"}
        assert by_secret(liar, SECRET, **forwarded).status_code == 429
    with at("127.0.0.1", running.url) as proxy:
        assert by_secret(proxy, SECRET, **{"X-Forwarded-For": "192.0.2.1"}).status_code == 200


@pytest.mark.parametrize("running", [{"trusted_proxies": ["127.0.0.1"]}], indirect=True)
def test_of_ipv6_the_first_64_bits_count_and_ipv4_counts_however_it_is_written(running):
    running.start()
    with at("127.0.0.1", running.url) as proxy:
        assert is_throttled(proxy, **{"X-Forwarded-For": "2001:db8:0:1::1"})
        for same in ("2001:db8:0:1:ffff::2", "[2001:DB8:0:1::3]:443"):
            assert by_secret(proxy, SECRET, **{"X-Forwarded-For": same}).status_code == 429
        assert by_secret(proxy, SECRET, **{"X-Forwarded-For": "2001:db8:0:2::1"}).is_success
        assert is_throttled(proxy, **{"X-Forwarded-For": "::ffff:192.0.2.1"})
        assert by_secret(proxy, SECRET, **{"X-Forwarded-For": "192.0.2.1"}).status_code == 429


@pytest.mark.skipif(not round_robin.is_installed(), reason="nginx is not installed")
@pytest.mark.parametrize("trusted", [True, False])
def test_behind_nginx_each_is_counted_by_their_own_address(tmp_path, trusted):
    """B25: whatever the client writes there itself."""
    url = round_robin.a_url()
    proxies = {"trusted_proxies": ["127.0.0.1"]} if trusted else {}
    issuer = RunningIssuer(tmp_path, **proxies).start()
    with (
        round_robin.started(tmp_path / "nginx", url, issuer.port),
        at("127.0.0.2", url) as attacker,
        at("127.0.0.3", url) as owner,
    ):
        for number in range(FREE):
            by_secret(attacker, "wrong", **{"X-Forwarded-For": f"192.0.2.{number}"})
        assert by_secret(attacker, SECRET).status_code == 429
        # Without trusted_proxies all who come through nginx are one.
        assert by_secret(owner, SECRET).status_code == (200 if trusted else 429)
    issuer.stop()
    assert ('"remote_addr":"127.0.0.2"' in issuer.log.read_text()) == trusted


@pytest.mark.parametrize("trusted", [["unix:"], []])
def test_over_a_unix_socket_the_proxy_is_believed_if_the_registry_says_so(tmp_path, trusted):
    path = tmp_path / "socket"
    issuer = RunningIssuer(tmp_path, trusted_proxies=trusted).start("--bind", f"unix:{path}")
    transport = httpx.HTTPTransport(uds=str(path))
    with httpx.Client(transport=transport, base_url="http://issuer") as http:
        assert is_throttled(http, **{"X-Forwarded-For": "192.0.2.1"})
        other = by_secret(http, SECRET, **{"X-Forwarded-For": "192.0.2.2"})
        assert other.status_code == (200 if trusted else 429)
    issuer.stop()


def test_the_login_page_says_how_long_to_wait_and_lets_others_in(running):
    running.start()
    with (
        Browser(running, transport=httpx.HTTPTransport(local_address="127.0.0.2")) as attacker,
        Browser(running, transport=httpx.HTTPTransport(local_address="127.0.0.3")) as owner,
    ):
        page = attacker.authorize()
        for _ in range(FREE):
            page = attacker.log_in(page, password="wrong")
            assert page.status == 403
        page = attacker.log_in(page)  # it is right, and not looked at
        assert page.status == 429
        assert page.headers["Retry-After"] == "1"
        assert page.headers["Cache-Control"] == "no-store"
        assert "Please wait 1 second, and then try again." in page.html
        assert page.fields["username"] == "alice"
        allowed = owner.log_in(owner.authorize())
        assert "allow" in allowed.ids
        with at("127.0.0.2", running.url) as elsewhere:  # one count, whichever way
            assert by_password(elsewhere, PASSWORD).status_code == 429
        running.wait_until(lambda: "allow" in attacker.log_in(page).ids)
    assert '"detail":"throttled: 5 wrong guesses for this user"' in running.log.read_text()


@pytest.mark.parametrize("language", ["de", "fr", "es"])
def test_the_login_page_says_so_in_the_language_of_the_browser(running, language):
    running.start()
    said = {"de": "Bitte warten Sie", "fr": "Veuillez patienter", "es": "Espere "}[language]
    with Browser(running, headers={"Accept-Language": language}) as browser:
        page = browser.authorize()
        for _ in range(FREE + 1):
            page = browser.log_in(page, password="wrong")
        assert page.status == 429
        assert said in page.html
