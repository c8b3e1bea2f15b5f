"""``issuer inspect`` and ``issuer revoke``, given an answer that a client could not use."""

import pytest

from issuer.cli import clock
from issuer.load import load
from tests.builders import a_code
from tests.cli.conftest import registry as registry
from tests.cli.conftest import run as run


@pytest.fixture
def server(registry, tmp_path):
    return load(registry, tmp_path / "keyring.json", clock.now())


def a_response(server, **claims):
    now = clock.now()
    said = {"iss": server.issuer, "aud": "web", "exp": now + 300, **claims}
    return server.answering_key(now, None).sign("JWT", said)


@pytest.fixture
def a_code_of(server):
    return a_code(server, now=clock.now(), scope="read")


def test_what_it_is_is_said_in_words(run, server, a_code_of):
    result = run("inspect", stdin=a_response(server, code=a_code_of, state="s"))
    assert result.exit_code == 0
    assert result.stdout.startswith("An authorization response")
    assert "Note: its code is a sealed value" in result.stdout
    assert "Note: the" not in result.stdout
    refused = run("inspect", stdin=a_response(server, error="access_denied"))
    assert refused.stdout.startswith("An authorization response")
    assert "Note" not in refused.stdout
    late = run("inspect", stdin=a_response(server, error="access_denied", exp=clock.now() - 1))
    assert (late.exit_code, "it expired" in late.stdout) == (1, True)


def test_an_id_token_is_one_still(run, server):
    assert run("inspect", stdin=a_response(server, sub="alice")).stdout.startswith("An ID token")
    assert run("inspect", stdin=a_response(server)).stdout.startswith("An ID token")


def test_to_take_it_back_is_to_take_back_its_code(run, server, a_code_of):
    code = run("revoke", "-", stdin=a_code_of)
    taken = run("revoke", "-", stdin=a_response(server, code=a_code_of))
    assert (taken.exit_code, taken.stdout, taken.stderr) == (
        code.exit_code, code.stdout, code.stderr
    )  # fmt: skip
    nothing = run("revoke", "-", stdin=a_response(server, error="access_denied"))
    assert nothing.exit_code == 1
    assert "nothing to revoke" in nothing.stderr
