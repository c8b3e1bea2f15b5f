"""RFC 6749 section 6: the same grant again, without the user."""

import pytest

from issuer.registry.scope import Scope
from tests.asking import (
    a_public_request,
    a_refresh_token,
    ask,
    claims_of,
    redeem,
    refresh,
    scope_of,
    told,
)
from tests.builders import (
    API,
    NOW,
    OTHER_API,
    VERIFIER,
    a_client,
    a_code,
    a_public_client,
    a_request,
    a_server,
    a_user,
)

DAY = 86_400


def test_a_refresh_token_gives_a_new_token_of_the_same_grant():
    server = a_server()
    first = redeem(server)
    again = refresh(server, str(first.body["refresh_token"]), now=NOW + DAY)
    one, two = claims_of(server, first), claims_of(server, again)
    assert {name for name in one | two if one.get(name) != two.get(name)} == {"iat", "exp", "jti"}
    assert two["iat"] == NOW + DAY
    assert two["auth_time"] == NOW


def test_a_confidential_client_keeps_its_refresh_token():
    """FAPI 2.0 section 5.3.2.1: no rotation; a lost answer loses no session."""
    server = a_server()
    held = a_refresh_token(server)
    assert [refresh(server, held).body["refresh_token"] for _ in range(3)] == [held] * 3


def test_a_public_client_gets_no_refresh_token():
    """Nothing would tell it from a thief (RFC 9700 section 2.2.2)."""
    server = a_server(a_public_client(grant_types=("authorization_code", "refresh_token")))
    code = a_code(server, client_id="spa")
    response = ask(server, a_public_request(code=code, code_verifier=VERIFIER))
    assert response.status == 200
    assert "refresh_token" not in response.body


@pytest.mark.parametrize(
    ("age", "error"),
    [
        pytest.param(0, None, id="at once"),
        pytest.param(30 * DAY - 1, None, id="in its last second"),
        pytest.param(30 * DAY, "invalid_grant", id="one second late"),
    ],
)
def test_a_refresh_token_ends_when_it_was_said_to(age, error):
    server = a_server(refresh_token_lifetime=30 * DAY)
    assert refresh(server, a_refresh_token(server), now=NOW + age).error == error


def test_refreshing_does_not_move_the_end():
    """Lifetimes count from the user's authorization."""
    server = a_server(refresh_token_lifetime=100)
    held = a_refresh_token(server)
    held = str(refresh(server, held, now=NOW + 99).body["refresh_token"])
    assert refresh(server, held, now=NOW + 100).error == "invalid_grant"


def test_the_clients_own_lifetime_comes_before_the_issuers():
    server = a_server(a_client(refresh_token_lifetime=10))
    held = a_refresh_token(server)
    assert refresh(server, held, now=NOW + 9).status == 200
    assert refresh(server, held, now=NOW + 10).error == "invalid_grant"


@pytest.mark.parametrize(
    ("scope", "given", "error"),
    [
        pytest.param(None, {"read", "write"}, None, id="left out: all of it"),
        pytest.param("read", {"read"}, None, id="less"),
        pytest.param("write read", {"read", "write"}, None, id="all of it, spelt out"),
        pytest.param("read admin", None, "invalid_scope", id="more"),
        pytest.param("Read", None, "invalid_scope", id="in another case"),
        pytest.param("read  write", None, "invalid_scope", id="malformed"),
    ],
)
def test_the_scope_may_be_narrowed_and_not_widened(scope, given, error):
    """RFC 6749 section 6, security P22."""
    response = refresh(a_server(), scope=scope)
    assert response.error == error
    if error is None:
        assert scope_of(response) == given


def test_what_was_narrowed_away_can_be_had_again():
    """Security P22: the refresh token keeps the original grant."""
    server = a_server()
    narrowed = refresh(server, scope="read")
    held = str(narrowed.body["refresh_token"])
    assert scope_of(refresh(server, held)) == {"read", "write"}


def test_what_the_code_did_not_grant_cannot_be_had():
    server = a_server()
    held = a_refresh_token(server, scope="read")
    assert refresh(server, held, scope="write").error == "invalid_scope"


def test_a_scope_that_is_withdrawn_meanwhile_is_dropped():
    """Security P22."""
    held = a_refresh_token(a_server())
    server = a_server(a_client(scope=Scope({"read"})))
    assert scope_of(refresh(server, held)) == {"read"}
    assert refresh(server, held, scope="write").error == "invalid_scope"
    assert scope_of(refresh(a_server(), held)) == {"read", "write"}  # given back


def test_a_scope_that_is_registered_meanwhile_was_not_granted():
    """Security P22."""
    held = a_refresh_token(a_server(a_client(scope=Scope({"read"}))))
    assert scope_of(refresh(a_server(), held)) == {"read"}
    assert refresh(a_server(), held, scope="write").error == "invalid_scope"


@pytest.mark.parametrize(
    ("server", "error"),
    [
        pytest.param(a_server(), None, id="nothing is withdrawn"),
        pytest.param(a_server(a_client("x")), "invalid_client", id="the client is removed"),
        pytest.param(
            a_server(a_client(grant_types=("authorization_code",))),
            "unauthorized_client",
            id="the grant",
        ),
        pytest.param(
            a_server(a_client(resources=(OTHER_API,))), "invalid_target", id="the resource"
        ),
        pytest.param(a_server(a_client(not_before=NOW)), None, id="the client, at that second"),
        pytest.param(
            a_server(a_client(not_before=NOW + 1)), "invalid_grant", id="the client, since"
        ),
        pytest.param(a_server(not_before=NOW + 1), "invalid_grant", id="the issuer, since"),
        pytest.param(
            a_server(users=(a_user(not_before=NOW + 1),)), "invalid_grant", id="the user, since"
        ),
        pytest.param(
            a_server(users=(a_user(active=False),)), "invalid_grant", id="the user is inactive"
        ),
        pytest.param(a_server(users=()), "invalid_grant", id="the user is removed"),
        pytest.param(a_server(url="https://b.example"), "invalid_grant", id="another issuer (J32)"),
    ],
)
def test_what_the_registry_withdraws_meanwhile_is_not_given(server, error):
    """Security P21, P22."""
    held = a_refresh_token(a_server())
    assert refresh(server, held, now=NOW + 5).error == error


def test_a_refresh_token_of_another_client_is_refused_like_a_forged_one():
    """RFC 6749 section 10.4; security P21, P24."""
    server = a_server(a_client("web"), a_client("thief"))
    held = a_refresh_token(server)
    forged = refresh(server, "1.nonsense.AAAA")
    assert told(refresh(server, held, client_id="thief")) == told(forged)
    assert forged.error == "invalid_grant"
    assert refresh(server, held).status == 200


def test_a_client_that_turned_public_loses_its_refresh_tokens():
    """Security P21."""
    held = a_refresh_token(a_server())
    public = a_public_client("web", grant_types=("authorization_code", "refresh_token"))
    server = a_server(public)
    request = a_public_request("refresh_token", client_id="web", refresh_token=held)
    assert ask(server, request).error == "invalid_grant"


def test_a_missing_refresh_token_is_said_to_be_missing():
    assert ask(a_server(), a_request("refresh_token")).error == "invalid_request"
    assert ask(a_server(), a_request("refresh_token", refresh_token="")).error == "invalid_request"


def test_a_second_resource_of_the_grant_can_be_asked_for():
    """RFC 8707 section 2.2."""
    server = a_server(a_client(resources=(API, OTHER_API), scope=Scope({"read", "write", "pay"})))
    held = a_refresh_token(server, resource=(API, OTHER_API))
    assert claims_of(server, refresh(server, held, resource=OTHER_API))["aud"] == OTHER_API
    assert claims_of(server, refresh(server, held))["aud"] == API
