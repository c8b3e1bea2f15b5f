"""The path of a token request, stage by stage, on the pure core."""

import pytest

from issuer.errors import InvalidClient, InvalidGrant, UnauthorizedClient, UnvalidatedRequest
from issuer.token import TokenGenerator, handler
from tests.builders import NOW, VERIFIER, a_client, a_code, a_request, a_server


def test_a_client_gets_a_token_about_itself():
    """RFC 6749 section 4.4, RFC 9068 section 2.2."""
    server = a_server()
    authorization = handler.validate(server, a_request())
    response = handler.grant_response(server, authorization)
    assert response.status == 200
    assert response.body["expires_in"] == 600
    assert "refresh_token" not in response.body


def test_a_code_becomes_tokens_and_says_that_it_is_spent():
    """RFC 6749 section 4.1.3."""
    server = a_server()
    code = a_code(server)
    request = a_request("authorization_code", code=code, code_verifier=VERIFIER, now=NOW + 5)
    authorization = handler.validate(server, request)
    assert [once.id for once in authorization.once] == [f"authorization_code:{authorization.id}"]
    assert handler.grant_response(server, authorization).body["expires_in"] == 595


def test_a_code_of_another_client_is_refused():
    """RFC 6749 section 5.2; the seed let it pass."""
    server = a_server(a_client("web"), a_client("thief"))
    code = a_code(server)
    request = a_request("authorization_code", client_id="thief", code=code, code_verifier=VERIFIER)
    with pytest.raises(InvalidGrant):
        handler.validate(server, request)


def test_a_wrong_secret_is_refused():
    """RFC 6749 section 5.2."""
    with pytest.raises(InvalidClient):
        handler.validate(a_server(), a_request(authorization="Basic d2ViOndyb25n"))


def test_a_grant_that_the_client_did_not_register_is_refused():
    """RFC 6749 section 5.2, security P23."""
    server = a_server(a_client(grant_types=("client_credentials",)))
    with pytest.raises(UnauthorizedClient):
        handler.validate(server, a_request("refresh_token", refresh_token="x"))


def test_nothing_is_granted_without_validation():
    """The seed's ``UnvalidatedRequest``."""
    with pytest.raises(UnvalidatedRequest):
        TokenGenerator().grant_response(a_server(), object())
