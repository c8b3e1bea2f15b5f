"""What a user is asked, and what a yes to it covers (P34), on values alone."""

import pytest

from issuer.browser import consent, form_token
from issuer.browser.authorize import validate
from issuer.registry.scope import Scope
from tests.browser.builders import a_session, an_interaction
from tests.builders import API, NOW, OTHER_API, a_client, a_server

SERVER = a_server(a_client(resources=(API, OTHER_API), scope=Scope({"openid", "read", "write"})))
SESSION = a_session(SERVER)


def a_request(**changes):
    return validate(SERVER, an_interaction(SERVER, **changes).request)


def shown_for(requested):
    text = consent.issue_token(SERVER, requested, SESSION, "id", NOW)
    return form_token.check(SERVER, text, SESSION, "id", NOW)


@pytest.mark.parametrize(
    ("shown", "asked", "is_covered"),
    [
        pytest.param("read write", "read write", True, id="the same"),
        pytest.param("read write", "read", True, id="less"),
        pytest.param("read", "read write", False, id="more"),
        pytest.param("read", "write", False, id="something else"),
    ],
)
def test_a_yes_covers_what_was_shown(shown, asked, is_covered):
    token = shown_for(a_request(scope=shown, resource=API))
    assert consent.is_all_shown(a_request(scope=asked, resource=API), token) is is_covered


def test_a_yes_covers_the_same_scope_at_no_other_resource():
    token = shown_for(a_request(scope="read", resource=API))
    assert not consent.is_all_shown(a_request(scope="read", resource=OTHER_API), token)


def test_a_yes_on_a_page_that_was_not_shown_covers_nothing():
    assert not consent.is_all_shown(a_request(), None)


def test_the_question_tells_what_an_api_is_asked_for_from_what_is_asked_about_the_user():
    requested = a_request(scope="openid read", resource=API)
    user = SERVER.registry.users["alice"]
    view = consent.question(SERVER, requested, user, interaction="i", form_token="t")
    assert [(each.name, each.scopes) for each in view.resources] == [
        ("api.example", (("read", ""),))
    ]
    assert view.scopes == (("openid", ""),)


def test_a_yes_is_remembered_and_answers_this_request():
    requested = a_request(scope="read", resource=API)
    after = consent.agree(SESSION, requested, "id")
    assert after.agreed_for == "id"
    assert after.consents == {"web": {API: ("read",)}}
