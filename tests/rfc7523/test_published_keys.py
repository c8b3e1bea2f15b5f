"""Keys that clients publish: fetched when they are needed, kept, and never asked for too often."""

import asyncio
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from issuer.errors import TemporarilyUnavailable
from issuer.protocol.form import Form
from issuer.registry import address
from issuer.serving.published_keys import FIRST_DELAY, LONGEST_DELAY, PublishedKeys, fetch_keys
from keys.fetching import Document, FetchFailed
from keys.key_set import DEFAULT_FRESHNESS, MAX_STALENESS, REFETCH_INTERVAL
from keys.peers import is_trusted
from tests.builders import NOW, a_client, a_server
from tests.rfc7523.builders import a_signing_client, an_assertion, parameters
from tests.rfc7523.keys import KID, a_jwks, a_public_jwk
from tests.rfc7523.publishing import publishing

URI = "https://app.example/jwks.json"
SERVER = a_server(
    a_signing_client(jwks=None, jwks_uri=URI), a_signing_client("registered"), a_client()
)


class World:
    """A clock, and what is found at the URI."""

    def __init__(self) -> None:
        self.now = NOW
        self.jwks: Any = a_jwks()
        self.max_age: int | None = None
        self.asked = 0
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.published = PublishedKeys(clock=lambda: self.now, fetch=self._fetch)

    def _fetch(self, uri: str, networks: tuple[str, ...]) -> Document:
        assert (uri, networks) == (URI, ())
        self.asked += 1
        self.may_answer.wait(10)
        if self.jwks is None:
            raise FetchFailed(f"{uri} answered 500")
        return Document(json.dumps(self.jwks).encode(), self.max_age)

    async def ask(self, kid: str | None = KID, client_id: str = "signer") -> Any:
        """The keys for a request with an assertion of that ``kid``."""
        assertion = an_assertion(client_id, header={"kid": kid})
        form = Form.parse(urlencode(parameters(assertion)).encode())
        return await self.published.of(SERVER, form)

    async def settled(self) -> None:
        """Returns once nothing is under way in the background."""
        while self.published._under_way:
            await asyncio.sleep(0.005)


@pytest.fixture
def world():
    made = World()
    yield made
    made.may_answer.set()
    made.published._threads.shutdown(wait=True)


def test_they_are_fetched_when_they_are_first_needed_and_then_at_hand(world):
    async def story():
        for _ in range(3):
            keys = await world.ask()
            assert keys.find(KID, "ES256")
        assert world.asked == 1

    asyncio.run(story())


def test_many_who_need_them_at_once_wait_for_one_fetch(world):
    async def story():
        world.may_answer.clear()
        waiting = [asyncio.create_task(world.ask()) for _ in range(20)]
        await asyncio.sleep(0.05)
        world.may_answer.set()
        assert all([(await each).find(KID, "ES256") for each in waiting])
        assert world.asked == 1

    asyncio.run(story())


def test_who_needs_none_is_not_waited_for(world):
    """Nothing is asked for a client that is unknown, registers its keys, or signed nothing."""

    async def story():
        assert await world.ask(client_id="registered") is None
        assert await world.ask(client_id="nobody") is None
        assert await world.ask(client_id="web") is None
        for body in ("client_id=signer", "client_assertion=x&client_id=signer", ""):
            assert await world.published.of(SERVER, Form.parse(body.encode())) is None
        assert world.asked == 0

    asyncio.run(story())


def test_j28_a_new_key_is_found_at_once_and_one_that_is_made_up_is_not_asked_for_again(world):
    async def story():
        await world.ask()
        world.now += REFETCH_INTERVAL
        world.jwks = a_jwks(a_public_jwk(kid="new"))
        assert (await world.ask("new")).find("new", "ES256")
        assert world.asked == 2
        for number in range(100):
            assert not (await world.ask(f"made up {number}")).find(f"made up {number}", "ES256")
        assert world.asked == 2
        world.now += REFETCH_INTERVAL
        await asyncio.gather(*(world.ask(f"made up {number}") for number in range(100)))
        assert world.asked == 3

    asyncio.run(story())


def test_they_are_fetched_again_before_they_are_out_of_date_and_nobody_waits(world):
    async def story():
        await world.ask()
        world.now += DEFAULT_FRESHNESS - 1
        world.may_answer.clear()
        world.jwks = a_jwks(a_public_jwk(), a_public_jwk(kid="new"))
        assert not (await world.ask()).find("new", "ES256")
        world.may_answer.set()
        await world.settled()
        assert (await world.ask()).find("new", "ES256")
        assert world.asked == 2

    asyncio.run(story())


@pytest.mark.parametrize(
    ("max_age", "after"),
    [(None, 300), (60, 60), (0, 30), (10**6, 3600)],
    ids=["nothing", "a minute", "no time", "too long"],
)
def test_the_client_says_how_long_they_are_fresh_within_bounds(world, max_age, after):
    async def story():
        world.max_age = max_age
        await world.ask()
        world.now += after * 4 // 5 - 1
        await world.ask()
        await world.settled()
        assert world.asked == 1
        world.now += max(1, REFETCH_INTERVAL - (after * 4 // 5 - 1))
        await world.ask()
        await world.settled()
        assert world.asked == 2

    asyncio.run(story())


def test_they_stay_while_the_client_cannot_be_asked_but_not_for_ever(world):
    async def story():
        await world.ask()
        world.jwks = None
        for _ in range(20):
            world.now += 600
            assert (await world.ask()).find(KID, "ES256")
            await world.settled()
        world.now = NOW + MAX_STALENESS
        with pytest.raises(TemporarilyUnavailable):
            await world.ask()
        world.jwks = a_jwks()
        world.now += LONGEST_DELAY
        assert (await world.ask()).find(KID, "ES256")

    asyncio.run(story())


def test_what_nobody_can_judge_is_not_refused_but_may_be_sent_again(world):
    """Never ``invalid_client``: a client throws away what it has at that."""

    async def story():
        world.jwks = None
        with pytest.raises(TemporarilyUnavailable) as refused:
            await world.ask()
        assert refused.value.retry_after == FIRST_DELAY
        assert refused.value.client_id == "signer"
        with pytest.raises(TemporarilyUnavailable):
            await world.ask()
        assert world.asked == 1
        world.jwks = a_jwks()
        world.now += FIRST_DELAY
        assert await world.ask()
        world.now += REFETCH_INTERVAL
        world.jwks = None
        with pytest.raises(TemporarilyUnavailable):
            await world.ask("perhaps new")
        assert (await world.ask()).find(KID, "ES256")

    asyncio.run(story())


def test_who_does_not_answer_is_asked_less_and_less(world):
    async def story():
        world.jwks = None
        for _ in range(600):
            with pytest.raises(TemporarilyUnavailable):
                await world.ask()
            world.now += 1
        assert world.asked < 5 + 600 // LONGEST_DELAY + 1

    asyncio.run(story())


@pytest.mark.parametrize("jwks", [{}, [], {"keys": 1}, "x", {"keys": [a_public_jwk()] * 21}])
def test_what_is_no_jwk_set_is_as_good_as_no_answer(world, jwks):
    async def story():
        world.jwks = jwks
        with pytest.raises(TemporarilyUnavailable):
            await world.ask()

    asyncio.run(story())


def test_a_client_that_withdraws_all_its_keys_has_none(world):
    async def story():
        await world.ask()
        world.now += DEFAULT_FRESHNESS
        world.jwks = {"keys": []}
        await world.ask()
        await world.settled()
        assert (await world.ask()).keys == ()

    asyncio.run(story())


@pytest.mark.parametrize(
    ("text", "is_public"),
    [
        ("93.184.216.34", True), ("2606:2800:220:1::1", True),
        ("127.0.0.1", False), ("10.0.0.1", False), ("172.16.0.1", False), ("192.168.1.1", False),
        ("169.254.169.254", False), ("100.64.0.1", False),
        ("255.255.255.255", False), ("224.0.0.1", False), ("192.0.2.1", False),
        ("::1", False), ("::", False), ("fe80::1%eth0", False), ("fd00::1", False),
        ("ff02::1", False), ("::ffff:127.0.0.1", False), ("::ffff:10.0.0.1", False),
        ("64:ff9b::7f00:1", False), ("2002:7f00:1::", False), ("2001:db8::1", False),
        ("nonsense", False), ("", False),
    ],
)  # fmt: skip
def test_only_public_addresses_are_asked_unless_a_network_is_named(text, is_public):
    assert address.is_public(text) is is_public
    assert is_trusted("10.1.2.3", ("10.0.0.0/8",))
    assert is_trusted("::ffff:10.1.2.3", ("10.0.0.0/8",))
    assert not is_trusted("11.1.2.3", ("10.0.0.0/8",))


@pytest.fixture
def publisher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with publishing(tmp_path) as (made, authority):
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        made.jwks = a_jwks()
        yield made


LOOPBACK = ("127.0.0.0/8", "::1")
Spoil = Callable[[Any], None]


def test_by_https_from_whom_an_authority_vouches_for(publisher, monkeypatch):
    """The authority of a private network is named as everywhere, by SSL_CERT_FILE."""
    document = fetch_keys(publisher.jwks_uri, LOOPBACK)
    assert json.loads(document.body) == publisher.jwks
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(FetchFailed, match="CERTIFICATE_VERIFY_FAILED"):
        fetch_keys(publisher.jwks_uri, LOOPBACK)


def test_no_private_address_is_connected_to_whatever_its_name(publisher):
    """Of ``localhost`` no address is public: not a byte is sent (P35)."""
    for uri in (publisher.jwks_uri, publisher.jwks_uri.replace("localhost", "127.0.0.1")):
        with pytest.raises(FetchFailed, match="private ones may not"):
            fetch_keys(uri, ())
        with pytest.raises(FetchFailed, match="private ones may not"):
            fetch_keys(uri, ("10.0.0.0/8",))
    assert publisher.asked == 0
    assert fetch_keys(publisher.jwks_uri, LOOPBACK)


def test_a_proxy_of_the_environment_is_not_asked(publisher, monkeypatch):
    """It would look the name up by itself."""
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    assert fetch_keys(publisher.jwks_uri, LOOPBACK)


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda p: setattr(p, "status", 500), id="500"),
        pytest.param(lambda p: setattr(p, "status", 204), id="204"),
        pytest.param(
            lambda p: (setattr(p, "status", 302), p.headers.update(Location="https://x.example/")),
            id="a redirect",
        ),
        pytest.param(lambda p: setattr(p, "jwks", "x" * 300_000), id="too large"),
    ],
)
def test_j28_what_is_no_whole_answer_is_none(publisher, spoil: Spoil):
    spoil(publisher)
    with pytest.raises(FetchFailed):
        fetch_keys(publisher.jwks_uri, LOOPBACK)
