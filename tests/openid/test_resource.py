"""The issuer itself as a resource: who may have tokens for it, and when a grant is for it."""

import pytest

from issuer.errors import InvalidScope
from issuer.protocol.sealed import AuthorizationCode
from issuer.registry.scope import Scope
from issuer.token import TokenGenerator
from tests.asking import a_refresh_token, ask, claims_of, redeem, refresh, scope_of
from tests.builders import (
    API,
    ISSUER,
    NOW,
    OTHER_API,
    a_client,
    a_code,
    a_mac_resource,
    a_request,
    a_resource,
    a_server,
)
from tests.openid.builders import (
    EVERYTHING,
    IDENTITY,
    a_relying_party,
    an_openid_server,
    with_resources,
)

SERVER = an_openid_server()
WITH_API = a_relying_party()
ALONE = a_relying_party(resources=(), scope=IDENTITY, grant_types=("authorization_code",))


def code_of(server, **request) -> AuthorizationCode:
    return server.sealer.open(AuthorizationCode, a_code(server, **request), now=NOW)


@pytest.mark.parametrize(
    ("client", "request_", "resources"),
    [
        pytest.param(WITH_API, {"scope": "openid read"}, (API, ISSUER), id="beside its own"),
        pytest.param(WITH_API, {"scope": "read"}, (API,), id="openid was not asked for"),
        pytest.param(WITH_API, {}, (API,), id="no scope: openid was not asked for"),
        pytest.param(WITH_API, {"scope": "openid", "resource": (ISSUER,)}, (ISSUER,), id="alone"),
        pytest.param(
            WITH_API,
            {"scope": "openid", "resource": (ISSUER, API)},
            (ISSUER, API),
            id="in the order that was asked for",
        ),
        pytest.param(ALONE, {"scope": "openid email"}, (ISSUER,), id="the only one it may have"),
        pytest.param(a_client(), {"scope": "read"}, (API,), id="not without openid"),
    ],
)
def test_a_code_whose_scope_has_openid_is_for_the_issuer_too(client, request_, resources):
    code = code_of(an_openid_server(client), **request_)
    assert code.resources == resources
    assert ("openid" in code.scope) == (ISSUER in resources)


def test_a_client_without_openid_has_no_tokens_for_the_issuer():
    server = a_server(a_client())
    with pytest.raises(InvalidScope):
        a_code(server, scope="openid")
    asked = ask(server, a_request(resource=ISSUER))
    assert asked.error == "invalid_target"


def test_a_client_acting_for_itself_is_nobody_to_the_issuer():
    """There is no user to tell anything about."""
    assert ask(SERVER, a_request(resource=ISSUER)).error == "invalid_target"
    assert scope_of(ask(SERVER, a_request())) == {"read", "write"}


@pytest.mark.parametrize(
    ("asked", "audience", "scope"),
    [
        pytest.param({}, API, EVERYTHING, id="its own resource first"),
        pytest.param({"resource": OTHER_API}, OTHER_API, f"{IDENTITY} read", id="another of its"),
        pytest.param({"resource": ISSUER}, ISSUER, str(IDENTITY), id="the issuer, asked for"),
    ],
)
def test_a_token_says_what_its_audience_knows_and_who_the_user_is(asked, audience, scope):
    """B13: one audience. What the answer says of the scope, the token says too."""
    server = an_openid_server(a_relying_party(resources=(API, OTHER_API)))
    code = {"scope": EVERYTHING, "resource": (API, OTHER_API, ISSUER)}
    held = a_refresh_token(server, **code)
    for response in (
        redeem(server, a_code(server, **code), **asked),
        refresh(server, held, **asked),
    ):
        claims = claims_of(server, response)
        assert claims["aud"] == audience
        assert set(claims["scope"].split()) == set(scope.split()) == scope_of(response)


@pytest.mark.parametrize("api", [
    pytest.param(a_resource(userinfo=False), id="must not be able to ask who its callers are"),
    pytest.param(a_mac_resource(API), id="takes mac tokens"),
])  # fmt: skip
def test_a_resource_whose_tokens_are_no_good_at_userinfo_reads_nothing_of_openid(api):
    """The client has it all the same: its ID token says who the user is."""
    server = with_resources(api)
    first = redeem(server, a_code(server, scope="openid email read offline_access"))
    for response in (first, refresh(server, str(first.body["refresh_token"]))):
        assert claims_of(server, response)["scope"] == "offline_access read"
        assert scope_of(response) == {"openid", "email", "read", "offline_access"}
        assert "id_token" in response.body


@pytest.mark.parametrize(
    ("requested", "scope"),
    [
        (None, {*IDENTITY, "read", "write"}),
        ("openid read", {"openid", "read"}),
        ("openid email", {"openid", "email"}),
        ("read", {"read"}),
        ("read offline_access", {"read", "offline_access"}),
        ("openid pay", None),
        ("openid groups", None),
    ],
)  # fmt: skip
def test_a_refresh_keeps_what_was_granted_and_narrowing_drops_the_rest(requested, scope):
    """RFC 6749 section 6: nothing that was not granted, known or not."""
    held = a_refresh_token(SERVER, scope=EVERYTHING)
    answer = refresh(SERVER, held, **({"scope": requested} if requested else {}))
    if scope is None:
        assert answer.error == "invalid_scope"
        assert answer.body["error_description"] == (
            "Part of the scope was not granted for this resource."
        )
    else:
        assert set(claims_of(SERVER, answer)["scope"].split()) == scope == scope_of(answer)
        assert ("id_token" in answer.body) == ("openid" in scope)


def test_a_client_that_loses_openid_loses_the_issuer():
    held, code = a_refresh_token(SERVER, scope=EVERYTHING), a_code(SERVER, scope="openid read")
    later = an_openid_server(a_client())
    for response in (refresh(later, held), redeem(later, code)):
        assert scope_of(response) <= {"read", "write", "offline_access"}
        assert claims_of(later, response)["aud"] == API
    assert refresh(later, held, resource=ISSUER).error == "invalid_target"


@pytest.mark.parametrize(
    ("policy", "scope"), [("read email", {"read"}), ("read openid", {"read", "openid"})]
)
def test_a_policy_without_openid_gives_nothing_of_it(policy, scope):
    held = a_refresh_token(SERVER, scope=EVERYTHING)
    request = a_request("refresh_token", refresh_token=held)
    assert scope_of(ask(SERVER, request, generator=TokenGenerator(scope=policy))) == scope


def test_a_scope_of_that_name_at_another_resource_is_that_resources_affair():
    """A team's own API may call a scope openid; without the issuer it tells nothing of a user."""
    server = an_openid_server(a_relying_party(scope=Scope({"openid", "read", "pay"}),
                                              resources=(API, OTHER_API)))  # fmt: skip
    response = ask(server, a_request(resource=OTHER_API))
    assert scope_of(response) == {"read", "pay"}
