"""RFC 8707: which resource server a token is for."""

import pytest

from issuer.errors import InvalidTarget
from issuer.registry import Registry
from issuer.registry.scope import Scope
from issuer.registry.settings import Settings
from issuer.server import AuthorizationServer
from tests.asking import a_refresh_token, a_request_of, ask, claims_of, redeem, refresh, scope_of
from tests.builders import (
    API,
    ISSUER,
    NOW,
    OTHER_API,
    RING,
    a_client,
    a_code,
    a_resource,
    a_server,
    a_user,
)
from tests.openid.builders import an_openid_server

BOTH = {"resources": (API, OTHER_API), "scope": Scope({"read", "write", "pay"})}
UNKNOWN = "https://unknown.example"


def asked(server, *resources, **parameters):
    """The answer to client_credentials for these resources."""
    pairs = [("grant_type", "client_credentials"), *parameters.items()]
    return ask(server, a_request_of(*pairs, *[("resource", each) for each in resources]))


@pytest.mark.parametrize(
    ("resources", "audience"),
    [
        pytest.param([], API, id="none: the first that is registered"),
        pytest.param([""], API, id="an empty one counts as none"),
        pytest.param([API], API, id="the first"),
        pytest.param([OTHER_API], OTHER_API, id="the second"),
        pytest.param(["", OTHER_API], OTHER_API, id="an empty one beside another"),
        pytest.param([API + "/"], API, id="what JavaScript's URL class makes of it"),
    ],
)
def test_a_token_is_for_the_resource_that_was_asked_for(resources, audience):
    """RFC 8707 section 2.2."""
    server = a_server(a_client(**BOTH))
    assert claims_of(server, asked(server, *resources))["aud"] == audience


@pytest.mark.parametrize(
    "resources",
    [
        pytest.param([UNKNOWN], id="unknown"),
        pytest.param([API, OTHER_API], id="two: a token has one audience"),
        pytest.param([API, API], id="the same twice"),
        pytest.param([API + "//"], id="two slashes more"),
        pytest.param([API + "/?"], id="a slash and an empty query more"),
        pytest.param([API, API + "/"], id="the same in two spellings"),
        pytest.param([API + ":443"], id="the default port"),
        pytest.param([API.upper()], id="upper case"),
        pytest.param([API + "#"], id="a fragment"),
        pytest.param(["api.example"], id="no URI"),
        pytest.param(["\0"], id="a NUL"),
        pytest.param([API + "\u00e9"], id="beyond ASCII"),
    ],
)
def test_another_resource_is_refused(resources):
    """RFC 8707 section 2: invalid_target."""
    assert asked(a_server(a_client(**BOTH)), *resources).error == "invalid_target"


def test_a_resource_that_is_not_the_clients_is_refused_like_an_unknown_one():
    """Which resources there are is not told."""
    server = a_server(a_client(resources=(API,)))
    assert asked(server, OTHER_API).body == asked(server, UNKNOWN).body
    assert asked(server, OTHER_API).error == "invalid_target"


@pytest.mark.parametrize(
    ("resource", "scope", "given"),
    [
        pytest.param(API, None, {"read", "write"}, id="what the first one knows"),
        pytest.param(OTHER_API, None, {"read", "pay"}, id="what the second one knows"),
        pytest.param(OTHER_API, "pay", {"pay"}, id="a scope of the second, asked for"),
        pytest.param(API, "pay", None, id="a scope of the second, asked for at the first"),
        pytest.param(OTHER_API, "read write", None, id="one that the second does not know"),
    ],
)
def test_a_scope_means_something_to_its_own_resource_only(resource, scope, given):
    """RFC 8707 section 2.2."""
    answer = asked(a_server(a_client(**BOTH)), resource, **({"scope": scope} if scope else {}))
    if given is None:
        assert answer.error == "invalid_scope"
    else:
        assert scope_of(answer) == given


@pytest.mark.parametrize(
    ("granted", "requested", "audience"),
    [
        pytest.param((), [], API, id="nothing named: the first that is registered"),
        pytest.param((OTHER_API,), [], OTHER_API, id="what was granted"),
        pytest.param((OTHER_API,), [OTHER_API], OTHER_API, id="what was granted, named"),
        pytest.param((OTHER_API,), [API], None, id="registered, but not granted"),
        pytest.param((API, OTHER_API), [], API, id="the first of two that were granted"),
        pytest.param((API, OTHER_API), [OTHER_API], OTHER_API, id="the second of two"),
        pytest.param((API,), [UNKNOWN], None, id="unknown"),
    ],
)
def test_a_code_and_its_refresh_token_are_for_what_was_granted(granted, requested, audience):
    """RFC 8707 section 2.2."""
    server = a_server(a_client(**BOTH))
    pairs = [("resource", each) for each in requested]
    held = a_refresh_token(server, resource=granted)
    refreshing = [("grant_type", "refresh_token"), ("refresh_token", held), *pairs]
    parameters = {"resource": requested[0]} if requested else {}
    for answer in (
        redeem(server, a_code(server, resource=granted), **parameters),
        ask(server, a_request_of(*refreshing)),
    ):
        if audience is None:
            assert answer.error == "invalid_target"
        else:
            assert claims_of(server, answer)["aud"] == audience


def test_a_resource_that_is_removed_meanwhile_is_not_given():
    server = a_server(a_client(**BOTH))
    code = a_code(server, resource=(API,))
    smaller = Registry.of(
        server.registry.issuer,
        resources=(a_resource(OTHER_API, scopes=("read",)),),
        clients=(a_client(resources=(OTHER_API,), scope=Scope({"read"})),),
        users=tuple(server.registry.users.values()),
    )
    later = AuthorizationServer.of(smaller, RING)
    assert redeem(later, code, now=NOW + 1).error == "invalid_target"
    assert redeem(server, code, now=NOW + 1).status == 200


def test_of_two_granted_resources_one_may_be_withdrawn():
    both = a_server(a_client(**BOTH))
    code = a_code(both, resource=(API, OTHER_API))
    one = a_server(a_client(resources=(OTHER_API,), scope=Scope({"read", "pay"})))
    assert claims_of(one, redeem(one, code))["aud"] == OTHER_API


WITH_OPENID = Scope({"openid", "read", "pay"})


@pytest.mark.parametrize(
    ("granted", "left", "requested", "audience"),
    [
        pytest.param((API,), (API,), None, API, id="nothing was withdrawn"),
        pytest.param((API,), (OTHER_API,), None, None, id="the only API was"),
        pytest.param((API,), (), None, None, id="the only API was, and none is left"),
        pytest.param((API,), (OTHER_API,), ISSUER, ISSUER, id="the only API was; issuer, named"),
        pytest.param((API,), (OTHER_API,), API, None, id="the only API was, and is named"),
        pytest.param((API, OTHER_API), (OTHER_API,), None, OTHER_API, id="the next is taken"),
        pytest.param((ISSUER,), (API,), None, ISSUER, id="the issuer is what was asked for"),
        pytest.param(
            (ISSUER, API), (OTHER_API,), None, ISSUER, id="the issuer was asked for first"
        ),
        pytest.param((API, ISSUER), (OTHER_API,), None, None, id="the issuer was not the first"),
    ],
)
def test_nobody_gets_a_token_for_an_audience_that_they_did_not_ask_for(
    granted, left, requested, audience
):
    """F32: the issuer that openid put beside an API is no default where the API is withdrawn."""
    before = an_openid_server(a_client(resources=(API, OTHER_API), scope=WITH_OPENID))
    code = a_code(before, resource=granted, scope="openid")
    held = str(redeem(before, code).body["refresh_token"])
    after = an_openid_server(a_client(resources=left, scope=WITH_OPENID))
    named = {} if requested is None else {"resource": requested}
    for answer in (redeem(after, code, **named), refresh(after, held, **named)):
        if audience is None:
            assert answer.error == "invalid_target"
        else:
            assert claims_of(after, answer)["aud"] == audience
    assert refresh(before, held).status == 200


@pytest.mark.parametrize(
    ("registered", "asked_for"),
    [
        pytest.param(API, API + "/", id="registered without the slash"),
        pytest.param(API + "/", API, id="registered with it"),
        pytest.param(API + "/", API + "/", id="as registered"),
    ],
)
def test_an_empty_path_and_a_slash_are_one_resource_whatever_the_grant(registered, asked_for):
    """RFC 3986 section 6.2.3. The audience stays as it was registered."""
    web = a_client(resources=(registered,))
    server = AuthorizationServer.of(
        Registry.of(Settings(url=ISSUER), resources=(a_resource(registered),), clients=(web,),
                    users=(a_user(),)), RING)  # fmt: skip
    code = a_code(server, resource=(asked_for,))
    first = redeem(server, code, resource=asked_for)
    held = str(first.body["refresh_token"])
    for answer in (first, refresh(server, held, resource=asked_for), asked(server, asked_for)):
        assert claims_of(server, answer)["aud"] == registered
    elsewhere = refresh(server, held, resource=asked_for + "/mcp")
    assert elsewhere.error == "invalid_target"


def test_a_client_may_not_ask_its_user_for_another_resource():
    with pytest.raises(InvalidTarget):
        a_code(a_server(), resource=(OTHER_API,))
