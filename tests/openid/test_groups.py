"""What people are in: groups, roles and other claims, who is told them, and where."""

import json
from typing import Any

import jwt
import pytest

from issuer.browser import login_application
from issuer.browser.userinfo import tell
from issuer.metadata import metadata
from issuer.protocol.sealed import Login
from issuer.registry import InvalidRegistry, parse
from issuer.registry.advice import warnings
from issuer.registry.client_claims import ISSUER_CLAIMS
from issuer.registry.released import Group, Place, ReleasedClaim
from issuer.registry.scope import Scope
from issuer.registry.user import MAX_CLAIMS, User
from issuer.token import OFFERED
from tests.asking import ask, claims_of, refresh
from tests.builders import (
    API,
    ISSUER,
    MAC_API,
    NOW,
    PASSWORD,
    VERIFIER,
    a_code,
    a_request,
    a_user,
    showing,
)
from tests.openid.builders import IDENTITY, a_relying_party, an_openid_server, redeemed
from tests.registry.test_refusals import WHOLE

EVERYWHERE = (*Place,)
ADMINS = Group(group="admins", users=("alice",), roles=("admin",))
STAFF = Group(group="all staff", users=("alice",), subjects=("carol",), roles=("reader", "admin"))
CLAIMS = (
    ReleasedClaim(claim="groups"),
    ReleasedClaim(claim="roles", scopes=("groups", "read"), told_in=(Place.ACCESS_TOKEN,)),
    ReleasedClaim(claim="department", scopes=("profile",), told_in=EVERYWHERE),
)
ALICE = a_user(claims={"department": "ops", "groups": ["night shift"], "secret": 1})
WHO = Scope({*IDENTITY, "groups", "read", "write"})
LOGIN_URL = "https://login.example/"


def a_server_with(*clients, **registry):
    given = {"users": (ALICE,), "groups": (STAFF, ADMINS), "claims": CLAIMS} | registry
    return an_openid_server(*(clients or (a_relying_party(scope=WHO),)), **given)


SERVER = a_server_with()


def userinfo(server, token) -> dict[str, Any]:
    return dict(tell(server, showing(f"Bearer {token}")).claims)


def told_in_id_token(response) -> dict[str, Any]:
    return jwt.decode(str(response.body["id_token"]), options={"verify_signature": False})


def test_the_groups_of_a_user_are_told_with_their_scope():
    """In the order of their names, those that the user's own record says among them."""
    response = redeemed(SERVER, scope="openid groups read")
    assert told_in_id_token(response)["groups"] == ["admins", "all staff", "night shift"]
    assert "groups" not in claims_of(SERVER, response)
    own = redeemed(SERVER, scope="openid groups", asked=ISSUER).access_token
    told = userinfo(SERVER, own)
    assert told == {"sub": "alice", "groups": ["admins", "all staff", "night shift"]}


@pytest.mark.parametrize("scope", ["openid read", "openid email read", "openid profile read"])
def test_another_scope_does_not_tell_them(scope):
    response = redeemed(SERVER, scope=scope)
    assert "groups" not in told_in_id_token(response)
    assert "groups" in told_in_id_token(redeemed(SERVER, scope=f"{scope} groups"))


def test_a_claim_is_told_where_the_table_says():
    response = redeemed(SERVER, scope="openid profile read")
    assert claims_of(SERVER, response)["department"] == "ops"
    assert claims_of(SERVER, response)["roles"] == ["admin", "reader"]
    told = told_in_id_token(response)
    assert (told["department"], told.get("roles")) == ("ops", None)


def test_an_apis_own_scope_tells_it_what_its_callers_are_in():
    """Without ``openid``: an API may need to know what somebody may do, and not who that is."""
    response = redeemed(SERVER, scope="read")
    claims = claims_of(SERVER, response)
    assert (claims["roles"], claims["scope"]) == (["admin", "reader"], "read")
    assert "roles" not in claims_of(SERVER, redeemed(SERVER, scope="write"))


@pytest.mark.parametrize("grant", ["password", "refresh_token", "client_credentials"])
def test_each_grant_of_a_user_tells_the_same_of_them(grant):
    if grant == "refresh_token":
        response = refresh(
            SERVER, str(redeemed(SERVER, scope="read offline_access").body["refresh_token"])
        )
    else:
        who = {"username": "alice", "password": PASSWORD} if grant == "password" else {}
        response = ask(SERVER, a_request(grant, scope="read", **who))
    assert response.status == 200, response.log
    roles = claims_of(SERVER, response).get("roles")
    assert roles == (None if grant == "client_credentials" else ["admin", "reader"])


def test_a_mac_token_tells_it_as_well():
    client = a_relying_party(scope=WHO, resources=(API, MAC_API))
    server = a_server_with(client)
    response = redeemed(server, scope="read", resource=(MAC_API,))
    assert response.body["token_type"] == "mac"
    assert claims_of(server, response)["roles"] == ["admin", "reader"]


def test_whoever_is_taken_out_of_a_group_is_not_in_it_in_the_next_token():
    refresh_token = str(
        redeemed(SERVER, scope="openid groups read offline_access").body["refresh_token"]
    )
    later = a_server_with(groups=(Group(group="admins"),), users=(a_user(),))
    response = refresh(later, refresh_token)
    assert "groups" not in told_in_id_token(response)
    assert "roles" not in claims_of(later, response)
    told = told_in_id_token(refresh(SERVER, refresh_token))
    assert "admins" in told["groups"]


def test_userinfo_says_what_they_are_in_by_now():
    token = redeemed(SERVER, scope="openid groups", asked=ISSUER).access_token
    later = a_server_with(groups=(ADMINS,), users=(a_user(),))
    assert userinfo(later, token)["groups"] == ["admins"]


def test_a_client_has_to_have_registered_the_scope():
    code = {"scope": "openid groups", "resource": (ISSUER,)}
    server = a_server_with(a_relying_party())
    with pytest.raises(Exception, match="not registered"):
        a_code(server, **code)
    assert a_code(SERVER, **code)


def test_the_same_code_yields_the_same_bytes_whatever_order_the_groups_stand_in():
    other = a_server_with(groups=(ADMINS, STAFF))
    code = a_code(SERVER, scope="openid groups read profile")
    request = a_request("authorization_code", code=code, code_verifier=VERIFIER)
    first, second = ask(SERVER, request).body, ask(other, request).body
    assert first["access_token"] == second["access_token"]
    assert told_in_id_token(ask(SERVER, request)) == told_in_id_token(ask(other, request))


CAROL = Login(claims={"name": "Carol", "groups": ["guests"], "department": "sales"})


def test_whom_a_login_application_vouches_for_is_in_what_it_says_and_in_groups_by_sub():
    server = a_server_with(login_url=LOGIN_URL)
    response = redeemed(server, sub="carol", login=CAROL, scope="openid groups profile read")
    told = told_in_id_token(response)
    assert (told["groups"], told["department"]) == (["all staff", "guests"], "sales")
    own = redeemed(server, sub="carol", login=CAROL, scope="openid groups", asked=ISSUER)
    token = own.access_token
    assert userinfo(server, token)["groups"] == ["all staff", "guests"]
    later = a_server_with(groups=(), login_url=LOGIN_URL)
    assert userinfo(later, token)["groups"] == ["guests"]


def test_the_registry_alone_says_what_its_own_users_are_in():
    server = a_server_with(login_url=LOGIN_URL)
    said = Login(claims={"groups": ["admins of everything"]})
    told = told_in_id_token(redeemed(server, login=said, scope="openid groups"))
    assert told["groups"] == ["admins", "all staff", "night shift"]


def test_of_a_login_applications_claims_those_are_kept_that_some_scope_tells():
    server = a_server_with(login_url=LOGIN_URL)
    said = {"name": "Carol", "groups": ["a"], "salary": 1, "iss": "x", "department": {"id": 7}}
    kept = login_application._claims_of(server, {"claims": said})
    assert kept == {"name": "Carol", "groups": ["a"], "department": {"id": 7}}


@pytest.mark.parametrize("groups", ["admins", [1], {"a": 1}, ["g" * 30] * 100])
def test_groups_of_another_form_are_refused_with_the_login(groups):
    server = a_server_with(login_url=LOGIN_URL)
    with pytest.raises(login_application.InvalidLoginResponse):
        login_application._claims_of(server, {"claims": {"groups": groups}})
    assert login_application._claims_of(server, {"claims": {"groups": ["admins"]}})


def test_metadata_announce_what_can_be_asked_for_and_told():
    """OpenID Connect Discovery section 3."""
    document = metadata(SERVER, NOW)
    assert {"groups", "profile"} <= {*document["scopes_supported"]}
    assert {"groups", "roles", "department"} <= {*document["claims_supported"]}
    assert "secret" not in document["claims_supported"]
    assert "groups" not in metadata(an_openid_server(), NOW)["scopes_supported"]


def read(**changes: Any):
    return parse({"registry.json": json.dumps(WHOLE | changes).encode()}, OFFERED)


def problems(**changes: Any) -> list[str]:
    with pytest.raises(InvalidRegistry) as refused:
        read(**changes)
    return [str(each) for each in refused.value.problems]


@pytest.mark.parametrize(
    ("tables", "problem"),
    [
        ({"groups": {"a": {"users": ["alcie"]}}},
         'groups.a.users[0]: "alcie" is no user here; did you mean "alice"?'),
        ({"groups": {"a": {"users": "alice"}}},
         "groups.a.users: must be a list in brackets, also of one thing, such as [\"alice\"]"),
        ({"groups": {"a": {"users": ["alice"], "subjects": ["alice"]}}},
         'groups.a.subjects[0]: is the sub of "alice", who is among the users already'),
        ({"claims": {"sub": {}}},
         "claims.sub.claim: is what the issuer says itself: take another name"),
        ({"claims": {"groups": {"scopes": ["offline_access"]}}},
         "claims.groups.scopes: must not have offline_access, which tells nothing of a user"),
        ({"claims": {"groups": {"scope": ["a"]}}},
         'claims.groups.scope: unknown key; did you mean "scopes"?'),
        ({"users": {"alice": {"claims": {"iss": "x"}}}},
         "users.alice.claims: must not set what the issuer says itself: iss"),
        ({"users": {"alice": {"claims": {"email": "x"}}}},
         "users.alice.claims: must not have email: each is a field of its own"),
        ({"users": {"alice": {"claims": {"roles": "admin"}}}},
         'users.alice.claims: must have roles as a list of texts, such as roles = ["ops"]'),
        ({"users": {"alice": {"claims": {"a": "x" * MAX_CLAIMS}}}},
         f"users.alice.claims: must have at most {MAX_CLAIMS} characters as JSON: tokens carry "
         "them"),
        ({"users": {"alice": {}}, "claims": {"groups": {"told_in": ["access_token"]}},
          "groups": {f"group number {n:04}": {"users": ["alice"]} for n in range(300)}},
         "users.alice: what the claims table tells of this user in the access_token takes 8016 "
         "characters, and more than 6500 make a token that is refused for its length: leave "
         "something out"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_where_it_stands(tables, problem):
    assert problems(**tables) == [f"registry.json: {problem}"]


def test_what_can_be_is_read():
    registry = read(
        groups={"a": {"users": ["alice"], "subjects": ["carol"], "roles": ["admin"]}},
        claims={"groups": {}, "https://example.com/tier": {"scopes": ["profile"]}},
        users={"alice": {"claims": {"https://example.com/tier": 1, "roles": ["x"]}}},
    )
    assert registry.claims["groups"].scopes == ("groups",)
    assert registry.releasing.groups_of("carol") == ("a",)


def test_every_claim_of_the_issuers_own_is_kept_out():
    for name in ISSUER_CLAIMS:
        assert problems(claims={name: {}})
        assert problems(users={"alice": {"claims": {name: 1}}})
        assert name not in User.of_claims("b", {name: 1}).claims


def warned(**tables: Any) -> list[str]:
    return [f"{'.'.join(map(str, path))}: {why}" for path, why in warnings(read(**tables))]


def test_check_warns_of_what_nobody_is_told():
    tables = {"groups": {"a": {"users": ["alice"]}}, "users": {"alice": {"claims": {"x": 1}}}}
    said = "\n".join(warned(**tables))
    assert "groups: are told to nobody: [claims.groups] lets the scope groups tell them" in said
    assert "users.alice.claims.x: is told to nobody: no scope tells it; [claims.x] says" in said
    told = "\n".join(warned(**tables, claims={"groups": {}, "x": {}}))
    assert "told to nobody" not in told


def test_check_warns_of_groups_that_make_a_token_large():
    groups = {f"group number {n:04}": {"users": ["alice"]} for n in range(100)}
    said = "\n".join(warned(groups=groups, claims={"groups": {}}))
    assert "users.alice: has groups and claims that take 2683 characters of an id_token" in said
    few = dict(list(groups.items())[:70])
    assert "users.alice" not in "\n".join(warned(groups=few, claims={"groups": {}}))
