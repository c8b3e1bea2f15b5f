"""``python -m tests.faults --short``: every fault once, and what must hold all the while."""

import subprocess
import sys

import pytest

from tests import redis_server
from tests.faults import balancer
from tests.running import CHECKOUT


@pytest.mark.skipif(not balancer.is_installed(), reason="haproxy is not installed")
@pytest.mark.parametrize("store", ["none", "sqlite", "redis"])
def test_whatever_fails_nothing_is_accepted_twice_and_nothing_good_is_lost(store):
    """F1, F7, F8, F10, F13, F15; I1 to I5."""
    if store == "redis" and not redis_server.PROGRAM:
        pytest.skip("no redis-server is installed")
    command = [sys.executable, "-m", "tests.faults", "--short", "--only", f"{store}:"]
    done = subprocess.run(
        command, cwd=CHECKOUT, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"| {store}: a worker killed every 2 s |" in done.stdout
