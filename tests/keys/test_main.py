"""``python -m keys``: what a person is told."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from keys.__main__ import main
from tests.keys.builders import (
    AUDIENCE,
    OTHER_KEY,
    a_signed_token,
    a_token,
    an_issuer_server,
)

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def issuer():
    with an_issuer_server() as server:
        server.describe(server.url)
        yield server


def a_fresh_token(issuer, *args, **changes) -> str:
    now = int(time.time())
    return a_token(*args, **{"iss": issuer.url, "iat": now, "exp": now + 600, **changes})


def run(capsys, *arguments: str) -> tuple[int, str]:
    code = main(arguments)
    return code, capsys.readouterr().out


def test_a_valid_token_is_explained(issuer, capsys):
    code, told = run(capsys, issuer.url, a_fresh_token(issuer), "--audience", AUDIENCE)
    assert code == 0
    assert told.splitlines()[:-1] == [
        "valid       an access token",
        f"issuer      {issuer.url}",
        "subject     alice",
        "client      billing",
        f"audience    {AUDIENCE}",
        "scope       read write",
    ]
    assert told.splitlines()[-1].startswith(("expires     in 5", "expires     in 600 "))


@pytest.mark.parametrize("method", ["jkt", "x5t#S256"])
def test_what_a_token_is_bound_to_is_told(issuer, capsys, method):
    """And that it is good for nothing alone; of what is not understood nobody can say it is."""
    code, told = run(capsys, issuer.url, a_fresh_token(issuer, cnf={method: "x" * 43}))
    assert code == 0
    line = told.splitlines()[-1]
    assert line.startswith("bound to    the ")
    assert line.endswith(f", {'x' * 43}")
    assert ("DPoP" in line) == (method == "jkt")
    code, told = run(capsys, issuer.url, a_fresh_token(issuer, cnf={"jwk": {}}))
    assert (code, told.split()[0]) == (1, "refused")


def test_a_revoked_token_is_refused_where_that_is_asked_for(issuer, capsys):
    now = int(time.time())
    with an_issuer_server() as other:
        other.describe(other.url, revocations_uri=f"{other.url}/revocations")
        other.revoke({"token:t2": now + 900}, iat=now, exp=now + 900)
        code, told = run(capsys, other.url, a_fresh_token(other), "--revocations")
        assert (code, told.splitlines()[-1]) == (0, "revoked     no")
        code, told = run(capsys, other.url, a_fresh_token(other, jti="t2"), "--revocations")
        assert (code, told) == (1, "refused     revoked, by its token\n")
        assert run(capsys, other.url, a_fresh_token(other, jti="t2"))[0] == 0
    code, told = run(capsys, issuer.url, a_fresh_token(issuer), "--revocations")
    assert (code, told.partition("announces no")[0]) == (
        2, f"cannot say  the revocations of the issuer: {issuer.url} ",
    )  # fmt: skip


def test_without_an_audience_it_is_said_that_it_is_not_checked(issuer, capsys):
    for aud in ("https://other.example", ["https://other.example"]):
        code, told = run(capsys, issuer.url, a_fresh_token(issuer, aud=aud))
        assert code == 0
        assert "audience    https://other.example (not checked)" in told


def test_a_client_that_acts_for_itself_is_said_to_do_so(issuer, capsys):
    _, told = run(capsys, issuer.url, a_fresh_token(issuer, sub="billing", scope=""))
    assert "subject     billing (the client itself)" in told
    assert "scope       none" in told


def test_a_token_within_the_leeway_is_said_to_be(issuer, capsys):
    code, told = run(capsys, issuer.url, a_fresh_token(issuer, exp=int(time.time()) - 9))
    assert code == 0
    assert "s ago, within the leeway" in told


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"exp": 1}, "expired "),
        ({"aud": "https://other.example"}, "aud is 'https://other.example'"),
        ({"cnf": {}}, "cnf is not one confirmation"),
        ({"cnf": {"jwk": {}}}, "bound to a key in a way"),
    ],
)
def test_a_refused_token_is_refused_with_its_reason(issuer, capsys, changes, why):
    code, told = run(capsys, issuer.url, a_fresh_token(issuer, **changes), "--audience", AUDIENCE)
    assert code == 1
    assert told.startswith(f"refused     {why}")


@pytest.mark.parametrize("token", ["x", "a.b.c", "e30.e30.e30"])
def test_what_is_no_token_is_refused(issuer, capsys, token):
    assert run(capsys, issuer.url, token)[0] == 1


@pytest.mark.parametrize("payload", [b"x", b'{"aud":["a","b"]}', b'{"aud":""}', b"{}"])
def test_a_token_without_one_audience_is_refused(issuer, capsys, payload):
    assert run(capsys, issuer.url, a_signed_token(None, payload))[0] == 1


def test_a_forged_token_is_refused(issuer, capsys):
    code, told = run(capsys, issuer.url, a_fresh_token(issuer, OTHER_KEY))
    assert (code, told) == (1, "refused     no key of the issuer has its kid\n")


def test_a_missing_scope_is_a_refusal(issuer, capsys):
    token = a_fresh_token(issuer)
    assert run(capsys, issuer.url, token, "--scope", "read write")[0] == 0
    code, told = run(capsys, issuer.url, token, "--scope", "read admin")
    assert code == 1
    assert told.endswith("refused     needs admin read, has read write\n")


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "http://issuer.example", "issuer"])
def test_without_the_keys_of_the_issuer_nothing_can_be_said(issuer, capsys, url):
    code, told = run(capsys, url, a_fresh_token(issuer))
    assert code == 2
    assert told.startswith("cannot say  ")


def test_a_terminal_is_not_written_to_by_a_token(issuer, capsys):
    _, told = run(capsys, issuer.url, a_fresh_token(issuer, scope="\x1b[2Jread"))
    assert "\x1b" not in told


@pytest.mark.parametrize("text", ["%s", " %s\n", '{"access_token": "%s", "token_type": "Bearer"}'])
def test_the_token_or_the_answer_that_brought_it_can_be_piped_in(issuer, text):
    command = [sys.executable, "-m", "keys", issuer.url, "--audience", AUDIENCE]
    text %= a_fresh_token(issuer)
    told = subprocess.run(
        command, input=text, capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.startswith("valid")


@pytest.mark.parametrize("answer", ['{"error":"invalid_client"}', "{", '{"access_token":1}'])
def test_an_answer_without_a_token_says_nothing(issuer, capsys, answer):
    assert run(capsys, issuer.url, answer)[0] == 2
