"""Who has to wait for how long: security R4 and V4, by a clock that stands still."""

import pytest

from issuer.protocol import throttling
from issuer.protocol.throttling import (
    FORGIVEN_AFTER,
    FREE,
    LONGEST,
    NAMES,
    Memory,
    delay,
    network,
    of_client,
    of_user,
)
from tests.builders import NOW

HERE, ELSEWHERE = "192.0.2.1", "198.51.100.7"


def alice(address=HERE):
    return of_user("alice", address)


def wait(memory, guess, now=NOW):
    return memory.failures(guess, now).wait(now)


def failing(memory, guess, times, now=NOW):
    for _ in range(times):
        memory.add(guess, now)
    return memory


def test_the_delay_grows_from_nothing_to_five_minutes():
    assert [delay(number) for number in range(FREE)] == [0] * FREE
    grown = [delay(number) for number in range(FREE, FREE + 11)]
    assert grown == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert delay(10**9) == LONGEST


def test_whoever_mistypes_four_times_waits_for_nothing():
    assert wait(failing(Memory(), alice(), FREE - 1), alice()) == 0


@pytest.mark.parametrize("later", range(4))
def test_a_wait_runs_out_by_the_clock(later):
    memory = failing(Memory(), alice(), FREE + 2)
    assert wait(memory, alice(), NOW + later) == 4 - later
    assert wait(memory, alice(), NOW + 4) == 0


def test_a_clock_that_is_set_back_makes_nobody_wait_longer_than_the_delay():
    memory = failing(Memory(), alice(), FREE + 2)
    assert wait(memory, alice(), NOW - 86_400) == 4


def test_nobody_else_waits():
    """R4: a stranger cannot lock anybody's account."""
    memory = failing(Memory(), alice(), 50)
    assert wait(memory, alice()) == LONGEST
    assert wait(memory, alice(ELSEWHERE)) == 0
    assert wait(memory, of_user("bob", HERE)) == 0
    assert wait(memory, of_client("alice", HERE)) == 0
    assert memory.knows(HERE, NOW)
    assert not memory.knows(ELSEWHERE, NOW)


@pytest.mark.parametrize("written", ["ALICE@example.com", "alice@EXAMPLE.com"])
def test_writing_a_name_in_another_way_is_no_way_around(written):
    memory = failing(Memory(), of_user("alice@example.com", HERE), FREE)
    assert wait(memory, of_user(written, HERE)) == 1


def test_a_client_id_is_another_in_another_case():
    memory = failing(Memory(), of_client("billing", HERE), FREE)
    assert wait(memory, of_client("Billing", HERE)) == 0


def test_an_hour_after_the_last_wrong_guess_all_are_forgotten():
    memory = failing(Memory(), alice(), 20)
    assert memory.failures(alice(), NOW + FORGIVEN_AFTER - 1).number == 20
    assert memory.failures(alice(), NOW + FORGIVEN_AFTER).number == 0
    assert not memory.knows(HERE, NOW + FORGIVEN_AFTER)
    assert memory.add(alice(), NOW + FORGIVEN_AFTER).number == 1


def test_being_right_forgives_what_was_wrong_and_nothing_else():
    memory = failing(failing(Memory(), alice(), 4), of_user("bob", HERE), 6)
    assert memory.forget(alice()) == 4
    assert memory.forget(alice()) == 0
    assert memory.failures(alice(), NOW).number == 0
    assert memory.failures(of_user("bob", HERE), NOW).number == 6
    assert memory.forget(of_user("bob", HERE)) == 6
    assert len(memory) == 0
    assert not memory.knows(HERE, NOW)


def test_what_others_counted_counts_here():
    memory = failing(Memory(), alice(), 1)
    assert memory.raise_to(alice(), 8, NOW).number == 8
    assert memory.raise_to(alice(), 3, NOW).number == 8  # never fewer


@pytest.mark.parametrize(
    ("address", "shared"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("64:ff9b::c000:201", "192.0.2.1"),
        ("2001:db8:0:1:aaaa::1", "2001:db8:0:1::/64"),
        ("2001:db8:0:1:ffff:ffff:ffff:ffff", "2001:db8:0:1::/64"),
        ("2001:db8:0:2::1", "2001:db8:0:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("", ""),
    ],
)
def test_who_counts_as_one(address, shared):
    """IPv6 by /64; IPv4 as IPv4 whichever way it is written; a unix socket is one."""
    assert network(address) == shared


def test_another_address_of_the_same_64_is_no_way_around():
    memory = failing(Memory(), alice("2001:db8:0:1::1"), FREE)
    assert wait(memory, alice("2001:db8:0:1:dead:beef::2")) == 1
    assert wait(memory, alice("2001:db8:0:2::1")) == 0


def test_who_tries_ever_more_names_has_to_wait_as_well():
    memory = Memory()
    for number in range(NAMES):
        memory.add(of_user(f"user{number}", HERE), NOW)
    assert wait(memory, of_user("somebody", HERE)) == 0
    for number in range(FREE):
        assert wait(memory, of_user(f"another{number}", HERE)) == 0
        memory.add(of_user(f"another{number}", HERE), NOW)
    assert wait(memory, of_user("somebody", HERE)) == 1
    assert wait(memory, of_user("user0", HERE)) == 0  # it is told apart
    assert wait(memory, of_user("somebody", ELSEWHERE)) == 0


def test_being_right_about_one_of_too_many_names_forgives_none_of_the_others():
    memory = Memory()
    for number in range(NAMES + 10):
        memory.add(of_user(f"user{number}", HERE), NOW)
    assert memory.forget(of_user("my own account", HERE)) == 0
    assert wait(memory, of_user("somebody", HERE)) > 0


def test_names_that_are_forgiven_make_room_for_others():
    memory = Memory()
    for number in range(NAMES):
        memory.add(of_user(f"user{number}", HERE), NOW)
    later = NOW + FORGIVEN_AFTER - 1
    memory.add(of_user("user0", HERE), later)
    memory.add(alice(), later + 1)
    assert len(memory) == 2


@pytest.fixture
def room(monkeypatch):
    """Little of it, so that it is soon filled."""
    monkeypatch.setattr(throttling, "CAPACITY", 256)
    return 256


def test_no_number_of_names_and_addresses_fills_the_memory(room):
    memory = Memory()
    addresses = [f"10.0.{number >> 8}.{number & 255}" for number in range(4 * room)]
    for number, address in enumerate(addresses):
        memory.add(of_client(f"client{number}", address), NOW)
    assert len(memory) == room
    assert [memory.knows(each, NOW) for each in addresses] == [False] * 3 * room + [True] * room
    for number in range(4 * room):
        memory.add(of_client(f"client{number}", HERE), NOW)
    assert len(memory) == room


def test_whoever_tries_thousands_of_names_makes_nobody_elses_be_forgotten(room):
    """One address takes no more room than its share."""
    memory = failing(Memory(), alice(), 20)
    for number in range(8 * room):
        memory.add(of_client(f"client{number}", ELSEWHERE), NOW + 1)
    assert wait(memory, alice(), NOW + 1) == LONGEST - 1
    assert len(memory) == NAMES + 2


def test_what_is_forgiven_is_dropped_with_the_next_wrong_guess():
    memory = Memory()
    for number in range(100):
        memory.add(alice(f"10.0.0.{number}"), NOW + number)
    memory.add(alice(), NOW + FORGIVEN_AFTER + 49)
    assert len(memory) == 51


def test_an_address_is_known_from_its_first_wrong_guess_until_that_is_forgiven():
    memory = Memory()
    assert not memory.knows(HERE, NOW)
    memory.add(alice(), NOW)
    assert memory.knows(HERE, NOW)
    assert not memory.knows(ELSEWHERE, NOW)
    memory.forget(alice())
    assert not memory.knows(HERE, NOW)


def test_the_shared_name_says_neither_who_nor_where():
    memory, names = Memory(), set()
    for guess in (alice(), alice(ELSEWHERE), of_client("alice", HERE), of_user("bob", HERE)):
        name = memory.shared_name(guess)
        assert name.startswith("guesses:")
        assert len(name) == 30
        names.add(name)
    assert len(names) == 4
    assert memory.shared_name(alice()) == Memory().shared_name(alice("::ffff:" + HERE))


@pytest.mark.parametrize("name", ["\ud800", "\x00", "x" * 100_000, "", "\N{ROCKET}"])
def test_any_name_at_all_can_be_counted(name):
    memory = failing(Memory(), of_user(name, HERE), FREE)
    assert wait(memory, of_user(name, HERE)) == 1
    memory = failing(Memory(), of_client(name, HERE), FREE)
    assert wait(memory, of_client(name, HERE)) == 1


def test_a_guess_does_not_show_what_was_typed():
    """B24: people type their password where their name belongs."""
    assert "hunter2" not in repr(throttling.of_user("hunter2", HERE))
