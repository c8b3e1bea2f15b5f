"""``issuer login-key``: the key of a login application."""

import json
import re
import tomllib

import pytest

from keys.jwks import read_jwks


def registered(result):
    """What the printed lines put into the registry."""
    lines = re.findall(r"^login_\w+ = .*$", result.stderr, re.MULTILINE)
    return tomllib.loads("\n".join(lines))


@pytest.mark.parametrize("alg", ["ES256", "RS256", "PS256", "EdDSA"])
def test_it_prints_the_private_half_once_and_the_line_for_the_registry(run, alg):
    result = run("login-key", "--alg", alg)
    private = json.loads(result.stdout)
    (public,) = read_jwks(registered(result)["login_jwks"]).values()
    assert (public.kid, public.algorithm.name) == (private["kid"], alg)
    assert private["d"] not in result.stderr


def test_it_writes_the_private_half_for_its_owner_alone_and_over_nothing(run, tmp_path):
    path = tmp_path / "login.jwk.json"
    result = run("login-key", "--private-key", str(path))
    assert (result.exit_code, result.stdout) == (0, "")
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text())["kid"] in result.stderr
    again = run("login-key", "--private-key", str(path))
    assert again.exit_code == 1
    assert "exists" in again.stderr
