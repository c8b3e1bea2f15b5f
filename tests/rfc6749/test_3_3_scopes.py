"""RFC 6749 section 3.3: what a scope asks for, what of it is given, and what is said of the rest.

Who is sent to a page gets what is understood of the scope (OpenID Connect Core section 3.1.2.1);
everywhere else, each word of it must be registered.
"""

from typing import Any

import pytest

from issuer.browser.authorize import AuthorizationRequest, validate
from issuer.registry.scope import Scope
from tests.asking import a_public_request, ask, claims_of, redeem, refresh, scope_of
from tests.browser.builders import a_form, refused
from tests.builders import (
    API,
    CALLBACK,
    CHALLENGE,
    ISSUER,
    OTHER_API,
    PASSWORD,
    VERIFIER,
    a_client,
    a_code,
    a_public_client,
    a_request,
    a_server,
)
from tests.openid.builders import IDENTITY, an_openid_server

UNKNOWN = "Nothing in the scope is known here."
NOT_REGISTERED = "Part of the scope is not registered for this client and resource."
NEEDS_OPENID = "For this resource, the scope must have openid."
WHO = "Who the user is takes openid in the scope."
MALFORMED = "The scope is malformed."
OPENID_HERE = "openid is for authorization codes, and what is refreshed from them."
NOT_GRANTED = "Part of the scope was not granted for this resource."

CONFIDENTIAL = a_client(resources=(API, OTHER_API), scope=Scope({"read", "write", "pay"}))
PUBLIC = a_public_client("web", scope=Scope({"read", "write", "offline_access"}))
WISHING = a_client(scope=Scope({"read", "offline_access"}))
SIGNING_IN = a_client(scope=Scope({"openid", "email", "read"}))
SIGNING_IN_FOR_GOOD = a_client(scope=Scope({*IDENTITY, "read"}))
SIGNING_IN_ONLY = a_client(
    scope=IDENTITY, resources=(), grant_types=("authorization_code", "refresh_token")
)
WITHOUT_REFRESH = a_client(scope=Scope({"openid", "read"}), grant_types=("authorization_code",))


@pytest.mark.parametrize(
    ("client", "requested", "asked_for"),
    [
        # --- no scope: what is registered, but nothing that somebody has to ask for ---
        pytest.param(CONFIDENTIAL, None, "read write", id="no scope"),
        pytest.param(PUBLIC, None, "read write", id="no scope, public"),
        pytest.param(SIGNING_IN_FOR_GOOD, None, "read", id="no scope, openid registered"),
        pytest.param(SIGNING_IN_ONLY, None, NEEDS_OPENID, id="no scope, nothing but openid"),
        # --- offline_access: a wish, never a reason to refuse ---
        pytest.param(CONFIDENTIAL, "read offline_access", "read offline_access", id="a wish"),
        pytest.param(WISHING, "read offline_access", "read offline_access", id="a wish registered"),
        pytest.param(PUBLIC, "read offline_access", "read", id="a wish of a public client"),
        pytest.param(WITHOUT_REFRESH, "read offline_access", "read", id="a wish without the grant"),
        pytest.param(CONFIDENTIAL, "offline_access", "read write offline_access", id="only it"),
        pytest.param(PUBLIC, "offline_access", "read write", id="a wish alone, public"),
        pytest.param(SIGNING_IN, "openid offline_access", "openid offline_access", id="openid"),
        # --- what nobody here understands is left out ---
        pytest.param(SIGNING_IN, "openid groups", "openid", id="a scope of other issuers"),
        pytest.param(CONFIDENTIAL, "read groups admin", "read", id="without openid too"),
        pytest.param(CONFIDENTIAL, "groups", UNKNOWN, id="nothing else"),
        pytest.param(CONFIDENTIAL, "Read", UNKNOWN, id="another case"),
        pytest.param(SIGNING_IN_ONLY, "groups", UNKNOWN, id="nothing else, nothing but openid"),
        # --- who the user is goes with openid ---
        pytest.param(SIGNING_IN, "email read", "read", id="email without openid"),
        pytest.param(SIGNING_IN, "email", WHO, id="email alone"),
        pytest.param(SIGNING_IN_ONLY, "email", NEEDS_OPENID, id="email alone, nothing but openid"),
        pytest.param(CONFIDENTIAL, "email read", "read", id="email, of a client without it"),
        # --- what is known, and not the client's ---
        pytest.param(CONFIDENTIAL, "openid read", NOT_REGISTERED, id="openid not registered"),
        pytest.param(SIGNING_IN, "openid phone", NOT_REGISTERED, id="phone not registered"),
        pytest.param(SIGNING_IN, "openid write", NOT_REGISTERED, id="write not registered"),
        pytest.param(CONFIDENTIAL, "pay", NOT_REGISTERED, id="of its other resource"),
        # --- malformed ---
        pytest.param(CONFIDENTIAL, "read  write", MALFORMED, id="two blanks"),
        pytest.param(CONFIDENTIAL, 'read"', MALFORMED, id="a quotation mark"),
        pytest.param(CONFIDENTIAL, "read ", MALFORMED, id="a blank at the end"),
    ],
)  # fmt: skip
def test_what_a_client_asks_its_user_for(client, requested, asked_for):
    server = an_openid_server(client)
    request = AuthorizationRequest(
        client_id="web",
        redirect_uri=CALLBACK,
        scope=requested,
        code_challenge=CHALLENGE,
        code_challenge_method="S256",
    )
    if not asked_for.endswith("."):
        assert validate(server, request).scope == set(asked_for.split())
    else:
        told = refused(server, a_form(scope=requested))
        assert (told["error"], told["error_description"]) == ("invalid_scope", asked_for)


@pytest.mark.parametrize(
    ("client", "requested", "given"),
    [
        pytest.param(SIGNING_IN, "openid groups read", "openid read", id="without what is unknown"),
        pytest.param(CONFIDENTIAL, "read offline_access", "read offline_access", id="a wish"),
        pytest.param(WITHOUT_REFRESH, "read offline_access", "read", id="a wish in vain"),
        pytest.param(SIGNING_IN_FOR_GOOD, "openid read", "openid read", id="no wish"),
        pytest.param(SIGNING_IN, None, "read", id="no scope"),
    ],
)
def test_the_answer_and_the_token_say_what_was_given(client, requested, given):
    """Section 5.1: the scope of the access token, where it is not what was asked for."""
    server = an_openid_server(client)
    answer = redeem(server, a_code(server, scope=requested))
    assert scope_of(answer) == set(given.split())
    assert set(claims_of(server, answer)["scope"].split()) == set(given.split())
    assert ("id_token" in answer.body) == ("openid" in given.split())


@pytest.mark.parametrize(
    ("client", "requested", "has_refresh_token"),
    [
        pytest.param(CONFIDENTIAL, "read", True, id="it never says so: always"),
        pytest.param(CONFIDENTIAL, None, True, id="it never says so, no scope"),
        pytest.param(CONFIDENTIAL, "read offline_access", True, id="a wish not registered"),
        pytest.param(WISHING, "read offline_access", True, id="a wish registered"),
        pytest.param(WISHING, "read", False, id="registered, and not wished"),
        pytest.param(WISHING, None, False, id="registered, no scope"),
        pytest.param(WITHOUT_REFRESH, "read offline_access", False, id="not its grant"),
    ],
)
def test_offline_access_means_a_refresh_token_where_one_can_be_had(
    client, requested, has_refresh_token
):
    """OpenID Connect Core section 11."""
    server = an_openid_server(client)
    answer = redeem(server, a_code(server, scope=requested))
    assert ("refresh_token" in answer.body) == has_refresh_token
    if has_refresh_token:
        again = refresh(server, str(answer.body["refresh_token"]), scope="read offline_access")
        assert scope_of(again) <= {"read", "offline_access"}
        assert "refresh_token" in again.body


def test_a_public_client_that_wishes_for_a_refresh_token_gets_its_access_token():
    """Clients of MCP servers and apps on phones wish for it always."""
    server = a_server(PUBLIC)
    code = a_code(server, scope="read offline_access")
    answer = ask(server, a_public_request(client_id="web", code=code, code_verifier=VERIFIER))
    assert scope_of(answer) == {"read"}
    assert "refresh_token" not in answer.body


@pytest.mark.parametrize("grant_type", ["client_credentials", "password"])
@pytest.mark.parametrize(
    ("client", "requested", "given"),
    [
        pytest.param(CONFIDENTIAL, None, "read write", id="no scope"),
        pytest.param(CONFIDENTIAL, "read", "read", id="a part"),
        pytest.param(CONFIDENTIAL, "read groups", NOT_REGISTERED, id="unknown"),
        pytest.param(CONFIDENTIAL, "pay", NOT_REGISTERED, id="of its other resource"),
        pytest.param(SIGNING_IN, "write", NOT_REGISTERED, id="of the resource, not its own"),
        pytest.param(SIGNING_IN, None, "read", id="no scope, openid registered"),
        pytest.param(SIGNING_IN, "openid", OPENID_HERE, id="openid"),
        pytest.param(SIGNING_IN, "openid read", OPENID_HERE, id="openid and more"),
        pytest.param(SIGNING_IN, "email", NOT_REGISTERED, id="email"),
        pytest.param(CONFIDENTIAL, "openid", OPENID_HERE, id="openid not registered"),
        pytest.param(CONFIDENTIAL, "read  write", MALFORMED, id="two blanks"),
    ],
)
def test_where_nobody_is_sent_to_a_page_each_word_must_be_registered(
    grant_type, client, requested, given
):
    """Sections 4.3.2 and 4.4.2."""
    server = an_openid_server(client)
    answer = ask(server, a_grant(grant_type, requested))
    if answer.status == 200:
        assert scope_of(answer) == set(given.split())
    else:
        assert answer.error == "invalid_scope"
        assert answer.body["error_description"] == given


@pytest.mark.parametrize(
    ("grant_type", "client", "given"),
    [
        ("client_credentials", CONFIDENTIAL, "read"),  # there is never a refresh token
        ("password", CONFIDENTIAL, "read offline_access"),
        ("password", WISHING, "read offline_access"),
        ("password", a_client(grant_types=("password",)), "read"),
    ],
)
def test_a_wish_for_a_refresh_token_is_never_refused(grant_type, client, given):
    answer = ask(an_openid_server(client), a_grant(grant_type, "read offline_access"))
    assert scope_of(answer) == set(given.split())
    assert ("refresh_token" in answer.body) == ("offline_access" in given)


def test_a_refresh_takes_nothing_that_was_not_granted():
    """Section 6: known or not. A wish that was not granted is not missed."""
    server = an_openid_server(SIGNING_IN)
    held = str(redeem(server, a_code(server, scope="read")).body["refresh_token"])
    assert scope_of(refresh(server, held, scope="read offline_access")) == {"read"}
    assert scope_of(refresh(server, held, scope="offline_access")) == {"read"}
    for scope in ("read groups", "openid", "write", "groups"):
        answer = refresh(server, held, scope=scope)
        assert (answer.error, answer.body["error_description"]) == ("invalid_scope", NOT_GRANTED)


def test_the_issuer_as_a_resource_is_for_openid_alone():
    server = an_openid_server(SIGNING_IN)
    told = refused(server, a_form(scope="read", resource=ISSUER))
    assert told["error_description"] == NEEDS_OPENID


def a_grant(grant_type: str, scope: str | None) -> Any:
    login = {"username": "alice", "password": PASSWORD} if grant_type == "password" else {}
    return a_request(grant_type, **login, **({"scope": scope} if scope else {}))
