import pytest

from tests.bench.figures import Rate, Series, interleaved


def series(name, *rates):
    """A series of a contender that had its core for itself."""
    return Series(name, tuple(Rate(rate, 1.0) for rate in rates))


def test_a_disturbed_round_does_not_move_the_median():
    assert series("a", 100, 101, 3).median == 100.0


def test_half_a_core_for_half_the_answers_is_the_same_rate():
    disturbed, idle = Series("a", (Rate(50.0, 0.5),)), series("a", 100)
    assert disturbed.median == idle.median
    assert disturbed.cores == 0.5


def test_a_ratio_compares_rates_of_the_same_round():
    """The machine was half as fast in the second round: the ratio does not show it."""
    ours, theirs = series("ours", 300, 150, 310), series("theirs", 100, 50, 100)
    assert ours.over(theirs) == 3.0


def test_series_of_different_runs_are_not_compared():
    with pytest.raises(ValueError, match="shorter"):
        series("a", 1, 2).over(series("b", 1))


def test_each_round_measures_everybody_and_begins_with_another():
    order = []

    def contender(name):
        def rate():
            order.append(name)
            return Rate(float(len(order)), 1.0)

        return rate

    measured = interleaved({name: contender(name) for name in "abc"}, rounds=3)
    assert "".join(order) == "abc" + "bca" + "cab"
    assert measured["a"] == series("a", 1, 6, 8)
