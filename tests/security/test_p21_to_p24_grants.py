"""Security P21 to P24: grants taken for one another, and what refusals tell."""

import pytest

from issuer.registry.scope import Scope
from issuer.stores.sqlite import SQLiteStore
from tests.asking import (
    a_public_request,
    a_refresh_token,
    a_request_of,
    ask,
    refresh,
    scope_of,
    told,
)
from tests.builders import (
    NOW,
    PASSWORD,
    SECRET,
    VERIFIER,
    a_client,
    a_code,
    a_public_client,
    a_request,
    a_server,
    basic,
)


@pytest.mark.parametrize(
    ("thief", "request_of"),
    [
        pytest.param(
            a_client("thief"),
            lambda held: a_request("refresh_token", client_id="thief", refresh_token=held),
            id="another confidential client",
        ),
        pytest.param(
            a_public_client("thief", grant_types=("authorization_code", "refresh_token")),
            lambda held: a_public_request("refresh_token", client_id="thief", refresh_token=held),
            id="a public client",
        ),
        pytest.param(
            a_client("WEB"),
            lambda held: a_request("refresh_token", client_id="WEB", refresh_token=held),
            id="a client of the same name in another case",
        ),
    ],
)
def test_a_refresh_token_is_good_for_its_own_client_only(thief, request_of):
    """Security P21."""
    server = a_server(a_client(), thief)
    held = a_refresh_token(server)
    assert ask(server, request_of(held)).error == "invalid_grant"
    assert refresh(server, held).status == 200


def test_naming_the_owner_in_the_body_does_not_help_another_client():
    """Security P4, P21."""
    server = a_server(a_client(), a_client("thief"))
    held = a_refresh_token(server)
    pairs = ("grant_type", "refresh_token"), ("refresh_token", held), ("client_id", "web")
    assert ask(server, a_request_of(*pairs, client_id="thief")).error == "invalid_request"
    assert ask(server, a_request_of(*pairs, client_id="web")).status == 200


def test_a_scope_comes_and_goes_with_the_registry_and_never_beyond_the_grant():
    """Security P22."""
    both, read = a_server(), a_server(a_client(scope=Scope({"read"})))
    held = a_refresh_token(both, scope="read write")
    less = a_refresh_token(both, scope="read")
    assert scope_of(refresh(read, held)) == {"read"}
    assert scope_of(refresh(both, held)) == {"read", "write"}
    assert scope_of(refresh(both, less)) == {"read"}
    for server, token in ((read, held), (both, less)):
        assert refresh(server, token, scope="write").error == "invalid_scope"


def test_a_grant_whose_every_scope_is_withdrawn_gives_none():
    """Security P22: and not, say, all that the client has by now."""
    held = a_refresh_token(a_server(), scope="write")
    server = a_server(a_client(scope=Scope({"read"})))
    assert scope_of(refresh(server, held)) == set()


@pytest.mark.parametrize(
    ("grant_type", "given", "error"),
    [
        pytest.param("authorization_code", {}, "invalid_request", id="a code grant without code"),
        pytest.param("refresh_token", {}, "invalid_request", id="a refresh without token"),
        pytest.param("password", {}, "invalid_request", id="a password grant without password"),
        pytest.param("", {}, "invalid_request", id="an empty grant type"),
        pytest.param("urn:x", {}, "unsupported_grant_type", id="an unknown URN"),
        pytest.param("token", {}, "unsupported_grant_type", id="a response type"),
    ],
)
def test_a_grant_that_lacks_its_own_parameter_is_refused(grant_type, given, error):
    """Security P23."""
    server = a_server()
    everything_else = {
        "authorization_code": {"refresh_token": a_refresh_token(server)},
        "refresh_token": {"code": a_code(server), "code_verifier": VERIFIER},
        "password": {"code": a_code(server), "refresh_token": a_refresh_token(server)},
    }.get(grant_type, given)
    assert ask(server, a_request(grant_type, **everything_else)).error == error


def test_client_credentials_give_no_users_token_whatever_else_is_sent():
    """Security P23."""
    server = a_server()
    extra = {"code": a_code(server), "refresh_token": a_refresh_token(server),
             "username": "alice", "password": PASSWORD, "code_verifier": VERIFIER}  # fmt: skip
    response = ask(server, a_request("client_credentials", **extra))
    assert response.status == 200
    assert "refresh_token" not in response.body


def test_who_fails_to_prove_a_client_is_told_the_same_whatever_failed():
    """Security P24."""
    poster = a_client("poster", token_endpoint_auth_method="client_secret_post")
    server = a_server(a_client(), a_public_client(), poster)
    grant = ("grant_type", "client_credentials")
    answers = [
        ask(server, a_request(authorization=basic("web", "wrong"))),
        ask(server, a_request(authorization=basic("nobody"))),
        ask(server, a_request(authorization=basic("spa"))),
        ask(server, a_request(authorization=basic("poster"))),
        ask(server, a_request_of(grant, ("client_id", "web"), client_id=None)),
        ask(server, a_request_of(grant, ("client_id", "nobody"), client_id=None)),
        ask(
            server,
            a_request_of(grant, ("client_id", "web"), ("client_secret", SECRET), client_id=None),
        ),
    ]
    assert [told(each) for each in answers] == [told(answers[0])] * len(answers)


def test_who_fails_to_log_in_is_told_the_same_whatever_failed():
    """Security P24."""
    server = a_server()
    answers = [
        ask(server, a_request("password", username=name, password=password))
        for name, password in (("alice", "wrong"), ("nobody", "wrong"), ("nobody", PASSWORD))
    ]
    assert [told(each) for each in answers] == [told(answers[0])] * 3


def test_a_spent_code_is_told_apart_from_a_forged_one_by_nobody(tmp_path):
    """Security P24, RFC 6749 section 4.1.2."""
    server = a_server()
    store = SQLiteStore(tmp_path / "replay.db")

    def answer(code, now):
        request = a_request("authorization_code", code=code, code_verifier=VERIFIER, now=now)
        return ask(server, request, store=store)

    try:
        answer(a_code(server), NOW)  # the store's memory begins
        code = a_code(server, now=NOW + 200)
        assert answer(code, NOW + 201).status == 200
        spent, forged, late = (
            answer(code, NOW + 202),
            answer("1.x.AAAA", NOW + 202),
            answer(code, NOW + 270),
        )
    finally:
        store.close()
    assert spent.error == "invalid_grant"
    assert told(spent) == told(forged) == told(late)
