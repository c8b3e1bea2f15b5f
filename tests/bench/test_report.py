from dataclasses import replace
from xml.etree import ElementTree

import pytest

from tests.bench import chart
from tests.bench.figures import Rate, Series, Waits
from tests.bench.goals import goals
from tests.bench.load import Load
from tests.bench.measure import (
    CODE,
    CROWDED,
    INTROSPECTION,
    PEER,
    REFRESH,
    SIGNING,
    TOKENS,
    WITH_KEYS,
    Measured,
)
from tests.bench.processes import Memory
from tests.bench.report import page

RATES = {
    SIGNING: 400.0, PEER: 40.0, TOKENS: 100.0, WITH_KEYS: 50.0, REFRESH: 80.0, CODE: 75.0,
    CROWDED: 96.0, INTROSPECTION: 101.0,
}  # fmt: skip


def steady(name, rate, cores=1.0):
    return Series(name, (Rate(rate * cores, cores),) * 3)


def steadily_waiting(connections, p99, mean=0.1):
    load = Load(answers=900, seconds=2.0, mean_wait=mean, p99_wait=p99)
    return Waits(connections, (load,) * 3)


MEASURED = Measured(
    peer="a peer 1.0",
    series={name: steady(name, rate) for name, rate in RATES.items()},
    worker=Memory(resident=60.0, proportional=40.0),
    workers={"one": steady("one", 100.0, 0.9), "two": steady("two", 100.0, 1.5)},
    waits=(steadily_waiting(64, 0.03), steadily_waiting(512, 0.3)),
    first_token=1.0,
    longest_answer=0.02,
)


def slower(name):
    """The same figures, but for one that is a tenth slower."""
    return replace(MEASURED, series=MEASURED.series | {name: steady(name, RATES[name] * 0.9)})


def missed(measured):
    return [goal.claim for goal in goals(measured) if not goal.is_reached]


def test_a_goal_that_is_just_met_is_reached():
    assert missed(MEASURED) == []


@pytest.mark.parametrize(("name", "claim"), [
    (REFRESH, "refresh_token: 75% of client_credentials"),
    (CODE, "authorization_code: 75% of client_credentials"),
    (INTROSPECTION, "introspect: as fast as client_credentials"),
    (CROWDED, "100,000 clients: 95% of the rate with few"),
])  # fmt: skip
def test_a_slow_contender_misses_its_own_goal_only(name, claim):
    assert missed(slower(name)) == [claim]


def test_who_waits_far_longer_than_the_others_misses_a_goal():
    waits = (*MEASURED.waits, steadily_waiting(256, 0.31))
    claim = "256 connections at once: p99 at most 3 times the mean wait"
    assert missed(replace(MEASURED, waits=waits)) == [claim]


def test_the_page_says_which_goal_was_not_reached():
    text = page(replace(MEASURED, first_token=2.5), {"date": "2026-11-23"})
    assert "| start to first token: under 2 s | 2.50 s | **not reached** |" in text
    assert text.count("| reached |") == 10


def test_the_page_compares_each_contender_with_the_peer_and_with_signing():
    row = "| issuer: client_credentials | 100 | 100 to 100 | 100% | 2.50 | 25.0% |"
    assert row in page(MEASURED, {})


def test_workers_are_compared_by_the_time_that_they_got():
    assert "| two | 150 | 1.50 | 100 |" in page(MEASURED, {})


def test_the_page_says_how_long_those_wait_who_ask_at_once():
    assert "| 512 | 450 | 100 ms | 300 ms | 3.00 |" in page(MEASURED, {})


def test_the_chart_is_a_picture_with_a_bar_for_each_series():
    text = chart.bars("<1>", list(MEASURED.series.values()), ours="issuer")
    picture = ElementTree.fromstring(text)  # noqa: S314  our own text
    bars = picture.findall("{http://www.w3.org/2000/svg}rect")
    assert [bar.get("class") for bar in bars] == ["other"] * 2 + ["ours"] * 6
    widths = [float(bar.get("width")) for bar in bars]
    assert widths[0] == max(widths)
    assert widths[2] == pytest.approx(widths[0] / 4, abs=0.1)
