"""The issuer itself as a resource: who may have tokens for it, and when a grant is for it."""

import pytest

from issuer.errors import InvalidScope
from issuer.scope import Scope
from issuer.sealed import AuthorizationCode
from issuer.token import TokenGenerator
from tests.asking import a_refresh_token, ask, claims_of, redeem, refresh, scope_of
from tests.builders import API, ISSUER, NOW, OTHER_API, a_client, a_code, a_request, a_server
from tests.openid.builders import IDENTITY, a_relying_party, an_openid_server

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
        pytest.param(WITH_API, {}, (API, ISSUER), id="no scope: all that it may have"),
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
        pytest.param({}, API, "read write", id="its own resource first"),
        pytest.param({"resource": ISSUER}, ISSUER, str(IDENTITY), id="the issuer, asked for"),
    ],
)
def test_a_token_says_what_its_audience_knows_and_the_response_all_of_it(asked, audience, scope):
    """B13: one audience, and no scope that is nothing to it."""
    held = a_refresh_token(SERVER)
    for response in (redeem(SERVER, **asked), refresh(SERVER, held, **asked)):
        claims = claims_of(SERVER, response)
        assert (claims["aud"], claims["scope"]) == (audience, scope)
        assert scope_of(response) == {*scope.split(), *IDENTITY}


@pytest.mark.parametrize(
    ("requested", "token", "response"),
    [
        ("openid read", {"read"}, {"openid", "read"}),
        ("openid email", set(), {"openid", "email"}),
        ("read", {"read"}, {"read"}),
        ("openid pay", None, None),
    ],
)
def test_a_refresh_may_ask_for_a_part_of_both(requested, token, response):
    answer = refresh(SERVER, scope=requested)
    if token is None:
        assert answer.error == "invalid_scope"
    else:
        assert set(claims_of(SERVER, answer).get("scope", "").split()) == token
        assert scope_of(answer) == response


def test_a_client_that_loses_openid_loses_the_issuer():
    held, code = a_refresh_token(SERVER), a_code(SERVER, scope="openid read")
    later = an_openid_server(a_client())
    for response in (refresh(later, held), redeem(later, code)):
        assert scope_of(response) <= {"read", "write"}
        assert claims_of(later, response)["aud"] == API
    assert refresh(later, held, resource=ISSUER).error == "invalid_target"


def test_a_policy_without_openid_gives_nothing_of_it():
    generator = TokenGenerator(scope="read email")
    response = ask(
        SERVER,
        a_request("refresh_token", refresh_token=a_refresh_token(SERVER)),
        generator=generator,
    )
    assert scope_of(response) == {"read"}
    generous = TokenGenerator(scope="read openid")
    response = ask(
        SERVER,
        a_request("refresh_token", refresh_token=a_refresh_token(SERVER)),
        generator=generous,
    )
    assert scope_of(response) == {"read", "openid"}


def test_a_scope_of_that_name_at_another_resource_is_that_resources_affair():
    """A team's own API may call a scope openid; without the issuer it tells nothing of a user."""
    server = an_openid_server(a_relying_party(scope=Scope({"openid", "read", "pay"}),
                                              resources=(API, OTHER_API)))  # fmt: skip
    response = ask(server, a_request(resource=OTHER_API))
    assert scope_of(response) == {"read", "pay"}
