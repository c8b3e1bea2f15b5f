"""The measurement of the feed measures."""

from tests.bench import feed


def test_each_revocation_costs_some_fifty_bytes(tmp_path):
    none, some = feed.row(0, tmp_path), feed.row(100, tmp_path)
    assert 50 <= (some.size - none.size) / 100 <= 60
    assert some.packed < some.size
    assert some.verifier > none.verifier
