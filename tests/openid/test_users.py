"""What is known of a user: OpenID Connect Core section 5, and users whom no registry knows."""

import pytest
from msgspec.structs import replace

from issuer.protocol.sealed import Login
from issuer.registry.released import Place
from issuer.registry.scope import Scope
from issuer.registry.user import CLAIM_NAMES, User
from tests.asking import claims_of, refresh
from tests.builders import NOW
from tests.openid.builders import a_known_user, a_relying_party, an_openid_server, redeemed

LOGIN_URL = "https://login.example/"
BOB = Login(amr=("hwk",), claims={"name": "Bob", "email": "bob@b.example", "groups": ["a"]})


@pytest.mark.parametrize(
    ("scope", "claims"),
    [
        ("openid", {}),
        (
            "openid profile",
            {
                "name": "Alice Example",
                "preferred_username": "alice",
                "picture": "https://alice.example/me.png",
            },
        ),
        ("openid email", {"email": "alice@example.com", "email_verified": True}),
        ("address", {"address": {"locality": "Berlin", "country": "DE"}}),
        ("phone offline_access", {"phone_number": "+49 30 1234"}),
    ],
)
def test_a_scope_tells_its_own_claims_of_a_user(scope, claims):
    """OpenID Connect Core section 5.4; what is not known is left out (5.3.2)."""
    told = an_openid_server().registry.releasing.told
    for place in (Place.ID_TOKEN, Place.USERINFO):
        assert told(a_known_user(), Scope.parse(scope), place) == claims
    assert told(a_known_user(), Scope.parse(scope), Place.ACCESS_TOKEN) == {}


def test_every_standard_claim_is_a_field():
    assert {*CLAIM_NAMES} <= {*User.__dataclass_fields__}
    assert len(CLAIM_NAMES) == 19


@pytest.mark.parametrize(
    ("field", "bad", "good"),
    [
        ("picture", "javascript:alert(1)", "https://a.example/b.png"),
        ("website", "a.example", "http://a.example"),
        ("birthdate", "31.12.1990", "0000-12-31"),
        ("birthdate", "90", "1990"),
        ("email_verified", "true", True),
        ("name", "a\nb", "a b"),
        ("updated_at", "yesterday", 1_700_000_000),
        ("address", {"city": "Berlin"}, {"formatted": "A\nB"}),
        ("address", "Berlin", {"country": "DE"}),
    ],
)
def test_a_claim_has_its_type(field, bad, good):
    """OpenID Connect Core section 5.1."""
    assert getattr(User.of_claims("b", {field: good}), field)
    with pytest.raises(ValueError, match=field):
        User.of_claims("b", {field: bad})


def test_a_user_in_no_registry_is_honoured_while_a_login_application_can_vouch_for_them():
    server = an_openid_server(login_url=LOGIN_URL)
    response = redeemed(server, sub="bob", login=BOB)
    assert claims_of(server, response)["sub"] == "bob"
    held = str(response.body["refresh_token"])
    assert claims_of(server, refresh(server, held))["sub"] == "bob"
    without = an_openid_server()
    assert redeemed(without, sub="bob", login=BOB).error == "invalid_grant"
    assert refresh(without, held).error == "invalid_grant"


def test_a_user_in_no_registry_whom_nobody_vouched_for_is_refused():
    server = an_openid_server(login_url=LOGIN_URL)
    assert redeemed(server, sub="bob", login=replace(BOB, claims=None)).error == "invalid_grant"
    assert redeemed(server, sub="bob").error == "invalid_grant"


@pytest.mark.parametrize(
    ("registered", "error"),
    [
        ({}, None),
        ({"active": False}, "invalid_grant"),
        ({"not_before": NOW}, None),
        ({"not_before": NOW + 1}, "invalid_grant"),
    ],
)
def test_the_registry_has_the_last_word_on_whom_it_knows(registered, error):
    users = (a_known_user(), a_known_user(username="bob", **registered))
    server = an_openid_server(login_url=LOGIN_URL, users=users)
    assert redeemed(server, sub="bob", login=BOB).error == error


def test_claims_that_cannot_be_read_are_a_refusal():
    """Not a fault: the application that said so is to be put right."""
    server = an_openid_server(a_relying_party(), login_url=LOGIN_URL)
    login = replace(BOB, claims={"email_verified": "yes"})
    response = redeemed(server, sub="bob", login=login)
    assert response.error == "invalid_grant"
    assert "type" in response.log["detail"]
