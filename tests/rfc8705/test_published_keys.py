"""Section 2.2: a client that publishes its own certificate, or its key, at its ``jwks_uri``."""

import asyncio
import json

import pytest
from msgspec.structs import replace

from issuer.errors import TemporarilyUnavailable
from issuer.protocol.form import Form
from issuer.serving.published_keys import PublishedKeys
from keys.fetching import Document, FetchFailed
from keys.key_set import REFETCH_INTERVAL
from tests.asking import a_request_of, ask
from tests.builders import NOW, a_client
from tests.rfc8705.certificates import BILLING, STRANGER, certified
from tests.rfc8705.test_client_auth import a_jwk, a_server, x5c

URI = "https://app.example/jwks.json"
CLIENT = a_client(
    "billing",
    token_endpoint_auth_method="self_signed_tls_client_auth",
    client_secrets=(),
    jwks_uri=URI,
)
SERVER = a_server(CLIENT, trusted=None)
FORM = Form({"grant_type": ("client_credentials",), "client_id": ("billing",)})


class World:
    """A clock, and what is found at the URI."""

    def __init__(self, *keys):
        self.now, self.keys, self.asked = NOW, keys, 0
        self.published = PublishedKeys(clock=lambda: self.now, fetch=self._fetch)

    def _fetch(self, uri, _):
        assert uri == URI
        self.asked += 1
        if self.keys is None:
            raise FetchFailed(f"{uri} answered 500")
        return Document(json.dumps({"keys": [*self.keys]}).encode(), None)

    def answer(self, found, form=FORM):
        """What comes of a token request over a connection with this certificate."""
        der = found and found.der

        async def keys():
            return await self.published.of(SERVER, form, der)

        request = a_request_of(client_id=None, now=self.now)
        request = replace(request, form=form, certificate=der, client_keys=asyncio.run(keys()))
        return ask(SERVER, request)


@pytest.mark.parametrize("jwk", [a_jwk(BILLING), a_jwk(BILLING, **x5c(BILLING))])
def test_its_key_is_fetched_when_it_comes(jwk):
    world = World(jwk)
    assert world.answer(BILLING).status == 200
    assert world.answer(BILLING).status == 200
    assert world.asked == 1
    assert world.answer(STRANGER).status == 401
    assert world.answer(BILLING).status == 200


def test_a_client_changes_its_certificate_without_a_word_to_us():
    """A new one has its key fetched; one that is nobody's, at most now and then."""
    world, new = World(a_jwk(BILLING)), certified()
    assert world.answer(BILLING).status == 200
    world.keys = (a_jwk(new),)
    assert world.answer(new).status == 401
    world.now += REFETCH_INTERVAL
    assert world.answer(new).status == 200
    for _ in range(5):
        assert world.answer(STRANGER).status == 401
    assert world.asked == 2
    assert world.answer(BILLING).status == 401
    assert world.answer(new).status == 200


def test_nobody_is_refused_for_what_cannot_be_fetched():
    world = World()
    world.keys = None
    with pytest.raises(TemporarilyUnavailable):
        world.answer(BILLING)
    world.keys = (a_jwk(BILLING),)
    world.now += 60
    assert world.answer(BILLING).status == 200


def test_nothing_is_fetched_for_who_shows_no_certificate():
    world = World(a_jwk(BILLING))
    assert world.answer(None).status == 401
    assert world.asked == 0
    assert world.answer(BILLING).status == 200
