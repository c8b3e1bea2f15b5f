"""When the feed is signed: when somebody asks and it says more, and not once per request."""

import asyncio
from dataclasses import replace

import pytest

from issuer.errors import TemporarilyUnavailable
from issuer.feed import MAX_AGE, PERIOD, Feed, Signed
from issuer.server import AuthorizationServer
from keys import feed as feeds
from keys.access_tokens import MAX_LEEWAY
from keys.ring import KeyRing
from tests.builders import ISSUER, NOW, RING, a_registry, a_server
from tests.feed.builders import a_revocation, a_worker

LONGEST = 600 + MAX_LEEWAY


class Worker:
    """The feed of one worker, the clock and the files of which a test sets."""

    def __init__(self, ring: KeyRing = RING) -> None:
        self.now = NOW
        self.server = a_server(ring=ring)
        self.remembered = a_worker(None)
        self.remembered.heard_at = NOW
        self.feed = Feed(self.remembered, server=lambda: self.server, clock=lambda: self.now)

    def remember(self, *revocations) -> None:
        self.remembered.revocations = {each.name: each for each in revocations}

    def signed(self) -> Signed:
        return asyncio.run(self.feed.signed())

    def read(self) -> feeds.Feed:
        return read(self.signed().text, self.server, self.now)


def read(text: bytes, server: AuthorizationServer, now: int = NOW) -> feeds.Feed:
    """As a resource server reads it."""
    keys = server.ring.verification_keys(now)
    return feeds.read(text.decode(), ISSUER, lambda kid, _: keys.get(kid), now)


def test_a_resource_server_reads_what_was_revoked():
    worker = Worker()
    worker.remember(a_revocation())
    assert worker.read() == feeds.Feed(NOW, {"token:t1": NOW + 960})


def test_it_is_signed_once_while_it_says_the_same():
    worker = Worker()
    first = worker.signed()
    worker.remembered.heard_at += PERIOD - 1
    assert worker.signed() is first
    worker.remembered.heard_at += 1
    assert worker.signed() is not first


def test_it_is_signed_again_where_something_was_revoked():
    worker = Worker()
    first = worker.signed()
    worker.remember(a_revocation())
    second = worker.signed()
    assert second.etag != first.etag
    assert worker.read().lines == {"token:t1": NOW + 960}
    assert worker.signed() is second


@pytest.mark.parametrize("algs", [("ES256",), ("EdDSA",), ("RS256",)])
def test_two_replicas_sign_the_same_text(algs):
    ring = KeyRing.new(algs[0], NOW - 100)
    one, other = Worker(ring), Worker(ring)
    other.remembered.heard_at += PERIOD - 1
    for each in (one, other):
        each.remember(a_revocation("token:t1"), a_revocation("token:t2"))
    assert one.signed().text == other.signed().text
    assert one.signed().etag == other.signed().etag


def test_many_who_ask_at_once_have_it_signed_once():
    worker = Worker()

    async def scenario() -> set[int]:
        signed = await asyncio.gather(*(worker.feed.signed() for _ in range(50)))
        return {id(each) for each in signed}

    assert len(asyncio.run(scenario())) == 1


def test_a_new_registry_and_a_new_key_are_heard_of_at_once():
    worker = Worker()
    worker.signed()
    worker.server = AuthorizationServer.of(a_registry(not_before=NOW), RING)
    assert worker.read().lines == {"issuer": NOW}
    worker.server = replace(worker.server, ring=KeyRing.new("EdDSA", NOW))
    assert worker.read().lines == {"issuer": NOW}


def test_what_was_issued_before_lifetimes_were_cut_is_listed_as_long_as_it_lives():
    worker = Worker()
    worker.server = AuthorizationServer.of(a_registry(access_token_lifetime=3600), RING)
    worker.remember(a_revocation(lasts=86_400))
    worker.signed()
    worker.server = AuthorizationServer.of(a_registry(access_token_lifetime=60), RING)
    worker.now = worker.remembered.heard_at = NOW + 3000
    assert worker.read().lines == {"token:t1": NOW + 86_400}


def test_nobody_can_say_before_the_store_was_heard():
    worker = Worker()
    worker.remembered.heard_at = None
    with pytest.raises(TemporarilyUnavailable) as refused:
        worker.signed()
    assert refused.value.retry_after == 5
    assert refused.value.detail == "revocations: the store was not heard yet"


def test_without_a_store_it_goes_on_and_says_since_when(caplog):
    """``iat`` is when the store was heard, and not when it was signed."""
    worker = Worker()
    worker.remember(a_revocation())
    worker.now = NOW + LONGEST - 1
    assert worker.read().issued_at == NOW
    worker.now = NOW + LONGEST
    with pytest.raises(TemporarilyUnavailable) as refused:
        worker.signed()
    assert refused.value.detail == "revocations: the store was heard too long ago"
    worker.remembered.heard_at = worker.now
    assert worker.read().issued_at == worker.now


def test_without_a_current_key_it_cannot_be_signed_and_what_was_is_kept():
    worker = Worker()
    worker.server = AuthorizationServer.of(a_registry(), KeyRing.new("ES256", NOW + 100))
    with pytest.raises(TemporarilyUnavailable):
        worker.signed()
    worker.now = worker.remembered.heard_at = NOW + 100
    assert worker.read()


def test_it_may_be_kept_for_less_than_it_is_good():
    assert MAX_AGE < LONGEST
