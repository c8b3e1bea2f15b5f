"""Files that describe no issuer: nothing is ever listened on (F23, F24)."""

import json
import os
import socket
from collections.abc import Callable

import pytest

from issuer.registry import secret
from tests.builders import PASSWORD_HASH, SECRET
from tests.running import RunningIssuer


def half_a_registry(issuer: RunningIssuer) -> None:
    text = issuer.registry.read_text()
    issuer.registry.write_text(text[: len(text) // 2])


def no_registry(issuer: RunningIssuer) -> None:
    issuer.registry.unlink()


def endless_zeros(issuer: RunningIssuer) -> None:
    issuer.registry.unlink()
    issuer.registry.symlink_to("/dev/zero")


def too_much(issuer: RunningIssuer) -> None:
    os.truncate(issuer.registry, 100 * 2**20)


def a_plaintext_secret(issuer: RunningIssuer) -> None:
    table = issuer.read_registry()
    table["clients"]["web"]["client_secrets"] = [{"hash": SECRET}]
    issuer.write_registry(table)


def no_ring(issuer: RunningIssuer) -> None:
    issuer.keyring.unlink()


def an_open_ring(issuer: RunningIssuer) -> None:
    issuer.keyring.chmod(0o644)


def a_ring_without_a_current_key(issuer: RunningIssuer) -> None:
    ring = json.loads(issuer.keyring.read_text())
    ring["signing_keys"][0]["activates_at"] = "2099-01-01T00:00:00Z"
    issuer.keyring.write_text(json.dumps(ring))


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (half_a_registry, "registry.json: "),
        (no_registry, "registry.json: No such file or directory"),
        (endless_zeros, "registry.json: is not a regular file"),
        (too_much, "registry.json: is larger than"),
        (a_plaintext_secret, "registry.json: clients.web.client_secrets[0].hash: must be a hash"),
        (no_ring, "keyring.json: No such file or directory"),
        (an_open_ring, "keyring.json: others than its owner can read"),
        (a_ring_without_a_current_key, "signing_keys: no key is current now"),
    ],
)
def test_files_that_are_not_good_end_the_start_before_there_is_a_socket(
    an_issuer: Callable[..., RunningIssuer], spoil: Callable[[RunningIssuer], None], named: str
):
    """F23, F24: a code that is not zero, every problem on stderr, no secret."""
    issuer = an_issuer()
    ring = issuer.keyring.read_text()
    spoil(issuer)
    process = issuer.spawn(workers=2)
    while process.poll() is None:
        assert not is_listened_on(issuer.port)
    assert process.returncode > 0
    log = issuer.log.read_text()
    assert named in log
    assert "Traceback" not in log
    for private in (SECRET, secret.sha256_hash(SECRET), PASSWORD_HASH, secret_of(ring)):
        assert private not in log


def secret_of(ring: str) -> str:
    return str(json.loads(ring)["signing_keys"][0]["d"])


def is_listened_on(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.05)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_good_files_start_it(an_issuer: Callable[..., RunningIssuer]):
    """The accepted neighbour of all of these."""
    issuer = an_issuer().start()
    assert is_listened_on(issuer.port)
