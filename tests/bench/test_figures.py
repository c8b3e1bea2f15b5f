import pytest

from tests.bench.figures import Series, interleaved


def test_a_disturbed_round_does_not_move_the_median():
    assert Series("a", (100.0, 101.0, 3.0)).median == 100.0


def test_a_ratio_compares_rates_of_the_same_round():
    """The machine was half as fast in the second round: the ratio does not show it."""
    ours, theirs = Series("ours", (300.0, 150.0, 310.0)), Series("theirs", (100.0, 50.0, 100.0))
    assert ours.over(theirs) == 3.0


def test_series_of_different_runs_are_not_compared():
    with pytest.raises(ValueError, match="shorter"):
        Series("a", (1.0, 2.0)).over(Series("b", (1.0,)))


def test_each_round_measures_everybody_and_begins_with_another():
    order = []

    def contender(name):
        def rate():
            order.append(name)
            return float(len(order))

        return rate

    series = interleaved({name: contender(name) for name in "abc"}, rounds=3)
    assert "".join(order) == "abc" + "bca" + "cab"
    assert series["a"] == Series("a", (1.0, 6.0, 8.0))
