"""Codes are few, so guessing them is slow (RFC 8628 section 5.1, RFC 6819 section 5.1.4.2.3)."""

import asyncio

import pytest

from issuer.browser import device
from issuer.errors import TooManyAttempts
from issuer.protocol import throttling
from tests.builders import NOW

WRONG = "BBBBBBBB"
MINUTE = NOW // throttling.CODES_WINDOW * throttling.CODES_WINDOW


def look(home, typed, address, now=NOW):
    async def find():
        return await device.find(home.store, home.server, typed, now)

    return home.run(home.guard.looking_up(address, now, find))


def right(home, now=NOW):
    return home.begin(now=now)["user_code"].replace("-", "")


def test_after_five_wrong_codes_an_address_waits_longer_each_time(home):
    code = right(home)
    for _ in range(throttling.FREE):
        assert look(home, WRONG, "192.0.2.1") is None
    for now, wait in ((NOW, 1), (NOW + 1, 2), (NOW + 3, 4)):
        with pytest.raises(TooManyAttempts) as refused:
            look(home, code, "192.0.2.1", now)
        assert refused.value.retry_after == wait
        assert look(home, WRONG, "192.0.2.1", now + wait) is None
    assert look(home, code, "192.0.2.2") is not None
    assert look(home, code, "192.0.2.1", NOW + 15) is not None


def test_a_right_code_of_ones_own_forgives_no_wrong_ones(home):
    code = right(home)
    for _ in range(throttling.FREE):
        assert look(home, code, "192.0.2.1") is not None
        assert look(home, WRONG, "192.0.2.1") is None
    with pytest.raises(TooManyAttempts):
        look(home, code, "192.0.2.1")


def test_a_network_counts_as_one_address(home):
    """A /64 of IPv6 is one household's, to pick from as it likes."""
    code = right(home)
    for last in range(throttling.FREE):
        assert look(home, WRONG, f"2001:db8::{last}") is None
    with pytest.raises(TooManyAttempts):
        look(home, code, "2001:db8::ffff")
    assert look(home, code, "2001:db8:0:1::1") is not None


def test_many_at_once_are_counted_before_the_next_is_let_in(home):
    async def find():
        await asyncio.sleep(0.01)

    async def all_at_once():
        looks = [home.guard.looking_up("192.0.2.1", NOW, find) for _ in range(40)]
        return await asyncio.gather(*looks, return_exceptions=True)

    answers = home.run(all_at_once())
    assert answers.count(None) == throttling.FREE
    assert {type(each) for each in answers if each is not None} == {TooManyAttempts}


def test_many_addresses_together_are_slowed_down_as_well_wherever_they_ask(homes):
    """A net of many machines, at two replicas; and a minute later people can go on."""
    one, other = homes(), homes()
    code = right(one, MINUTE)
    for number in range(throttling.CODES):
        home = (one, other)[number % 2]
        assert look(home, WRONG, f"198.51.{number // 250}.{number % 250}", MINUTE + 1) is None
    for home in (one, other):
        with pytest.raises(TooManyAttempts) as refused:
            look(home, code, "192.0.2.77", MINUTE + 2)
        assert refused.value.retry_after == throttling.CODES_WINDOW - 2
    assert look(one, code, "192.0.2.77", MINUTE + throttling.CODES_WINDOW) is not None
