"""RFC 6749 section 4.3: the resource owner's password."""

import pytest

from tests.asking import ask, claims_of, refresh, told
from tests.builders import (
    NOW,
    PASSWORD,
    PASSWORD_HASH,
    a_client,
    a_request,
    a_server,
    a_user,
)


def log_in(server, username="alice", password=PASSWORD, **parameters):
    return ask(server, a_request("password", username=username, password=password, **parameters))


def test_a_password_becomes_a_token_of_its_user_and_a_refresh_token():
    """RFC 6749 section 4.3.3."""
    server = a_server()
    response = log_in(server)
    claims = claims_of(server, response)
    assert (claims["sub"], claims["auth_time"]) == ("alice", NOW)
    again = refresh(server, str(response.body["refresh_token"]), now=NOW + 600)
    assert claims_of(server, again)["auth_time"] == NOW


@pytest.mark.parametrize(
    ("given", "error"),
    [
        pytest.param({}, None, id="the username"),
        pytest.param({"username": "alice@example.com"}, None, id="the e-mail address as username"),
        pytest.param({"username": None, "email": "alice@example.com"}, None, id="email"),
        pytest.param({"username": None}, "invalid_request", id="no username"),
        pytest.param({"username": ""}, "invalid_request", id="an empty username"),
        pytest.param({"password": None}, "invalid_request", id="no password"),
        pytest.param({"password": ""}, "invalid_request", id="an empty password"),
        pytest.param({"username": "Alice"}, "invalid_grant", id="a capital letter"),
        pytest.param({"username": "alice "}, "invalid_grant", id="a blank behind"),
        pytest.param({"username": "al\u0131ce"}, "invalid_grant", id="a dotless i (security P8)"),
        pytest.param({"username": "\uff41lice"}, None, id="a wide a (RFC 8265 section 3.4.2)"),
        pytest.param({"username": "alice\0"}, "invalid_grant", id="a NUL behind"),
        pytest.param({"password": PASSWORD + " "}, "invalid_grant", id="a longer password"),
        pytest.param({"password": PASSWORD[:-1]}, "invalid_grant", id="a shorter password"),
        pytest.param({"password": PASSWORD + "\0"}, "invalid_grant", id="a NUL behind password"),
        pytest.param({"password": PASSWORD_HASH}, "invalid_grant", id="the hash itself"),
        pytest.param({"password": "\u00e9" * 9000}, "invalid_grant", id="18 kB of password"),
    ],
)
def test_name_and_password_are_compared_in_one_form_and_no_wider(given, error):
    """RFC 6749 section 4.3.2, RFC 8265."""
    assert log_in(a_server(), **given).error == error


@pytest.mark.parametrize(
    "user",
    [
        pytest.param(a_user("bob"), id="is not there"),
        pytest.param(a_user(active=False), id="is inactive"),
        pytest.param(a_user(password_hash=None), id="has no password"),
    ],
)
def test_who_cannot_log_in_is_refused_like_a_wrong_password(user):
    """Security P24: which names are known is not told."""
    wrong = log_in(a_server(), password="wrong")
    assert told(log_in(a_server(users=(user,)))) == told(wrong)


@pytest.mark.parametrize(
    ("given", "error"),
    [
        pytest.param({"scope": "read"}, None, id="less than registered"),
        pytest.param({"scope": "admin"}, "invalid_scope", id="more scope than registered"),
        pytest.param({"resource": "https://x.example"}, "invalid_target", id="another resource"),
    ],
)
def test_what_may_not_be_asked_for_is_refused_whatever_the_password(given, error):
    """So that the refusal tells nothing about the password."""
    assert log_in(a_server(), **given).error == error
    if error:
        assert told(log_in(a_server(), **given)) == told(log_in(a_server(), password="x", **given))


def test_a_client_that_did_not_register_the_grant_is_refused():
    """Security P23."""
    server = a_server(a_client(grant_types=("authorization_code",)))
    assert log_in(server).error == "unauthorized_client"


def test_the_scope_of_a_login_bounds_its_refresh_token():
    """RFC 6749 section 6."""
    server = a_server()
    held = str(log_in(server, scope="read").body["refresh_token"])
    assert refresh(server, held, scope="read").status == 200
    assert refresh(server, held, scope="read write").error == "invalid_scope"
