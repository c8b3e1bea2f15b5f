from dataclasses import replace
from xml.etree import ElementTree

import pytest

from tests.bench import chart
from tests.bench.builds import COMPILED, PURE
from tests.bench.figures import Crowd, Rate, Series, Waits, Weight
from tests.bench.load import Load
from tests.bench.measure import Measured
from tests.bench.names import (
    CODE,
    INTROSPECTION,
    MANY,
    MILLION,
    PEER,
    REFRESH,
    SIGNING,
    TOKENS,
    WITH_KEYS,
    of,
    of_many,
)
from tests.bench.processes import Memory
from tests.bench.rates import Plan
from tests.bench.readme import section
from tests.bench.report import page

RATES = {
    SIGNING: 300.0, PEER: 25.0, TOKENS: 100.0, WITH_KEYS: 50.0, REFRESH: 85.0, CODE: 85.0,
    INTROSPECTION: 101.0, of_many(PURE.name, MANY): 95.0,
    of(COMPILED, "client_credentials"): 120.0, of(COMPILED, "refresh_token"): 102.0,
    of(COMPILED, "authorization_code"): 102.0, of_many(COMPILED, MANY): 115.0,
}  # fmt: skip
SVG = "{http://www.w3.org/2000/svg}"


def steady(name, rate, cores=1.0, tail=2.0):
    return Series(name, (Rate(rate * cores, cores, tail),) * 3)


def steadily_waiting(connections, p99, mean=0.1):
    load = Load(answers=900, seconds=2.0, mean_wait=mean, median_wait=mean, p99_wait=p99)
    return Waits(connections, (load,) * 3)


WEIGHT = Weight(1.0, Memory(resident=60.0, proportional=40.0), compiled_modules=0)
MEASURED = Measured(
    peer="a peer 1.0 on something",
    series={name: steady(name, rate) for name, rate in RATES.items()},
    weights={PURE.name: WEIGHT, COMPILED: replace(WEIGHT, compiled_modules=44)},
    crowds=(Crowd(MANY, 3.0, 800.0),),
    workers={"one": steady("one", 100.0, 0.9), "two": steady("two", 100.0, 1.5)},
    waits=(steadily_waiting(64, 0.03), steadily_waiting(512, 0.3)),
    longest_answer=0.02,
)
FACTS = {"date": "2026-11-23", "processor": "abacus, 2 cores", "Python": "a Python"}
PLAN = Plan(rounds=3, seconds=2, warm_up=1)


def test_the_page_says_which_goal_was_not_reached():
    slow = replace(
        MEASURED, weights=MEASURED.weights | {PURE.name: replace(WEIGHT, first_token=2.5)}
    )
    text = page(slow, {})
    assert "| start to first token: under 2 s | 2.50 s | **not reached** |" in text
    assert text.count("**not reached**") == 1


def test_the_page_compares_each_contender_with_the_peer_and_with_signing():
    row = "| issuer: client_credentials | 100 | 100 to 100 | 100% | 4.00 | 33.3% | 2.00 |"
    assert row in page(MEASURED, {})


def test_nobody_waits_for_bare_signatures():
    assert f"| {SIGNING} | 300 | 300 to 300 | 100% | 12.00 | 100.0% |  |" in page(MEASURED, {})


def test_the_page_says_what_was_compiled_and_what_it_weighs():
    assert "| issuer | 0 | 1.00 s | 60 MB | 40 MB |" in page(MEASURED, {})
    assert "| issuer, compiled | 44 | 1.00 s | 60 MB | 40 MB |" in page(MEASURED, {})


def test_the_page_says_what_each_client_weighs():
    assert "| 100,000 | 3.0 s | 800 B | 76 MB |" in page(MEASURED, {})


def test_workers_are_compared_by_the_time_that_they_got():
    assert "| two | 150 | 1.50 | 100 |" in page(MEASURED, {})


def test_the_page_says_how_long_those_wait_who_ask_at_once():
    assert "| 512 | 450 | 100 ms | 300 ms | 3.00 |" in page(MEASURED, {})


def test_the_readme_is_told_of_each_build_and_of_nothing_that_was_not_measured():
    text = section(MEASURED, PLAN, FACTS)
    assert "medians of 3 rounds of 2 seconds, under a Python." in text
    assert "| | tokens per second of a core | times a peer 1.0 |" in text.replace("|  |", "| |")
    assert "| **client_credentials** | 100 | 4.00 | 33.3 % |" in text
    assert "| **client_credentials, compiled** | 120 | 4.80 | 40.0 % |" in text
    assert "| client_credentials, compiled, 100,000 clients | 115 | 4.60 | 38.3 % |" in text
    assert "With 44 modules compiled, a worker starts in 1.00 s" in text
    assert "million" not in text


def test_the_readme_is_told_what_a_million_clients_take():
    many = replace(MEASURED, crowds=(*MEASURED.crowds, Crowd(MILLION, 12.0, 712.0)))
    said = "A million clients are there 12.0 s after the start, and take 712 bytes each."
    assert said in section(many, PLAN, FACTS)


def picture(text):
    return ElementTree.fromstring(text)  # noqa: S314  our own text


def test_the_chart_is_a_picture_with_a_bar_for_each_series():
    series = [MEASURED.series[name] for name in (SIGNING, PEER, TOKENS)]
    bars = picture(chart.bars("<1>", series, ours="issuer")).findall(f"{SVG}rect")
    assert [bar.get("class") for bar in bars] == ["other", "other", "ours"]
    widths = [float(bar.get("width")) for bar in bars]
    assert widths[0] == max(widths)
    assert widths[2] == pytest.approx(widths[0] / 3, abs=0.1)


def test_a_stack_is_as_long_as_its_parts_together():
    columns = {"a": {"x": 1.0, "y": 3.0}, "b": {"x": 2.0, "y": -0.1}}
    bars = picture(chart.stacked("<1>", columns, form="{:.0f}")).findall(f"{SVG}rect")
    first, second, third, nothing, *names = bars
    assert float(second.get("width")) == pytest.approx(3 * float(first.get("width")), abs=0.2)
    assert float(third.get("width")) == pytest.approx(2 * float(first.get("width")), abs=0.2)
    assert float(nothing.get("width")) == 0.0
    assert float(second.get("x")) == pytest.approx(
        float(first.get("x")) + float(first.get("width")), abs=0.2
    )
    assert [name.get("class") for name in names] == ["l0", "l1"]
