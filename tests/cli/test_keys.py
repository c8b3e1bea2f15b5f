"""``issuer keys``."""

import json
import stat
from pathlib import Path

import pytest

from keys.ring import KeyRing


def ring(tmp_path: Path) -> KeyRing:
    return KeyRing.parse((tmp_path / "keyring.json").read_bytes())


def test_the_list_has_a_row_for_each_key_and_no_key_in_it(run, registry, tmp_path):
    stdout = run("keys", "list").stdout
    heading, *rows = (line.split() for line in stdout.splitlines())
    assert heading[:4] == ["kid", "use", "alg", "state"]
    assert [row[1:4] for row in rows] == [
        ["signing", "ES256", "current"],
        ["signing", "RS256", "current"],
        ["sealing", "A256GCMSIV", "current"],
    ]
    held = json.loads((tmp_path / "keyring.json").read_text())
    assert held["signing_keys"][0]["d"] not in stdout
    assert held["sealing_keys"][0]["k"] not in stdout


def test_rotating_adds_a_successor_to_each_and_says_when_it_takes_over(run, registry, tmp_path):
    result = run("keys", "rotate", "--alg", "EdDSA", "--activate-in", "1h")
    assert result.exit_code == 0
    assert "take over in 60 minutes" in result.stderr
    algs = [key.alg for key in ring(tmp_path).signing_keys]
    assert algs == ["EdDSA", "RS256", "ES256", "RS256"]
    assert len(ring(tmp_path).sealing_keys) == 2
    assert stat.S_IMODE((tmp_path / "keyring.json").stat().st_mode) == 0o600
    states = [line.split()[3] for line in run("keys", "list").stdout.splitlines()[1:]]
    assert states == ["next", "next", "current", "current", "next", "current"]
    assert run("check").exit_code == 0


def test_one_kind_of_key_can_be_rotated_alone(run, registry, tmp_path):
    run("keys", "rotate", "--signing")
    assert (len(ring(tmp_path).signing_keys), len(ring(tmp_path).sealing_keys)) == (4, 1)


def test_the_other_kind_too(run, registry, tmp_path):
    run("keys", "rotate", "--sealing")
    assert (len(ring(tmp_path).signing_keys), len(ring(tmp_path).sealing_keys)) == (2, 2)


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
    exported = json.loads(run("keys", "export").stdout)["keys"]
    assert [key["kid"] for key in exported] == [key.kid for key in ring(tmp_path).signing_keys]
    for key in exported:
        assert key["use"] == "sig"
        assert "d" not in key


def test_an_algorithm_is_added_and_used_later(run, registry, tmp_path):
    result = run("keys", "add", "--alg", "EdDSA")
    assert result.exit_code == 0
    assert "the key is used in 15 minutes" in result.stderr
    assert [key.alg for key in ring(tmp_path).signing_keys] == ["ES256", "RS256", "EdDSA"]
    assert run("keys", "list").stdout.splitlines()[3].split()[2:4] == ["EdDSA", "next"]
    assert run("check").exit_code == 0


@pytest.mark.parametrize("command", ["add", "rotate"])
def test_whoever_chooses_ps256_is_told_what_it_costs(run, registry, command):
    """A code that is redeemed again, where no store refuses it, yields other tokens."""
    said = (
        "Note: no two signatures by PS256 are the same here: without a replay_store, a code that "
        "is redeemed again yields other tokens, with the same claims.\n"
    )
    assert run("keys", command, "--alg", "PS256").stderr.endswith(said)
    assert "No two signatures by PS256 are the same" in run("keys", "add", "--help").stdout


@pytest.mark.parametrize("alg", ["RS256", "EdDSA", "ES256"])
def test_whoever_chooses_another_algorithm_is_told_nothing(run, registry, alg):
    assert "Note" not in run("keys", "rotate", "--alg", alg).stderr


def test_an_algorithm_is_added_at_once_where_nobody_has_fetched_keys(run, registry):
    assert "can be used" in run("keys", "add", "--alg", "EdDSA", "--at-once").stderr
    assert run("keys", "list").stdout.splitlines()[3].split()[2:4] == ["EdDSA", "current"]
    assert "(EdDSA), until the next rotation" in run("check").stdout


@pytest.mark.parametrize(
    ("arguments", "why"),
    [(["RS256"], "there is a key for RS256"), (["EdDSA", "--activate-in", "10s"], "360 s before")],
)
def test_an_algorithm_that_is_not_added_changes_nothing(run, registry, tmp_path, arguments, why):
    before = (tmp_path / "keyring.json").read_bytes()
    result = run("keys", "add", "--alg", *arguments)
    assert result.exit_code == 1
    assert "left as it is" in result.stderr
    assert why in result.stderr
    assert (tmp_path / "keyring.json").read_bytes() == before


def ask_who_users_are(registry: Path, alg: str) -> None:
    """Has client web ask for ID tokens that are signed by ``alg``."""
    text = registry.read_text().replace('scope = "read write"', 'scope = "read openid"')
    line = f'id_token_signed_response_alg = "{alg}"\n'
    registry.write_text(text.replace("[clients.web]\n", f"[clients.web]\n{line}"))


def test_nor_does_one_that_signs_the_answers_to_a_client(run, registry):
    """JARM section 3."""
    text = registry.read_text()
    line = 'authorization_signed_response_alg = "ES256"\n'
    registry.write_text(text.replace("[clients.web]\n", f"[clients.web]\n{line}"))
    refused = run("keys", "rotate", "--alg", "EdDSA")
    assert 'the authorization responses to client "web" are signed by ES256' in refused.stderr
    registry.write_text(
        text.replace("[clients.web]\n", f"[clients.web]\n{line}".replace("ES", "PS"))
    )
    wrong = 'no PS256 key is current now, and the authorization responses to client "web"'
    assert wrong in run("check").stderr
    assert run("keys", "add", "--alg", "PS256", "--at-once").exit_code == 0
    assert run("check").exit_code == 0


def test_a_ring_without_a_key_for_somebodys_id_tokens_is_refused(run, registry):
    ask_who_users_are(registry, "RS256")
    assert run("check").exit_code == 0
    registry.write_text(registry.read_text().replace("RS256", "EdDSA"))
    wrong = 'no EdDSA key is current now, and the ID tokens of client "web" are signed by one'
    refused = run("check")
    assert refused.exit_code == 1
    assert refused.stderr == f"key ring: {wrong}; `issuer keys add --alg EdDSA`\n"
    run("keys", "add", "--alg", "EdDSA")
    assert wrong in run("check").stderr


def test_what_the_refusal_names_puts_it_right(run, registry):
    ask_who_users_are(registry, "EdDSA")
    run("keys", "add", "--alg", "EdDSA", "--at-once")
    assert run("check").exit_code == 0


def test_an_algorithm_that_id_tokens_need_does_not_go(run, registry, tmp_path):
    ask_who_users_are(registry, "ES256")
    before = (tmp_path / "keyring.json").read_bytes()
    refused = run("keys", "rotate", "--alg", "EdDSA")
    assert refused.exit_code == 1
    assert 'the ID tokens of client "web" are signed by ES256' in refused.stderr
    assert (tmp_path / "keyring.json").read_bytes() == before
    assert run("keys", "rotate").exit_code == 0
    assert run("check").exit_code == 0
