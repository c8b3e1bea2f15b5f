"""RFC 6749 section 5.1: what a successful answer says, and what a policy takes away."""

import pytest

from issuer.errors import OAuth2Exception
from issuer.token import BEARER, MAC, TokenGenerator
from tests.asking import ask, claims_of, redeem, refresh, scope_of
from tests.builders import NOW, PASSWORD, VERIFIER, a_client, a_code, a_request, a_server


@pytest.mark.parametrize(
    ("request_of", "members"),
    [
        pytest.param(
            lambda _: a_request(),
            {"access_token", "token_type", "expires_in", "scope"},
            id="client_credentials",
        ),
        pytest.param(
            lambda _: a_request("password", username="alice", password=PASSWORD),
            {"access_token", "token_type", "expires_in", "scope", "refresh_token"},
            id="password",
        ),
        pytest.param(
            lambda server: a_request(
                "authorization_code", code=a_code(server), code_verifier=VERIFIER
            ),
            {"access_token", "token_type", "expires_in", "scope", "refresh_token"},
            id="authorization_code",
        ),
    ],
)
def test_a_response_has_these_members_and_no_others(request_of, members):
    """RFC 6749 section 5.1."""
    server = a_server()
    response = ask(server, request_of(server))
    assert response.body.keys() == members
    assert response.body["token_type"] == "Bearer"
    assert type(response.body["expires_in"]) is int


def test_expires_in_counts_from_the_answer_and_exp_from_the_grant():
    """A code that waited 20 seconds has used 20 seconds of its token's life."""
    server = a_server()
    response = redeem(server, now=NOW, code=a_code(server, now=NOW - 20))
    assert response.body["expires_in"] == 580
    assert claims_of(server, response)["exp"] == NOW + 580


def test_a_client_without_the_refresh_token_grant_gets_no_refresh_token():
    server = a_server(a_client(grant_types=("authorization_code",)))
    assert "refresh_token" not in redeem(server).body


def test_a_policy_without_refresh_tokens_gives_none():
    server = a_server()
    request = a_request("authorization_code", code=a_code(server), code_verifier=VERIFIER)
    assert "refresh_token" in ask(server, request).body
    bounded = ask(server, request, generator=TokenGenerator(refreshable=False))
    assert "refresh_token" not in bounded.body


@pytest.mark.parametrize(
    ("requested", "given", "error"),
    [
        pytest.param(None, {"read"}, None, id="nothing requested: what the policy leaves"),
        pytest.param("read", {"read"}, None, id="within the policy"),
        pytest.param("write", None, "invalid_scope", id="beyond the policy"),
        pytest.param("read write", None, "invalid_scope", id="partly beyond the policy"),
    ],
)
@pytest.mark.parametrize("grant_type", ["client_credentials", "password"])
def test_a_policys_scope_caps_every_grant(grant_type, requested, given, error):
    """The seed's bound held for passwords only."""
    generator = TokenGenerator(scope={"read"})
    login = {} if grant_type == "client_credentials" else {"username": "alice"}
    login |= {"password": PASSWORD} if login else {}
    request = a_request(grant_type, scope=requested, **login)
    response = ask(a_server(), request, generator=generator)
    assert response.error == error
    if error is None:
        assert scope_of(response) == given


def test_a_policys_scope_is_sealed_into_the_refresh_token():
    """What the policy withheld cannot be had by refreshing elsewhere."""
    server = a_server()
    request = a_request("authorization_code", code=a_code(server), code_verifier=VERIFIER)
    held = ask(server, request, generator=TokenGenerator(scope={"read"})).body["refresh_token"]
    assert scope_of(refresh(server, str(held))) == {"read"}
    assert refresh(server, str(held), scope="write").error == "invalid_scope"


def test_a_policy_of_bearer_tokens_gives_bearer_tokens():
    generator = TokenGenerator(authentication_method=BEARER)
    assert ask(a_server(), a_request(), generator=generator).status == 200


@pytest.mark.parametrize("method", ["bearer", "", "hawk"])
def test_a_policy_of_an_unknown_token_type_is_a_mistake_at_construction(method):
    with pytest.raises(OAuth2Exception, match="authentication_method must be"):
        TokenGenerator(authentication_method=method)


def test_the_names_of_the_token_types_are_the_seeds():
    assert (BEARER, MAC) == ("Bearer", "mac")
