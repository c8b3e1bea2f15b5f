"""The feed's claims, as a function of what is remembered, the registry and the time."""

from types import MappingProxyType

import pytest

from issuer.feed import MAX_AGE, PERIOD, Lines, claims
from issuer.remembered import INTERVAL
from keys.access_tokens import MAX_LEEWAY
from keys.fetching import TIMEOUT
from keys.revocations import LEAST_INTERVAL, LEAST_STALE_AFTER, MAX_INTERVAL
from tests.builders import API, ISSUER, NOW, a_client, a_registry, a_resource, a_user
from tests.feed.builders import a_line, a_revocation

LIFETIME = 600
MATTERS = LIFETIME + MAX_LEEWAY
"""Seconds for which it matters that something was issued."""

DAY = 86_400


def feed(*revocations, now: int = NOW, registry=None) -> dict:
    lines = Lines.of(a_registry() if registry is None else registry)
    by_name = MappingProxyType({each.name: each for each in revocations})
    return claims(ISSUER, lines, by_name, now)


def listed(*revocations, **options) -> dict:
    return feed(*revocations, **options)["revocations"]


def test_it_says_whose_it_is_and_from_when_to_when():
    assert NOW % PERIOD == 0
    assert feed() == {"iss": ISSUER, "iat": NOW, "exp": NOW + MATTERS, "revocations": {}}


@pytest.mark.parametrize("now", [NOW, NOW + 1, NOW + PERIOD - 1])
def test_it_is_the_same_for_a_while(now):
    assert feed(a_revocation(), now=now) == feed(a_revocation())
    assert feed(now=NOW + PERIOD) != feed()


@pytest.mark.parametrize("name", ["token:t1", "grant:g1"])
def test_it_lists_one_token_or_grant_for_as_long_as_an_access_token_lives(name):
    revocation = a_revocation(name, lasts=30 * DAY)
    for after in (0, MATTERS - PERIOD):
        assert listed(revocation, now=NOW + after) == {name: NOW + 30 * DAY}
    assert listed(revocation, now=NOW + MATTERS) == {}


@pytest.mark.parametrize("name", ["user:alice", "client:web"])
def test_it_lists_a_line_until_what_was_issued_before_has_expired(name):
    assert listed(a_line(name), now=NOW + MATTERS - PERIOD) == {name: NOW + 1}
    assert listed(a_line(name), now=NOW + MATTERS + PERIOD) == {}


def test_it_says_nothing_of_what_no_access_token_names():
    assert listed(a_revocation("session:s1")) == {}


def test_its_names_stand_in_their_order_whoever_knew_them_first():
    one, other = a_revocation("token:a"), a_revocation("token:b")
    assert list(listed(one, other)) == list(listed(other, one)) == ["token:a", "token:b"]


@pytest.mark.parametrize(
    ("registry", "name"),
    [
        pytest.param(lambda at: a_registry(not_before=at), "issuer", id="the issuer's"),
        pytest.param(lambda at: a_registry(a_client(not_before=at)), "client:web", id="a client's"),
        pytest.param(
            lambda at: a_registry(users=(a_user(not_before=at),)), "user:alice", id="a user's"
        ),
        pytest.param(
            lambda at: a_registry(users=(a_user(sub="248", not_before=at),)),
            "user:248", id="of a user with another sub",
        ),
    ],
)  # fmt: skip
def test_it_lists_the_lines_of_the_registry_as_long_as_they_matter(registry, name):
    assert listed(registry=registry(NOW - 5)) == {name: NOW - 5}
    assert listed(registry=registry(NOW - MATTERS + 1)) == {name: NOW - MATTERS + 1}
    assert listed(registry=registry(NOW - MATTERS)) == {}
    assert listed(registry=registry(NOW + 5)) == {name: NOW + 5}


@pytest.mark.parametrize(
    "registry",
    [
        pytest.param(lambda: a_registry(blocked_subjects=("alice",)), id="blocked"),
        pytest.param(lambda: a_registry(users=(a_user(active=False),)), id="switched off"),
    ],
)
def test_it_lists_who_is_refused_for_as_long_as_the_registry_says_so(registry):
    for now in (NOW, NOW + 365 * DAY):
        assert listed(registry=registry(), now=now) == {"user:alice": now + MATTERS}
    assert listed(registry=a_registry()) == {}


def test_of_two_lines_of_one_name_the_later_is_listed():
    registry = a_registry(users=(a_user(not_before=NOW - 9),))
    assert listed(a_line(), registry=registry) == {"user:alice": NOW + 1}
    assert listed(a_line(at=NOW - 99), registry=registry) == {"user:alice": NOW - 9}
    blocked = a_registry(blocked_subjects=("alice",))
    assert listed(a_line(), registry=blocked) == {"user:alice": NOW + MATTERS}


@pytest.mark.parametrize(
    "registry",
    [
        lambda: a_registry(access_token_lifetime=3600),
        lambda: a_registry(a_client(access_token_lifetime=3600)),
    ],
)
def test_whose_tokens_live_longest_says_how_long_something_matters(registry):
    revocation = a_revocation(lasts=DAY)
    assert listed(revocation, registry=registry(), now=NOW + 3600) == {"token:t1": NOW + DAY}
    assert feed(registry=registry())["exp"] == NOW + 3600 + MAX_LEEWAY


def test_a_revoked_token_is_refused_within_a_minute():
    """The sum: a worker hears of it, what it said before runs out everywhere, and is asked for."""
    a_cache_between_had_just_asked = MAX_AGE
    assert MAX_AGE <= MAX_INTERVAL
    assert INTERVAL + a_cache_between_had_just_asked + LEAST_INTERVAL + TIMEOUT < 60


def test_a_feed_is_never_stale_where_all_is_well():
    age = INTERVAL + PERIOD + MAX_AGE + LEAST_INTERVAL + TIMEOUT
    assert age < LEAST_STALE_AFTER


def test_a_resource_of_short_tokens_shortens_nothing():
    assert a_resource(API, access_token_lifetime=60).access_token_lifetime == 60
    assert Lines.of(a_registry()).longest == LIFETIME
