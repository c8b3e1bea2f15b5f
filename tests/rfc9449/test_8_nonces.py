"""RFC 9449 section 8: nonces that follow from the clock, so that replicas accept each other's."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys import Nonces
from keys.dpop_nonce import LIFETIME
from tests.keys.builders import NOW

SECRET = b"s" * 32
NONCES = Nonces(SECRET)
BEGINS = NOW - NOW % LIFETIME
"""The first second of a window."""


def test_all_who_have_the_secret_give_out_and_accept_the_same():
    assert Nonces(SECRET).current(NOW) == NONCES.current(NOW)
    assert Nonces(SECRET).accepts(NONCES.current(NOW), NOW)


def test_nobody_else_does():
    """P27: the nonce of a foreign server."""
    for others in (Nonces(b"t" * 32), Nonces(SECRET + b"t")):
        assert not NONCES.accepts(others.current(NOW), NOW)
    assert NONCES.accepts(NONCES.current(NOW), NOW)


def test_a_nonce_is_good_for_one_to_two_lifetimes_and_stale_after_that():
    first = NONCES.current(BEGINS)
    assert NONCES.current(BEGINS + LIFETIME - 1) == first
    assert NONCES.current(BEGINS + LIFETIME) != first
    assert NONCES.accepts(first, BEGINS + 2 * LIFETIME - 1)
    assert not NONCES.accepts(first, BEGINS + 2 * LIFETIME)


def test_a_replica_whose_clock_is_behind_accepts_what_the_others_give_out():
    assert NONCES.accepts(NONCES.current(BEGINS), BEGINS - LIFETIME)
    assert not NONCES.accepts(NONCES.current(BEGINS), BEGINS - LIFETIME - 1)


def test_a_nonce_can_stand_in_a_header_field_and_a_challenge():
    """Section 8.1: NQCHAR."""
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", NONCES.current(NOW))


@given(st.one_of(st.text(), st.just("é"), st.just("\ud800"), st.none()))
def test_other_texts_are_not_accepted_and_do_no_harm(text):
    assert not NONCES.accepts(text, NOW)
    assert NONCES.accepts(NONCES.current(NOW), NOW)


@pytest.mark.parametrize("changes", [{"secret": b"x" * 31}, {"lifetime": 9}, {"lifetime": 3601}])
def test_what_makes_no_sense_is_said_at_once(changes):
    with pytest.raises(ValueError, match="nonce"):
        Nonces(**{"secret": SECRET, **changes})
    assert Nonces(SECRET, 10)


def test_the_secret_is_not_shown():
    assert "sss" not in repr(NONCES)
