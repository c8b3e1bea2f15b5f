"""RFC 6749 section 4.1.3: redeeming an authorization code."""

import pytest

from issuer.stores.sqlite import SQLiteStore
from tests.asking import a_public_request, ask, claims_of, redeem, told
from tests.builders import (
    API,
    CALLBACK,
    NOW,
    RING,
    VERIFIER,
    a_client,
    a_code,
    a_public_client,
    a_request,
    a_server,
    a_user,
    basic,
)

OTHER_CALLBACK = "https://app.example/other"
WITHOUT_PKCE = {"code_challenge": None, "code_challenge_method": None}


def test_a_code_becomes_a_token_of_its_user():
    """RFC 6749 section 4.1.4."""
    server = a_server()
    claims = claims_of(server, redeem(server))
    assert (claims["sub"], claims["client_id"], claims["aud"]) == ("alice", "web", API)


def test_a_public_client_redeems_its_code_with_its_name_and_its_verifier():
    """RFC 6749 section 4.1.3; what else could it prove?"""
    server = a_server()
    code = a_code(server, client_id="spa")
    given = {"code": code, "code_verifier": VERIFIER}
    nameless = a_request("authorization_code", client_id=None, **given)
    assert ask(server, nameless).error == "invalid_client"
    assert ask(server, a_public_request(**given)).status == 200


@pytest.mark.parametrize(
    ("code_client", "asking"),
    [
        pytest.param("web", "thief", id="another confidential client"),
        pytest.param("spa", "web", id="a public client's code, by a confidential one"),
    ],
)
def test_a_code_of_another_client_is_refused(code_client, asking):
    """Security P18; RFC 6749 section 4.1.3: ensure that the code was issued to that client."""
    server = a_server(a_client("web"), a_client("thief"), a_public_client("spa"))
    code = a_code(server, client_id=code_client)
    assert redeem(server, code, client_id=asking).error == "invalid_grant"


def test_a_confidential_clients_code_is_refused_to_a_public_one():
    """Security P18."""
    server = a_server()
    given = {"code": a_code(server), "code_verifier": VERIFIER}
    assert ask(server, a_public_request(**given)).error == "invalid_grant"


@pytest.mark.parametrize(
    ("presented", "error"),
    [
        pytest.param(CALLBACK, None, id="the same"),
        pytest.param(None, None, id="left out, with PKCE (OAuth 2.1)"),
        pytest.param("", None, id="empty counts as left out (RFC 6749 3.2)"),
        pytest.param(OTHER_CALLBACK, "invalid_grant", id="registered, but not the code's"),
        pytest.param(CALLBACK + "/", "invalid_grant", id="a slash more"),
        pytest.param(CALLBACK.upper(), "invalid_grant", id="upper case"),
        pytest.param(CALLBACK + "?", "invalid_grant", id="an empty query"),
        pytest.param("https://app.example:443/callback", "invalid_grant", id="the default port"),
        pytest.param("https://app.example/%63allback", "invalid_grant", id="percent-encoded"),
    ],
)
def test_a_redirect_uri_must_be_the_one_of_the_authorization_request(presented, error):
    """RFC 6749 section 4.1.3: their values MUST be identical."""
    server = a_server(a_client(redirect_uris=(CALLBACK, OTHER_CALLBACK)))
    assert redeem(server, redirect_uri=presented).error == error


@pytest.mark.parametrize(
    ("presented", "error"),
    [
        pytest.param(CALLBACK, None, id="the same"),
        pytest.param(None, "invalid_grant", id="left out"),
        pytest.param("", "invalid_grant", id="empty"),
        pytest.param(OTHER_CALLBACK, "invalid_grant", id="another"),
    ],
)
def test_without_pkce_the_redirect_uri_is_required(presented, error):
    """RFC 6749 section 4.1.3."""
    server = a_server(a_client(redirect_uris=(CALLBACK, OTHER_CALLBACK), require_pkce=False))
    code = a_code(server, **WITHOUT_PKCE)
    assert redeem(server, code, code_verifier=None, redirect_uri=presented).error == error


TO_THE_LETTER = {"require_redirect_uri": True}
OLD = {"require_pkce": False}


@pytest.mark.parametrize(
    ("client", "pkce", "sent", "presented", "error"),
    [
        pytest.param({}, True, CALLBACK, None, None, id="PKCE stands in for it"),
        pytest.param({}, True, None, None, None, id="PKCE, in neither request"),
        pytest.param(TO_THE_LETTER, True, CALLBACK, CALLBACK, None, id="in both"),
        pytest.param(TO_THE_LETTER, True, CALLBACK, None, "invalid_grant", id="in the first alone"),
        pytest.param(TO_THE_LETTER, True, CALLBACK, "", "invalid_grant", id="empty in the second"),
        pytest.param(TO_THE_LETTER, True, None, None, None, id="in neither"),
        pytest.param(TO_THE_LETTER, True, None, CALLBACK, None, id="the same, in the second alone"),
        pytest.param(TO_THE_LETTER, True, None, OTHER_CALLBACK, "invalid_grant", id="another one"),
        pytest.param(OLD, False, CALLBACK, None, "invalid_grant", id="no PKCE, in the first alone"),
        pytest.param(OLD, False, None, None, None, id="no PKCE, in neither"),
        pytest.param(OLD, False, None, OTHER_CALLBACK, "invalid_grant", id="no PKCE, another one"),
        pytest.param(OLD | TO_THE_LETTER, False, None, None, None, id="the letter and no PKCE"),
    ],
)
def test_a_redirect_uri_is_required_if_it_was_in_the_authorization_request(
    client, pkce, sent, presented, error
):
    """RFC 6749 section 4.1.3, to the letter for who registered that or has no PKCE (OAuth 2.1)."""
    server = a_server(a_client(**client))
    code = a_code(server, redirect_uri=sent, **({} if pkce else WITHOUT_PKCE))
    verifier = VERIFIER if pkce else None
    answer = redeem(server, code, code_verifier=verifier, redirect_uri=presented)
    assert answer.error == error


def test_it_is_what_the_live_registry_says_that_counts():
    """F32: registered between the authorization and the redemption."""
    code = a_code(a_server())
    assert redeem(a_server(a_client(**TO_THE_LETTER)), code).error == "invalid_grant"


@pytest.mark.parametrize(
    ("seconds", "error"),
    [
        pytest.param(0, None, id="at once"),
        pytest.param(59, None, id="in its last second"),
        pytest.param(60, "invalid_grant", id="one second late"),
        pytest.param(86_400, "invalid_grant", id="a day late"),
    ],
)
def test_a_code_is_good_for_its_lifetime_and_no_longer(seconds, error):
    """RFC 6749 section 4.1.2; security P18."""
    server = a_server(authorization_code_lifetime=60)
    assert redeem(server, a_code(server), now=NOW + seconds).error == error


def test_the_clients_own_code_lifetime_comes_before_the_issuers():
    server = a_server(a_client(authorization_code_lifetime=10), authorization_code_lifetime=60)
    code = a_code(server)
    assert redeem(server, code, now=NOW + 9).status == 200
    assert redeem(server, code, now=NOW + 10).error == "invalid_grant"


def test_a_code_lives_half_as_long_as_its_token_at_most():
    """So that whoever redeems it again gets no later token than the first was."""
    server = a_server(a_client(access_token_lifetime=30), authorization_code_lifetime=60)
    code = a_code(server)
    assert redeem(server, code, now=NOW + 14).status == 200
    assert redeem(server, code, now=NOW + 15).error == "invalid_grant"


def test_a_code_that_is_redeemed_twice_is_refused_where_there_is_a_store(tmp_path):
    """RFC 6749 section 4.1.2: MUST NOT be used more than once. Security P18, P24."""
    server = a_server()
    store = SQLiteStore(tmp_path / "replay.db")
    try:
        # The store vouches for nothing issued before its memory begins.
        ask(server, a_request("authorization_code", code=a_code(server), code_verifier=VERIFIER,
                              now=NOW), store=store)  # fmt: skip
        code = a_code(server, now=NOW + 200)
        request = a_request("authorization_code", code=code, code_verifier=VERIFIER, now=NOW + 205)
        answers = [ask(server, request, store=store) for _ in range(3)]
    finally:
        store.close()
    assert [answer.status for answer in answers] == [200, 400, 400]
    assert answers[1].error == "invalid_grant"


def test_a_code_that_is_redeemed_twice_without_a_store_gives_the_same_token_and_no_later_one():
    """The trade of a stateless issuer: the second token is the first one again."""
    server = a_server()
    code = a_code(server)
    first, second = (claims_of(server, redeem(server, code, now=NOW + at)) for at in (1, 24))
    assert first == second


@pytest.mark.parametrize(
    "parameters",
    [pytest.param({"code": None}, id="left out"), pytest.param({"code": ""}, id="empty")],
)
def test_a_missing_code_is_said_to_be_missing(parameters):
    """RFC 6749 section 5.2."""
    response = ask(a_server(), a_request("authorization_code", **parameters))
    assert response.error == "invalid_request"


WITHDRAWN_CLIENTS = [
    pytest.param({}, None, id="nothing is withdrawn"),
    pytest.param({"redirect_uris": (OTHER_CALLBACK,)}, "invalid_grant", id="the redirect URI"),
    pytest.param({"grant_types": ("client_credentials",)}, "unauthorized_client", id="the grant"),
    pytest.param({"resources": ()}, "invalid_target", id="every resource"),
    pytest.param({"not_before": NOW + 1}, "invalid_grant", id="everything before not_before"),
    pytest.param({"not_before": NOW}, None, id="everything before, but not what came at it"),
]


@pytest.mark.parametrize(("changed", "error"), WITHDRAWN_CLIENTS)
def test_what_the_registry_withdraws_meanwhile_is_not_given(changed, error):
    """The live registry is asked at redemption; nothing of it is in the code."""
    code = a_code(a_server())
    assert redeem(a_server(a_client(**changed)), code, now=NOW + 5).error == error


def test_a_scope_that_is_withdrawn_meanwhile_is_dropped():
    code = a_code(a_server())
    server = a_server(a_client(scope=type(a_client().scope)({"read"})))
    response = redeem(server, code)
    assert response.body["scope"] == "read"


def test_a_client_that_is_removed_meanwhile_is_not_known():
    code = a_code(a_server())
    assert redeem(a_server(a_client("another")), code).error == "invalid_client"


@pytest.mark.parametrize(
    ("users", "error"),
    [
        pytest.param((a_user(),), None, id="is still there"),
        pytest.param((a_user(email="new@example.com"),), None, id="has another address"),
        pytest.param((), "invalid_grant", id="is removed"),
        pytest.param((a_user(active=False),), "invalid_grant", id="is inactive"),
        pytest.param((a_user(not_before=NOW),), None, id="came back before this code"),
        pytest.param((a_user(not_before=NOW + 1),), "invalid_grant", id="drew a line after it"),
        pytest.param((a_user("bob", sub="alice"),), None, id="is renamed and keeps the sub"),
        pytest.param((a_user(sub="alice-2"),), "invalid_grant", id="is another one of that name"),
    ],
)
def test_the_user_must_still_be_there(users, error):
    """Security P22: a user who is gone gets nothing."""
    code = a_code(a_server())
    assert redeem(a_server(users=users), code, now=NOW + 5).error == error


@pytest.mark.parametrize(
    ("not_before", "error"),
    [pytest.param(NOW, None, id="not before it"), pytest.param(NOW + 1, "invalid_grant", id="it")],
)
def test_the_issuer_can_refuse_every_code_issued_before_an_instant(not_before, error):
    code = a_code(a_server())
    assert redeem(a_server(not_before=not_before), code, now=NOW + 5).error == error


def test_a_code_of_another_issuer_with_the_same_keys_is_refused():
    """Security J32."""
    code = a_code(a_server(url="https://staging.example"))
    assert redeem(a_server(), code).error == "invalid_grant"
    assert redeem(a_server(url="https://staging.example"), code).status == 200


def test_expired_forged_spent_and_foreign_codes_are_told_the_same():
    """Security P24: no oracle."""
    server = a_server(a_client("web"), a_client("thief"))
    code = a_code(server)
    forged = code[:-2] + ("AA" if code[-2:] != "AA" else "BB")
    late = redeem(server, code, now=NOW + 61)
    others = [
        redeem(server, forged),
        redeem(server, "nonsense"),
        redeem(server, code, client_id="thief"),
        redeem(server, code, redirect_uri=OTHER_CALLBACK),
        redeem(server, a_code(a_server(url="https://staging.example", ring=RING))),
    ]
    assert [told(each) for each in others] == [told(late)] * len(others)


def test_a_client_without_its_secret_learns_nothing_about_a_code():
    """RFC 6749 section 4.1.3: the client is authenticated before its code is looked at."""
    server = a_server()
    wrong = basic("web", "wrong")
    good, bad = a_code(server), "nonsense"
    answers = [redeem(server, code, authorization=wrong) for code in (good, bad)]
    assert told(answers[0]) == told(answers[1])
    assert answers[0].error == "invalid_client"
