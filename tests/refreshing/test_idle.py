"""Security B26: a refresh token that nobody uses expires, where that is registered."""

import pytest

from tests.asking import a_refresh_token, refresh
from tests.builders import NOW, a_client, a_server
from tests.families import a_family, a_rotating_server, a_spa

HOUR = 3600
DAY = 86_400
IDLE = {"refresh_token_idle_lifetime": HOUR}


@pytest.mark.parametrize(
    ("age", "is_good"),
    [
        pytest.param(HOUR - 1, True, id="in the last second"),
        pytest.param(HOUR, False, id="one second late"),
        pytest.param(HOUR + 9, False, id="within what would be the grace, had it been used"),
        pytest.param(DAY, False, id="a day late"),
    ],
)
@pytest.mark.parametrize("client_id", ["spa", "web"])
def test_a_refresh_token_is_good_until_it_lay_unused_for_too_long(
    tmp_path, client_id, age, is_good
):
    with a_family(tmp_path, client_id=client_id, **IDLE) as family:
        held = family.first()
        assert (family.refresh(held, NOW + age).status == 200) == is_good
        # However often it is asked: that it lay too long is no theft, and ends nothing else.
        if not is_good:
            again = [family.refresh(held, NOW + age + later) for later in (0, 1, 20)]
            assert {each.error for each in again} == {"invalid_grant"}
            assert not any("revoked" in each.log["detail"] for each in again)


@pytest.mark.parametrize("client_id", ["spa", "web"])
def test_using_it_moves_that_end_and_never_the_grants(tmp_path, client_id):
    """Security B26: the absolute lifetime stands."""
    lifetimes = {"refresh_token_lifetime": 3 * HOUR} | IDLE
    with a_family(tmp_path, client_id=client_id, **lifetimes) as family:
        held = family.first()
        for minutes in (50, 100, 150, 179):
            held = family.next(held, NOW + minutes * 60)
        assert family.opened(held).expires_at == NOW + 3 * HOUR
        assert family.refresh(held, NOW + 3 * HOUR).error == "invalid_grant"


def test_without_it_only_the_grants_own_end_counts():
    server = a_server(refresh_token_lifetime=30 * DAY)
    assert refresh(server, a_refresh_token(server), now=NOW + 30 * DAY - 1).status == 200


def test_the_clients_own_comes_before_the_issuers():
    server = a_server(a_client(refresh_token_idle_lifetime=2 * HOUR), **IDLE)
    held = a_refresh_token(server)
    assert refresh(server, held, now=NOW + 2 * HOUR - 1).status == 200
    assert refresh(server, held, now=NOW + 2 * HOUR).error == "invalid_grant"


def test_who_keeps_a_refresh_token_gets_the_same_grant_with_a_later_end():
    """The older one stays good until its own end: a lost answer loses nothing. No store needed."""
    server = a_server(**IDLE)
    first = a_refresh_token(server)
    second = str(refresh(server, first, now=NOW + 600).body["refresh_token"])
    assert second != first
    assert refresh(server, first, now=NOW + HOUR - 1).status == 200
    assert refresh(server, first, now=NOW + HOUR).error == "invalid_grant"
    assert refresh(server, second, now=NOW + 600 + HOUR - 1).status == 200
    assert refresh(server, second, now=NOW + 600 + HOUR).error == "invalid_grant"


def test_the_grace_holds_in_the_last_moments_of_the_idle_time(tmp_path):
    """F9: used in time, the answer lost, asked again when the token itself has expired."""
    with a_family(tmp_path, **IDLE) as family:
        held = family.first()
        second = family.next(held, NOW + HOUR - 2)
        assert [family.next(held, NOW + HOUR + later) for later in (0, 5, 7)] == [second] * 3
        assert family.refresh(held, NOW + HOUR + 8).error == "invalid_grant", "the grace is over"


def test_the_grants_own_end_has_no_grace(tmp_path):
    with a_family(tmp_path, refresh_token_lifetime=HOUR) as family:
        held = family.first()
        family.next(held, NOW + HOUR - 1)
        late = family.refresh(held, NOW + HOUR)
        assert (late.error, late.log["detail"]) == ("invalid_grant", "refresh token: expired")


def test_it_holds_for_what_is_made_from_then_on(tmp_path):
    """Registering it logs out nobody: who refreshes gets one that knows of it."""
    with a_family(tmp_path) as family:
        held = family.first()
        family.server = a_rotating_server(**IDLE)
        second = family.next(held, NOW + DAY)
        assert family.refresh(second, NOW + DAY + HOUR).error == "invalid_grant"


def test_taking_it_out_again_gives_back_the_grants_own_end(tmp_path):
    with a_family(tmp_path, a_spa(), **IDLE) as family:
        held = family.first()
        family.server = a_rotating_server(a_spa())
        second = family.next(held, NOW + HOUR - 1)
        assert family.refresh(second, NOW + DAY).status == 200
