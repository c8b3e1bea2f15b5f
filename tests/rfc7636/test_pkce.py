"""RFC 7636: proof key for code exchange, S256 and nothing else."""

import pytest

from issuer.browser.authorize import AuthorizationRequest, issue_code
from issuer.errors import InvalidGrant, InvalidRequest
from issuer.protocol import pkce
from tests.asking import redeem, told
from tests.builders import CALLBACK, CHALLENGE, NOW, VERIFIER, a_client, a_code, a_server

LONGEST = "a" * 128
WITHOUT = {"code_challenge": None, "code_challenge_method": None}


def test_the_vector_of_the_rfc_is_met():
    """RFC 7636 appendix B."""
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert pkce.s256(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    pkce.verify("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", verifier)


@pytest.mark.parametrize(
    "verifier",
    [
        pytest.param("a" * 43, id="43 characters"),
        pytest.param("a" * 128, id="128 characters"),
        pytest.param("-._~" * 11, id="every unreserved mark"),
        pytest.param("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", id="alnum"),
    ],
)
def test_a_verifier_of_the_grammar_is_taken(verifier):
    """RFC 7636 section 4.1."""
    pkce.verify(pkce.s256(verifier), verifier)


@pytest.mark.parametrize(
    "verifier",
    [
        pytest.param("a" * 42, id="42 characters"),
        pytest.param("a" * 129, id="129 characters"),
        pytest.param("", id="empty"),
        pytest.param("a" * 43 + "=", id="padding"),
        pytest.param("a" * 43 + "+", id="a plus"),
        pytest.param("a" * 43 + "/", id="a slash"),
        pytest.param("a" * 43 + " ", id="a blank"),
        pytest.param("a" * 43 + "\n", id="a line feed behind"),
        pytest.param("a" * 43 + "\0", id="a NUL behind"),
        pytest.param("a" * 43 + "\u00e4", id="beyond ASCII"),
        pytest.param("\u0661" * 43, id="digits of another script"),
    ],
)
def test_a_verifier_beyond_the_grammar_is_refused_even_if_it_would_match(verifier):
    """RFC 7636 section 4.1; security P14."""
    with pytest.raises(InvalidGrant):
        pkce.verify(pkce.s256(verifier), verifier)


def _changed(text: str, at: int) -> str:
    return text[:at] + ("b" if text[at] != "b" else "c") + text[at + 1 :]


@pytest.mark.parametrize(
    "verifier",
    [
        pytest.param(_changed(VERIFIER, 0), id="another first character"),
        pytest.param(_changed(VERIFIER, -2), id="another character near the end"),
        pytest.param(VERIFIER.upper(), id="upper case"),
        pytest.param(VERIFIER + "a", id="one character more"),
        pytest.param(VERIFIER[:-1], id="one character less"),
        pytest.param(CHALLENGE, id="the challenge itself (plain)"),
        pytest.param(None, id="none"),
        pytest.param("", id="an empty one, which counts as none"),
        pytest.param("short", id="a short one"),
    ],
)
def test_a_verifier_that_does_not_answer_is_refused_in_the_same_words(verifier):
    """RFC 7636 section 4.6; security P14, P16, P24."""
    server = a_server()
    assert redeem(server, code_verifier=VERIFIER).status == 200
    assert told(redeem(server, code_verifier=verifier)) == (
        400,
        {
            "error": "invalid_grant",
            "error_description": "The code_verifier does not answer the code_challenge.",
        },
        {},
    )


def test_a_code_is_no_good_with_the_verifier_of_another():
    """Security P16: a code injected into another session."""
    server = a_server()
    other = "another-verifier-that-is-long-enough-to-be-one"
    mine, theirs = a_code(server), a_code(server, code_challenge=pkce.s256(other))
    assert redeem(server, theirs, code_verifier=VERIFIER).error == "invalid_grant"
    assert redeem(server, mine, code_verifier=VERIFIER).status == 200


def test_a_verifier_without_a_challenge_is_refused():
    """RFC 9700 section 4.8.2: somebody may have taken the challenge out. Security P14."""
    server = a_server(a_client(require_pkce=False))
    given = {"redirect_uri": CALLBACK}
    code = a_code(server, **WITHOUT)
    assert redeem(server, code, code_verifier=None, **given).status == 200
    assert redeem(server, code, code_verifier=VERIFIER, **given).error == "invalid_grant"


def test_a_challenge_is_binding_for_a_client_that_need_not_send_one():
    server = a_server(a_client(require_pkce=False))
    code = a_code(server)
    assert redeem(server, code).status == 200
    assert redeem(server, code, code_verifier=None, redirect_uri=CALLBACK).error == "invalid_grant"


def test_a_code_without_challenge_is_refused_once_the_client_requires_pkce():
    code = a_code(a_server(a_client(require_pkce=False)), **WITHOUT)
    given = {"code_verifier": None, "redirect_uri": CALLBACK}
    assert redeem(a_server(a_client(require_pkce=False)), code, **given).status == 200
    assert redeem(a_server(), code, **given).error == "invalid_grant"


@pytest.mark.parametrize(
    ("given", "refused"),
    [
        pytest.param({}, False, id="S256 and a hash"),
        pytest.param({"code_challenge_method": None}, True, id="no method: it would mean plain"),
        pytest.param({"code_challenge_method": "plain"}, True, id="plain"),
        pytest.param({"code_challenge_method": "s256"}, True, id="s256 in lower case"),
        pytest.param({"code_challenge_method": "S256 "}, True, id="a blank behind the method"),
        pytest.param({"code_challenge_method": "S512"}, True, id="an unknown method"),
        pytest.param({"code_challenge": CHALLENGE + "="}, True, id="padding"),
        pytest.param({"code_challenge": CHALLENGE[:-1]}, True, id="42 characters"),
        pytest.param({"code_challenge": CHALLENGE + "A"}, True, id="44 characters"),
        pytest.param({"code_challenge": CHALLENGE + "\n"}, True, id="a line feed behind"),
        pytest.param({"code_challenge": "+" + CHALLENGE[1:]}, True, id="base64, not base64url"),
        pytest.param({"code_challenge": ""}, True, id="empty"),
        pytest.param({"code_challenge": None}, True, id="none from a client that must"),
    ],
)
def test_a_challenge_is_looked_at_before_there_is_a_code(given, refused):
    """RFC 7636 section 4.4.1; security P14."""
    request = {
        "client_id": "web",
        "redirect_uri": CALLBACK,
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    } | given
    server = a_server()
    if refused:
        with pytest.raises(InvalidRequest):
            issue_code(server, AuthorizationRequest(**request), username="alice", now=NOW)
    else:
        code = issue_code(server, AuthorizationRequest(**request), username="alice", now=NOW)
        assert redeem(server, code).status == 200
