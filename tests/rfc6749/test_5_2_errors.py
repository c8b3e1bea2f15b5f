"""RFC 6749 section 5.2: which rule a refused request broke, and in which words."""

import re

import pytest

from issuer import errors
from issuer.errors import AccessTokenException
from tests.asking import a_public_request, a_request_of, ask, redeem, told
from tests.builders import (
    SECRET,
    VERIFIER,
    a_client,
    a_code,
    a_public_client,
    a_request,
    a_server,
    basic,
)

DESCRIPTION = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+")


@pytest.mark.parametrize(
    ("grant_type", "error"),
    [
        pytest.param("client_credentials", None, id="known"),
        pytest.param(None, "invalid_request", id="missing"),
        pytest.param("", "invalid_request", id="empty"),
        pytest.param("x", "unsupported_grant_type", id="unknown"),
        pytest.param("Client_Credentials", "unsupported_grant_type", id="in another case"),
        pytest.param("client_credentials ", "unsupported_grant_type", id="with a blank behind"),
        pytest.param("client_credentials\0", "unsupported_grant_type", id="with a NUL behind"),
        pytest.param("implicit", "unsupported_grant_type", id="implicit"),
        pytest.param("__class__", "unsupported_grant_type", id="a name of Python"),
        pytest.param(
            "urn:ietf:params:oauth:grant-type:saml2-bearer", "unsupported_grant_type", id="a URN"
        ),
    ],
)
def test_a_refused_grant_type_says_why(grant_type, error):
    """RFC 6749 section 5.2, security P23."""
    assert ask(a_server(), a_request(grant_type)).error == error


@pytest.mark.parametrize(
    "grant_type", ["authorization_code", "refresh_token", "password", "client_credentials"]
)
def test_a_grant_that_the_client_did_not_register_is_refused(grant_type):
    """RFC 6749 section 5.2: unauthorized_client, whatever else the request lacks."""
    others = {"authorization_code", "refresh_token", "password", "client_credentials"}
    server = a_server(a_client(grant_types=tuple(sorted(others - {grant_type}))))
    response = ask(server, a_request(grant_type))
    assert (response.status, response.error) == (400, "unauthorized_client")


@pytest.mark.parametrize(
    ("grant_type", "parameter"),
    [
        pytest.param("authorization_code", "refresh_token", id="a refresh token for a code"),
        pytest.param("refresh_token", "code", id="a code for a refresh token"),
    ],
)
def test_a_grant_does_not_look_at_another_grants_parameters(grant_type, parameter):
    """Security P23."""
    server = a_server()
    given = {parameter: redeem(server).body["refresh_token"]}
    response = ask(server, a_request(grant_type, **given))
    assert response.error == "invalid_request"


def test_unknown_parameters_are_ignored():
    """RFC 6749 section 3.2."""
    given = {"nonsense": "1", "grant_type[]": "password", "Scope": "admin", "": "x"}
    assert ask(a_server(), a_request(**given)).status == 200


@pytest.mark.parametrize(
    ("authorization", "parameters"),
    [
        pytest.param(None, {}, id="nobody is named"),
        pytest.param(basic("web", "wrong"), {}, id="a wrong secret"),
        pytest.param(basic("nobody"), {}, id="an unknown client"),
        pytest.param(basic("spa"), {}, id="a secret from a client without one"),
        pytest.param(None, {"client_id": "web"}, id="no secret from a client with one"),
        pytest.param(None, {"client_id": "nobody"}, id="an unknown public client"),
        pytest.param(None, {"client_secret": SECRET}, id="a secret without a client_id"),
        pytest.param(
            None, {"client_id": "web", "client_secret": SECRET}, id="not the registered method"
        ),
        pytest.param("Bearer " + SECRET, {}, id="another scheme"),
        pytest.param("Basic", {}, id="a scheme and nothing else"),
        pytest.param("", {}, id="an empty header"),
        pytest.param(basic("poster"), {}, id="Basic from one who registered the body"),
    ],
)
def test_a_client_that_is_not_proved_is_refused_in_the_same_words(authorization, parameters):
    """RFC 6749 section 5.2, security P24: status, body and challenge are the same."""
    poster = a_client("poster", token_endpoint_auth_method="client_secret_post")
    server = a_server(a_client(), a_public_client(), poster)
    pairs = {"grant_type": "client_credentials", **parameters}
    request = a_request_of(*pairs.items(), client_id=None, authorization=authorization)
    assert told(ask(server, request)) == (
        401,
        {"error": "invalid_client", "error_description": "Client authentication failed."},
        {"WWW-Authenticate": 'Basic realm="token endpoint", charset="UTF-8"'},
    )


def test_a_secret_in_the_body_is_taken_from_a_client_that_registered_it():
    """RFC 6749 section 2.3.1."""
    server = a_server(a_client("poster", token_endpoint_auth_method="client_secret_post"))
    request = a_request_of(
        ("grant_type", "client_credentials"), ("client_id", "poster"), ("client_secret", SECRET),
        client_id=None,
    )  # fmt: skip
    assert ask(server, request).status == 200


@pytest.mark.parametrize(
    "parameters",
    [
        pytest.param({"client_secret": SECRET}, id="header and body secret"),
        pytest.param({"client_id": "web", "client_secret": SECRET}, id="both, the same client"),
        pytest.param({"client_id": "spa"}, id="the header and the body name different clients"),
    ],
)
def test_two_mechanisms_in_one_request_are_refused(parameters):
    """RFC 6749 section 2.3: MUST NOT use more than one; security P4."""
    pairs = {"grant_type": "client_credentials", **parameters}
    assert ask(a_server(), a_request_of(*pairs.items())).error == "invalid_request"


def test_a_client_id_beside_the_header_is_taken_where_it_is_the_same():
    """Security P4: what names one client only is one mechanism."""
    pairs = ("grant_type", "client_credentials"), ("client_id", "web")
    assert ask(a_server(), a_request_of(*pairs)).status == 200


def test_a_public_client_that_sends_a_header_is_not_taken_for_its_name():
    server = a_server()
    code = a_code(server, client_id="spa")
    good = a_public_request(code=code, code_verifier=VERIFIER)
    assert ask(server, good).status == 200
    bad = type(good)(form=good.form, headers={"authorization": basic("web")},
                     received_at=good.received_at)  # fmt: skip
    assert ask(server, bad).error == "invalid_request"


def _all_errors(kind=AccessTokenException):
    for each in kind.__subclasses__():
        yield each
        yield from _all_errors(each)


@pytest.mark.parametrize("error", sorted(_all_errors(), key=lambda each: each.__name__))
def test_every_error_has_a_code_and_a_status_of_the_specifications(error):
    """RFC 6749 sections 4.1.2.1 and 5.2, RFC 7009, 8628, 8707, 9101, 9110, 9126, 9449, OIDC Core
    3.1.2.6."""
    assert error.error in {
        "invalid_request", "invalid_client", "invalid_grant", "unauthorized_client",
        "unsupported_grant_type", "invalid_scope", "invalid_target", "temporarily_unavailable",
        "access_denied", "unsupported_response_type", "invalid_request_uri",
        "login_required", "consent_required", "request_not_supported", "unsupported_token_type",
        "unmet_authentication_requirements",
        "invalid_dpop_proof", "use_dpop_nonce", "invalid_request_object",
        "request_uri_not_supported", "registration_not_supported",
        "authorization_pending", "slow_down", "expired_token",
    }  # fmt: skip
    assert error.status in {400, 401, 408, 411, 413, 415, 429, 503}


def test_only_client_authentication_is_answered_with_401():
    """RFC 6749 section 5.2: everything else is 400."""
    assert [each for each in _all_errors() if each.status == 401] == [errors.InvalidClient]


def test_descriptions_are_ours_and_within_the_character_set():
    """RFC 6749 section 5.2; security P17: nothing that was sent comes back."""
    server = a_server()
    hostile = '<script>alert("1")</script>\r\nSet-Cookie: a=b'
    names = ("grant_type", "code", "refresh_token", "scope", "resource", "username", "password",
             "redirect_uri", "code_verifier", "client_id", "client_secret")  # fmt: skip
    for grant_type in ("client_credentials", "authorization_code", "refresh_token", "password"):
        for name in names:
            pairs = {"grant_type": grant_type, "code": "x", "refresh_token": "x",
                     "username": "x", "password": "x"} | {name: hostile}  # fmt: skip
            answer = ask(server, a_request_of(*pairs.items()))
            if answer.status != 200:
                description = str(answer.body["error_description"])
                assert DESCRIPTION.fullmatch(description)
                assert "script" not in description
