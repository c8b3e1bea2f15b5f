"""oauth2-proxy signs people in before a service, and hands on who they are."""

import json
import time

import pytest

from keys import Verifier
from tests.browser.browsing import Browser, Page
from tests.builders import API
from tests.relying_parties import oauth2_proxy
from tests.relying_parties.builders import WITH_API, a_provider, a_relying_party, as_registered
from tests.running import free_port

REGISTERED = {**WITH_API, "redirect_uris": ["http://127.0.0.1/oauth2/callback"]}


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    return oauth2_proxy.install(tmp_path_factory.mktemp("oauth2-proxy"))


@pytest.fixture(scope="module", params=["", "/tenant"], ids=["no path", "a path"])
def provider(program, tmp_path_factory, request):
    running = a_provider(
        tmp_path_factory.mktemp("provider"),
        request.param,
        app=a_relying_party(**REGISTERED),
        poster=a_relying_party(**REGISTERED, token_endpoint_auth_method="client_secret_post"),
        grouped=a_relying_party(**REGISTERED | {"scope": f"{REGISTERED['scope']} groups"}),
    )
    table = running.read_registry()
    table["groups"] = {"admins": {"users": ["alice"]}, "all staff": {"users": ["alice"]}}
    table["claims"] = {"groups": {}}
    running.write_registry(table)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def protected(program, provider, request):
    """The URL of the service; where nothing else is said the proxy is client ``app``."""
    registered = as_registered(provider, getattr(request, "param", "app"))
    with oauth2_proxy.started(program, registered, free_port()) as url:
        yield url


@pytest.fixture
def browser(provider, protected):
    with Browser(provider) as opened:
        opened.also = protected
        yield opened


def told(page):
    """What the service was told."""
    assert (page.status, isinstance(page, Page)) == (200, True)
    return json.loads(page.html)


def check(provider, heard):
    """Who it is, with a token for the API."""
    assert heard["x-forwarded-user"] == "alice"
    assert heard["x-forwarded-email"] == "alice@example.com"
    token = Verifier(provider.url, API).verify(heard["x-forwarded-access-token"])
    token.require("read")
    assert (token.subject, token.claims["aud"]) == ("alice", API)


def asked_userinfo(provider):
    """How often userinfo was answered: it looks there for groups, of which no ID token tells."""
    lines = [line for line in provider.log.read_text().splitlines() if "/userinfo" in line]
    return sum('"status":200' in line for line in lines)


@pytest.mark.parametrize("protected", ["app", "poster"], indirect=True)
def test_the_service_is_told_who_came_and_has_a_token_for_the_api(browser, provider, protected):
    """Sign-in, userinfo and refresh with one access token; it sends no ``resource``."""
    before = asked_userinfo(provider)
    login = browser.get(protected)
    assert login.url.startswith(browser.url + "/login")
    first = told(browser.submit(browser.log_in(login), "allow"))
    check(provider, first)
    provider.wait_until(lambda: asked_userinfo(provider) > before)
    time.sleep(oauth2_proxy.REFRESHED_AFTER + 1.1)
    second = told(browser.get(protected))
    check(provider, second)
    assert second["x-forwarded-access-token"] != first["x-forwarded-access-token"]


def test_the_service_is_not_reached_by_whoever_says_no(browser, protected):
    """RFC 6749 section 4.1.2.1."""
    page = browser.submit(browser.log_in(browser.get(protected)), "deny")
    assert (page.status, page.url.startswith(protected + "oauth2/callback")) == (403, True)
    assert "x-forwarded-user" not in page.html


@pytest.mark.parametrize(("group", "status"), [("admins", 200), ("owners", 403)])
def test_whoever_is_in_the_group_is_let_in_and_the_service_is_told(
    program, provider, group, status
):
    """``--allowed-group``, by the ``groups`` of the ID token."""
    registered = as_registered(provider, "grouped")
    options = {"oidc_groups_claim": "groups", "allowed_group": group}
    with (
        oauth2_proxy.started(program, registered, free_port(), **options) as url,
        Browser(provider) as opened,
    ):
        opened.also = url
        page = opened.submit(opened.log_in(opened.get(url)), "allow")
        assert page.status == status
        if status == 200:
            assert told(page)["x-forwarded-groups"] == "admins,all staff"
