"""Federations that publish their keys: found, kept, rolled (J28), and never confused."""

import asyncio
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from issuer.errors import TemporarilyUnavailable
from issuer.protocol.form import Form
from issuer.serving.published_keys import PublishedKeys, fetch_keys
from keys.fetching import Document, FetchFailed
from keys.key_set import DEFAULT_FRESHNESS, MAX_STALENESS, REFETCH_INTERVAL
from tests.builders import NOW, a_server
from tests.federation.asking import as_client, as_grant
from tests.federation.tokens import GITHUB, a_federation, a_workload, github, gitlab, token
from tests.rfc7523.keys import KID, OTHERS, a_jwks, a_public_jwk
from tests.rfc7523.publishing import publishing

DOCUMENT = f"{GITHUB}/.well-known/openid-configuration"
KEYS_AT = f"{GITHUB}/.well-known/jwks"
GITLAB_AT = "https://gitlab.example/keys"
RULES = (
    {"federation": "github", "subject": github()["sub"]},
    {"federation": "gitlab", "subject": gitlab()["sub"]},
)
SERVER = a_server(
    a_workload("deploy", *RULES),
    federations=(
        a_federation("github", jwks=None),
        a_federation("gitlab", jwks=None, jwks_uri=GITLAB_AT),
        a_federation("cluster"),
        a_federation("google", jwks=None),
    ),
)


class World:
    """A clock, and what is found where."""

    def __init__(self) -> None:
        self.now = NOW
        self.found: dict[str, Any] = {
            DOCUMENT: {"issuer": GITHUB, "jwks_uri": KEYS_AT},
            KEYS_AT: a_jwks(a_public_jwk("RS256")),
            GITLAB_AT: a_jwks(a_public_jwk("RS256", key=OTHERS["RS256"])),
        }
        self.asked: list[str] = []
        self.published = PublishedKeys(clock=lambda: self.now, fetch=self._fetch)

    def _fetch(self, uri: str, networks: tuple[str, ...]) -> Document:
        self.asked.append(uri)
        if uri not in self.found:
            raise FetchFailed(f"{uri} answered 500")
        return Document(json.dumps(self.found[uri]).encode(), None)

    async def ask(self, **parameters: str) -> Any:
        form = Form.parse(urlencode(parameters).encode())
        return await self.published.of_federations(SERVER, form)

    async def settled(self) -> None:
        while self.published._under_way:
            await asyncio.sleep(0.005)


@pytest.fixture
def world():
    made = World()
    yield made
    made.published._threads.shutdown(wait=True)


@pytest.mark.parametrize("place", [as_client, as_grant])
def test_they_are_found_by_discovery_and_then_at_hand(world, place):
    async def story():
        for _ in range(3):
            keys = await world.ask(**place(token()))
            assert keys["github"].find(KID, "RS256")
        assert world.asked == [DOCUMENT, KEYS_AT]

    asyncio.run(story())


def test_each_federation_has_its_own_where_one_request_has_tokens_of_two(world):
    """P26: what GitLab signs is never verified by GitHub's keys, nor the other way round."""

    async def story():
        both = as_client(token()) | {"assertion": token(gitlab(), key=OTHERS["RS256"])}
        keys = await world.ask(**both)
        assert set(keys) == {"github", "gitlab"}
        assert keys["github"] != keys["gitlab"]

    asyncio.run(story())


def test_nothing_is_asked_for_whom_nobody_listed(world):
    async def story():
        for parameters in (
            as_grant(token(github(iss="https://evil.example"))),
            as_grant(token(github(iss="https://169.254.169.254/"))),
            as_grant(token(github(iss="https://accounts.google.com"))),  # no client has a rule
            as_grant("x"),
            {},
        ):
            assert await world.ask(**parameters) == {}
        assert world.asked == []

    asyncio.run(story())


@pytest.mark.parametrize(
    "document",
    [
        {"issuer": "https://evil.example", "jwks_uri": KEYS_AT},
        {"issuer": f"{GITHUB}/", "jwks_uri": KEYS_AT},
        {"jwks_uri": KEYS_AT},
        {"issuer": GITHUB},
        {"issuer": GITHUB, "jwks_uri": "http://169.254.169.254/keys"},
        {"issuer": GITHUB, "jwks_uri": "file:///etc/passwd"},
        {"issuer": GITHUB, "jwks_uri": ["https://a.example"]},
        [],
        "x",
    ],
    ids=str,
)
def test_j16_a_discovery_document_that_is_anothers_leads_nowhere(world, document):
    async def story():
        world.found[DOCUMENT] = document
        with pytest.raises(TemporarilyUnavailable):
            await world.ask(**as_grant(token()))
        assert world.asked == [DOCUMENT]
        world.found[DOCUMENT] = {"issuer": GITHUB, "jwks_uri": KEYS_AT}
        world.now += REFETCH_INTERVAL
        assert await world.ask(**as_grant(token()))

    asyncio.run(story())


def test_j28_keys_roll_and_one_that_is_made_up_is_not_asked_for_again(world):
    async def story():
        await world.ask(**as_grant(token()))
        world.now += REFETCH_INTERVAL
        world.found[KEYS_AT] = a_jwks(a_public_jwk("RS256"), a_public_jwk("RS256", kid="next"))
        keys = await world.ask(**as_grant(token(kid="next")))
        assert keys["github"].find("next", "RS256")
        asked = len(world.asked)
        for number in range(50):
            await world.ask(**as_grant(token(kid=f"made-up-{number}")))
        assert len(world.asked) == asked

    asyncio.run(story())


def test_the_last_keys_serve_while_the_issuer_is_down_and_not_for_ever(world):
    async def story():
        await world.ask(**as_grant(token()))
        world.found.clear()
        world.now += DEFAULT_FRESHNESS
        assert await world.ask(**as_grant(token()))
        await world.settled()
        assert await world.ask(**as_grant(token()))
        world.now += MAX_STALENESS
        with pytest.raises(TemporarilyUnavailable) as refused:
            await world.ask(**as_grant(token()))
        assert refused.value.retry_after >= 1
        assert refused.value.description.startswith("The keys of the federation")

    asyncio.run(story())


def test_an_address_inside_is_asked_where_the_registry_names_its_network_alone(tmp_path: Path):
    """SSRF: discovery leads to no loopback, link-local or private address."""
    with publishing(tmp_path) as (publisher, _):
        with pytest.raises(FetchFailed):
            fetch_keys(publisher.jwks_uri, ())
        assert publisher.asked == 0
