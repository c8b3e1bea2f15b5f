"""RFC 6750: how a token is shown, and how a refusal is answered."""

import pytest

from keys import AccessRefused, InsufficientScope, InvalidToken, KeysUnavailable, Verifier
from tests.keys.builders import AUDIENCE, ISSUER, KEY, NOW, a_jwks, a_token

VERIFIER = Verifier(ISSUER, AUDIENCE, a_jwks(KEY))
TOKEN = a_token()


def refused(authorization: str | None) -> InvalidToken:
    with pytest.raises(InvalidToken) as raised:
        VERIFIER.verify_header(authorization, now=NOW)
    assert VERIFIER.verify_header(f"Bearer {TOKEN}", now=NOW)
    return raised.value


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer "])
def test_the_scheme_is_bearer_in_any_case(scheme):
    """RFC 6750 section 2.1, RFC 9110 section 11.1."""
    assert VERIFIER.verify_header(f"{scheme} {TOKEN}", now=NOW).subject == "alice"


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer ", "Basic YTpi", "MAC id=x", TOKEN, "Bearer\t" + TOKEN],
)
def test_a_request_without_a_bearer_token_is_told_the_scheme_and_no_error(authorization):
    """RFC 6750 section 3.1; section 3 wants a parameter after the scheme."""
    error = refused(authorization)
    assert error.status == 401
    assert error.challenge == f'Bearer realm="{AUDIENCE}"'
    assert error.headers == {"WWW-Authenticate": error.challenge}


@pytest.mark.parametrize(
    "authorization",
    [f"Bearer {TOKEN},Bearer {TOKEN}", f"Bearer {TOKEN} {TOKEN}", f"Bearer {TOKEN}\n", "Bearer x"],
)
def test_a_token_that_is_not_valid_is_answered_with_invalid_token(authorization):
    """Two headers arrive joined by a comma: neither counts."""
    error = refused(authorization)
    assert error.status == 401
    assert error.error == "invalid_token"
    assert error.challenge == (
        'Bearer error="invalid_token", '
        'error_description="The access token is not valid here, or has expired."'
    )


def test_the_sender_is_told_the_same_whatever_is_wrong():
    answers = {
        refused(f"Bearer {token}").challenge
        for token in ("x", a_token(exp=0), a_token(aud="x"), a_token(iss="x"), TOKEN[:-1])
    }
    assert len(answers) == 1


def test_a_token_that_was_granted_enough_passes():
    access_token = VERIFIER.verify(TOKEN, now=NOW)
    access_token.require()
    access_token.require("read")
    access_token.require("write", "read")


@pytest.mark.parametrize(
    "scopes", [["admin"], ["read", "admin"], ["READ"], ["rea"], ["read write"]]
)
def test_a_token_that_was_granted_less_is_answered_with_insufficient_scope(scopes):
    with pytest.raises(InsufficientScope) as raised:
        VERIFIER.verify(TOKEN, now=NOW).require(*scopes)
    error = raised.value
    assert error.status == 403
    assert error.error == "insufficient_scope"
    assert error.scope == " ".join(sorted(scopes))
    assert error.headers["WWW-Authenticate"] == (
        'Bearer error="insufficient_scope", '
        'error_description="The access token was not granted what this needs.", '
        f'scope="{error.scope}"'
    )
    assert "has read write" in error.detail


def test_a_token_without_scope_has_nothing():
    with pytest.raises(InsufficientScope) as raised:
        VERIFIER.verify(a_token(scope=""), now=NOW).require("read")
    assert raised.value.detail == "needs read, has nothing"


@pytest.mark.parametrize("scope", ['a"b', "a\\b", "a\r\nSet-Cookie: x", "", "ä"])
def test_a_required_scope_that_is_no_scope_is_a_mistake_of_the_programmer(scope):
    with pytest.raises(ValueError, match="no scope"):
        VERIFIER.verify(TOKEN, now=NOW).require(scope)


def test_one_except_clause_catches_every_refusal():
    for kind in (InvalidToken, InsufficientScope, KeysUnavailable):
        assert issubclass(kind, AccessRefused)


def test_a_refusal_that_is_not_the_tokens_fault_has_no_challenge():
    error = KeysUnavailable("down")
    assert error.status == 503
    assert error.headers == {"Retry-After": "5"}
    assert "WWW-Authenticate" not in error.headers


# --- the access token as a value ---


def test_an_access_token_cannot_be_changed():
    access_token = VERIFIER.verify(a_token(groups=["a", {"b": ["c"]}]), now=NOW)
    with pytest.raises(AttributeError):
        access_token.scope = frozenset({"admin"})
    with pytest.raises(TypeError):
        access_token.claims["scope"] = "admin"
    assert access_token.claims["groups"] == ("a", {"b": ("c",)})
    with pytest.raises(TypeError):
        access_token.claims["groups"][1]["b"] = ()


def test_an_access_token_is_a_value():
    one, same = (VERIFIER.verify(TOKEN, now=NOW) for _ in range(2))
    assert one == same
    assert hash(one) == hash(same)


def test_the_representation_of_an_access_token_shows_no_other_claims():
    assert "alice@example.com" not in repr(
        VERIFIER.verify(a_token(email="alice@example.com"), now=NOW)
    )
