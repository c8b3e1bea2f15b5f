"""``issuer keys``."""

import json
import stat
from pathlib import Path

from keys.ring import KeyRing


def ring(tmp_path: Path) -> KeyRing:
    return KeyRing.parse((tmp_path / "keyring.json").read_bytes())


def test_the_list_has_a_row_for_each_key_and_no_key_in_it(run, registry, tmp_path):
    stdout = run("keys", "list").stdout
    heading, signing, sealing = stdout.splitlines()
    assert heading.split()[:4] == ["kid", "use", "alg", "state"]
    assert signing.split()[1:4] == ["signing", "ES256", "current"]
    assert sealing.split()[1:4] == ["sealing", "A256GCMSIV", "current"]
    held = json.loads((tmp_path / "keyring.json").read_text())
    assert held["signing_keys"][0]["d"] not in stdout
    assert held["sealing_keys"][0]["k"] not in stdout


def test_rotating_adds_a_successor_to_each_and_says_when_it_takes_over(run, registry, tmp_path):
    result = run("keys", "rotate", "--alg", "EdDSA", "--activate-in", "1h")
    assert result.exit_code == 0
    assert "take over in 60 minutes" in result.stderr
    assert [key.alg for key in ring(tmp_path).signing_keys] == ["EdDSA", "ES256"]
    assert len(ring(tmp_path).sealing_keys) == 2
    assert stat.S_IMODE((tmp_path / "keyring.json").stat().st_mode) == 0o600
    assert [line.split()[3] for line in run("keys", "list").stdout.splitlines()[1:]] == [
        "next",
        "current",
        "next",
        "current",
    ]
    assert run("check").exit_code == 0


def test_one_kind_of_key_can_be_rotated_alone(run, registry, tmp_path):
    run("keys", "rotate", "--signing")
    assert (len(ring(tmp_path).signing_keys), len(ring(tmp_path).sealing_keys)) == (2, 1)


def test_the_other_kind_too(run, registry, tmp_path):
    run("keys", "rotate", "--sealing")
    assert (len(ring(tmp_path).signing_keys), len(ring(tmp_path).sealing_keys)) == (1, 2)


def test_a_successor_that_comes_too_soon_is_refused(run, registry, tmp_path):
    before = (tmp_path / "keyring.json").read_bytes()
    result = run("keys", "rotate", "--activate-in", "10s")
    assert result.exit_code == 1
    assert "left as it is" in result.stderr
    assert (tmp_path / "keyring.json").read_bytes() == before


def test_a_second_successor_is_refused(run, registry):
    run("keys", "rotate")
    assert "already waiting" in run("keys", "rotate").stderr


def test_export_prints_public_members_only(run, registry, tmp_path):
    (key,) = json.loads(run("keys", "export").stdout)["keys"]
    assert key["kid"] == ring(tmp_path).signing_keys[0].kid
    assert key["use"] == "sig"
    assert "d" not in key
