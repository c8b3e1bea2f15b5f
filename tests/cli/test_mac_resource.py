"""``issuer resource add --mac`` and ``rotate``: the key pair of a resource server."""

import json
import os
import stat
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from issuer.cli import clock
from issuer.registry import Registry, parse
from issuer.token import OFFERED
from keys.mac.key_wrapping import DecryptionKeys, EncryptionKey, generate_key, public_jwk

URI = "https://pay.example"
MAC_KEY = "bXk0c2VjcmV0LW1hYy1rZXktb2YtMzItYnl0ZXMtISE"
HOUR = 3600
CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def private(tmp_path: Path) -> Path:
    """Where the private half goes; nothing is there yet."""
    return tmp_path / "pay.jwks.json"


@pytest.fixture
def add(run, registry):
    """Adds the mac resource."""
    return lambda *options: run("resource", "add", URI, "--scope", "pay", "--mac", *options)


@pytest.fixture
def rotate(run, registry):
    """Rotates its key."""
    return lambda *options: run("resource", "rotate", URI, *options)


@pytest.fixture
def at(monkeypatch):
    """Sets the clock of the command."""
    now = clock.now()
    return lambda later: monkeypatch.setattr(clock, "now", lambda: now + later) or now + later


def read(path: Path) -> Registry:
    return parse({path.name: path.read_bytes()}, OFFERED)


def keys_in(path: Path, uri: str = URI) -> tuple:
    return read(path).resources[uri].jwks.keys


def opens(private_jwks: dict[str, Any], path: Path, now: int) -> bool:
    """Whether what the issuer encrypts at ``now`` is for a holder of these private keys."""
    text = read(path).resources[URI].encryption_key(now).wrap(MAC_KEY, "1")
    return DecryptionKeys.from_jwks(private_jwks).unwrap(text, "1", now) == MAC_KEY.encode()


def test_a_resource_has_a_name_for_people(run, registry):
    run("resource", "add", "https://invoices.example/v1", "--scope", "pay", "--name", "Invoices")
    run("resource", "add", "https://other.example/v1/", "--scope", "pay")
    run("resource", "add", "urn:example:api", "--scope", "pay")
    names = {uri: each.name for uri, each in read(registry).resources.items()}
    assert names["https://invoices.example/v1"] == "Invoices"
    assert names["https://other.example/v1/"] == "other.example/v1"
    assert names["urn:example:api"] == "urn:example:api"


def test_a_mac_resource_gets_a_key_pair(add, registry):
    before = registry.read_text()
    result = add()
    assert result.exit_code == 0
    assert opens(json.loads(result.stdout), registry, clock.now())
    (jwk,) = json.loads(result.stdout)["keys"]
    assert jwk["d"] not in registry.read_text() + result.stderr
    record = tomllib.loads(registry.read_text())["resources"][URI]
    assert record == {
        "scopes": ["pay"], "access_token_type": "mac", "jwks": {"keys": [public_jwk(jwk)]},
    }  # fmt: skip
    assert set(before.splitlines()) < set(registry.read_text().splitlines())


def test_the_private_half_can_go_to_a_file(run, add, registry, private):
    result = add("--private-key", str(private))
    assert (result.exit_code, result.stdout) == (0, "")
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert opens(json.loads(private.read_text()), registry, clock.now())
    DecryptionKeys.from_file(private)
    assert run("check").exit_code == 0


@pytest.mark.parametrize("crv", ["X25519", "P-256"])
def test_the_curve_can_be_chosen(add, registry, crv):
    assert json.loads(add("--curve", crv).stdout)["keys"][0]["crv"] == crv
    assert keys_in(registry)[0].crv == crv


def test_a_curve_that_is_not_offered_is_refused(add, registry):
    before = registry.read_bytes()
    assert add("--curve", "P-384").exit_code == 2
    assert registry.read_bytes() == before


def test_a_file_is_never_overwritten(add, registry, private):
    private.write_text("mine")
    before = registry.read_bytes()
    result = add("--private-key", str(private))
    assert result.exit_code == 1
    assert result.stderr == f"{private}: File exists\nNothing was changed.\n"
    assert private.read_text() == "mine"
    assert registry.read_bytes() == before


@pytest.mark.parametrize("command", ["add", "rotate"])
def test_without_a_place_for_the_file_nothing_is_written(add, rotate, registry, private, command):
    if command == "rotate":
        add()
    before = registry.read_bytes()
    nowhere = private.parent / "none" / "pay.json"
    result = {"add": add, "rotate": rotate}[command]("--private-key", str(nowhere))
    assert result.exit_code == 1
    assert result.stderr == f"{nowhere}: No such file or directory\nNothing was changed.\n"
    assert registry.read_bytes() == before


@pytest.mark.parametrize("uri", ["no uri", "https://api.example"])
def test_without_a_resource_no_file_is_made(run, registry, private, uri):
    result = run("resource", "add", uri, "--mac", "--private-key", str(private))
    assert result.exit_code == 1
    assert not private.exists()


@pytest.mark.parametrize("options", [["--private-key", "pay.jwks.json"], ["--curve", "P-256"]])
def test_a_bearer_resource_has_no_key_pair(run, registry, private, options):
    result = run("resource", "add", URI, *options)
    assert result.exit_code == 2
    assert "--private-key and --curve are for --mac alone" in result.stderr
    assert not private.exists()
    assert run("resource", "add", URI, "--mac", *options).exit_code == 0


def test_the_next_key_takes_over_after_the_delay(add, rotate, registry, at):
    first = json.loads(add().stdout)
    now = at(0)
    result = rotate("--in", "1h")
    assert result.exit_code == 0
    assert "the new key is used in 60 minutes, at " in result.stderr
    following = json.loads(result.stdout)
    assert opens(first, registry, now + HOUR - 1)
    assert opens(following, registry, now + HOUR)


def test_the_delay_is_a_day_if_nobody_says(add, rotate, registry, at):
    add()
    now = at(0)
    rotate()
    assert keys_in(registry)[1].not_before == now + 24 * HOUR


def test_a_delay_of_nothing_is_at_once(add, rotate, registry, at):
    add()
    now = at(0)
    result = rotate("--in", "0")
    assert "the new key is used at once." in result.stderr
    assert opens(json.loads(result.stdout), registry, now)


def test_a_second_rotation_waits_for_the_first(add, rotate, registry, private, at):
    add("--private-key", str(private))
    at(0)
    rotate("--in", "1h", "--private-key", str(private))
    before = registry.read_bytes(), private.read_bytes()
    at(HOUR - 1)
    refused = rotate("--private-key", str(private))
    assert refused.exit_code == 1
    assert "has a next key already, used from " in refused.stderr
    assert (registry.read_bytes(), private.read_bytes()) == before
    at(HOUR)
    assert rotate("--private-key", str(private)).exit_code == 0


def test_a_superseded_key_is_taken_out(add, rotate, registry, at):
    add()
    kids = [keys_in(registry)[0].kid]
    for rotation in range(3):
        at(rotation * 2 * HOUR)
        kids += [json.loads(rotate("--in", "1h").stdout)["keys"][0]["kid"]]
        assert [each.kid for each in keys_in(registry)] == kids[-2:]


def test_the_file_keeps_every_private_half(add, rotate, registry, private, at):
    """A token lives on under the key that it was minted for."""
    add("--private-key", str(private))
    (first,) = json.loads(private.read_text())["keys"]
    old = EncryptionKey.from_jwk(public_jwk(first)).wrap(MAC_KEY, "1")
    held = DecryptionKeys.from_file(private)
    now = at(0)
    result = rotate("--in", "1h", "--private-key", str(private))
    assert (result.exit_code, result.stdout) == (0, "")
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    new = read(registry).resources[URI].encryption_key(now + HOUR).wrap(MAC_KEY, "1")
    for text in (new, old):
        assert held.unwrap(text, "1", now + HOUR) == MAC_KEY.encode()


def test_a_file_that_is_not_there_is_made(add, rotate, registry, private):
    add()
    rotate("--private-key", str(private))
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert json.loads(private.read_text())["keys"][0]["kid"] == keys_in(registry)[1].kid


@pytest.mark.parametrize(
    ("content", "mode", "why"),
    [
        pytest.param("{}", 0o600, "a JWKS has an array of keys", id="no JWKS"),
        pytest.param("no", 0o600, "Expecting value", id="no JSON"),
        pytest.param(None, 0o644, "others than its owner can read", id="open to others"),
    ],
)
def test_a_file_that_holds_something_else_is_left_alone(
    add, rotate, registry, private, content, mode, why
):
    add("--private-key", str(private))
    private.write_text(private.read_text() if content is None else content)
    private.chmod(mode)
    before = registry.read_bytes(), private.read_bytes()
    result = rotate("--private-key", str(private))
    assert result.exit_code == 1
    assert why in result.stderr
    assert (registry.read_bytes(), private.read_bytes()) == before


def test_the_next_key_is_on_the_curve_of_the_last(add, rotate, registry, at):
    """A resource server may know no other."""
    add("--curve", "P-256")
    at(0)
    rotate("--in", "0")
    assert {each.crv for each in keys_in(registry)} == {"P-256"}
    at(1)
    rotate("--in", "0", "--curve", "X25519")
    assert keys_in(registry)[1].crv == "X25519"


@pytest.mark.parametrize(
    ("uri", "sentence"),
    [
        ("https://api.example", "takes Bearer tokens, which have no key"),
        ("https://api.exampel", 'did you mean "https://api.example"?'),
    ],
)
def test_only_a_mac_resource_has_keys_to_rotate(run, registry, private, uri, sentence):
    before = registry.read_bytes()
    result = run("resource", "rotate", uri, "--private-key", str(private))
    assert result.exit_code == 1
    assert sentence in result.stderr
    assert registry.read_bytes() == before
    assert not private.exists()


def test_the_command_that_check_names_makes_the_first_key(run, registry):
    uri = "https://api.example"
    line = f'[resources."{uri}"]  # the API\n'
    registry.write_text(registry.read_text().replace(line, line + 'access_token_type = "mac"\n'))
    refused = run("check")
    assert refused.exit_code == 1
    command = refused.output.split("`")[1]
    assert command == f"issuer resource rotate {uri}"
    done = run(*command.split()[1:])
    assert done.exit_code == 0
    assert "the new key is used at once." in done.stderr
    assert keys_in(registry, uri)[0].not_before is None
    assert run("check").exit_code == 0
    assert "# the API" in registry.read_text()


def test_keys_can_be_an_array_of_tables(rotate, registry, at):
    at(0)
    jwk = public_jwk(generate_key())
    members = "".join(f'{name} = "{value}"\n' for name, value in jwk.items())
    text = f'[resources."{URI}"]\naccess_token_type = "mac"\n\n[[resources."{URI}".jwks.keys]]\n'
    registry.write_text(f"{registry.read_text()}\n{text}{members}# my comment\n")
    assert rotate("--in", "0").exit_code == 0
    at(1)
    assert rotate("--in", "0").exit_code == 0
    assert jwk["kid"] not in registry.read_text()
    assert len(keys_in(registry)) == 2


@pytest.mark.parametrize(
    ("jwks", "problem"),
    [
        ("{ keys = [{ not_before = 'soon' }] }", "jwks.keys[0].kty: is missing"),
        ("{ keys = [3] }", "jwks.keys[0]: must be a table"),
        ("{ keys = 3 }", "jwks.keys: must be a list in brackets"),
        ("{ kyes = [] }", 'jwks.kyes: unknown key; did you mean "keys"?'),
        ("3", "jwks: must be a table"),
    ],
)
def test_what_is_no_jwk_set_is_refused_in_the_registrys_own_words(
    rotate, registry, private, jwks, problem
):
    text = f'[resources."{URI}"]\naccess_token_type = "mac"\njwks = {jwks}\n'
    registry.write_text(f"{registry.read_text()}\n{text}")
    before = registry.read_bytes()
    result = rotate("--private-key", str(private))
    assert result.exit_code == 1
    assert f'resources."{URI}".{problem}' in result.stderr
    assert result.stderr.endswith("Nothing was changed.\n")
    assert registry.read_bytes() == before
    assert not private.exists()


def test_a_json_registry_can_be_rotated(run, tmp_path, at):
    at(0)
    path = tmp_path / "r.json"
    path.write_text('{"issuer": {"url": "https://issuer.example"}}')
    for _ in range(2):
        command = "add" if URI not in path.read_text() else "rotate"
        options = ["--mac"] if command == "add" else []
        assert run("--registry", str(path), "resource", command, URI, *options).exit_code == 0
    first, second = keys_in(path)
    assert (first.not_before, second.not_before) == (None, clock.now() + 24 * HOUR)


def test_rotations_at_the_same_time_lose_no_private_half(registry, private, run):
    """The file of the private halves is changed under the lock of the registry."""
    uris = [f"https://{number}.example" for number in range(4)]
    for uri in uris:
        run("resource", "add", uri, "--mac")
    command = [sys.executable, "-m", "issuer", "resource", "rotate", "--private-key", str(private)]
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT)}
    running = [
        subprocess.Popen(
            [*command, uri], cwd=registry.parent, env=environment, stderr=subprocess.DEVNULL
        )
        for uri in uris
    ]
    assert [each.wait(30) for each in running] == [0] * len(uris)
    held = {each["kid"] for each in json.loads(private.read_text())["keys"]}
    assert held == {keys_in(registry, uri)[1].kid for uri in uris}
