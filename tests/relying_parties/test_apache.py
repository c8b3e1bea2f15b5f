"""Apache's mod_auth_openidc, from Debian, protects a page."""

from urllib.parse import urlencode

import pytest

from tests.browser.browsing import Browser, Page
from tests.relying_parties import apache
from tests.relying_parties.builders import WITH_API, a_provider, a_relying_party
from tests.running import free_port

pytestmark = pytest.mark.skipif(
    not apache.is_installed(), reason="needs apache2 and libapache2-mod-auth-openidc"
)

DIRECTIVES = {
    "PKCE": ["OIDCPKCEMethod S256"],
    "an API": ["OIDCPKCEMethod S256", f'OIDCScope "{WITH_API["scope"]}"'],
    "no PKCE": [],
    "form_post": ["OIDCPKCEMethod S256", "OIDCResponseMode form_post"],
    "client_secret_post": [
        "OIDCPKCEMethod S256", "OIDCProviderTokenEndpointAuth client_secret_post",
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def provider(tmp_path_factory):
    registered = {
        "redirect_uris": ["http://127.0.0.1/protected/callback"],
        "post_logout_redirect_uris": ["http://127.0.0.1/goodbye.html"],
    }
    running = a_provider(
        tmp_path_factory.mktemp("apache"),
        apache=a_relying_party(**registered),
        api=a_relying_party(**registered, **WITH_API),
        old=a_relying_party(**registered, require_pkce=False),
        poster=a_relying_party(**registered, token_endpoint_auth_method="client_secret_post"),
    )
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module", params=DIRECTIVES)
def protected(provider, request):
    """The URL of the page."""
    client_id = {"an API": "api", "no PKCE": "old", "client_secret_post": "poster"}.get(
        request.param, "apache"
    )
    port = free_port()
    with apache.started(provider.url, port, client_id, *DIRECTIVES[request.param]) as url:
        yield url


@pytest.fixture
def browser(provider, protected):
    with Browser(provider) as opened:
        opened.also = protected.partition("/protected")[0] + "/"
        yield opened


def arrive(browser, page):
    """The page that the browser ends at, over a form that posts itself where that is asked for."""
    return browser.submit(page) if "callback" in (page.action or "") else page


def test_a_page_is_shown_to_whoever_logs_in(browser, protected):
    """It reads discovery, checks the ID token, asks userinfo and hands on what it learnt."""
    login = browser.get(protected)
    assert login.url.startswith(browser.url + "/login")
    page = arrive(browser, browser.submit(browser.log_in(login), "allow"))
    assert (page.status, page.url) == (200, protected)
    assert "alice|alice@example.com|Alice Example" in page.html


def test_a_page_is_not_shown_to_whoever_says_no(browser, protected):
    """It says so on a page of its own.

    By a redirect its 2.4.12 takes the `iss` of RFC 9207, which must be in errors too, for a
    login that a third party began (OpenID Connect Core section 4), and complains of that.
    """
    page = arrive(browser, browser.submit(browser.log_in(browser.get(protected)), "deny"))
    assert isinstance(page, Page)
    assert "protected" not in page.ids
    assert page.url.startswith(browser.also)
    assert "access_denied" in page.html or "OIDCDefaultURL" in page.html


def test_logging_out_there_logs_out_here(browser, protected):
    """RP-Initiated Logout: with the ID token as hint, so nobody is asked."""
    arrive(browser, browser.submit(browser.log_in(browser.get(protected)), "allow"))
    assert "protected" in browser.get(protected).ids
    goodbye = browser.also + "goodbye.html"
    callback = protected.replace("page.shtml", "callback")
    left = browser.get(f"{callback}?{urlencode({'logout': goodbye})}")
    assert (left.url, "goodbye" in left.ids) == (goodbye, True)
    assert "session" not in browser.http.cookies
    assert "username" in browser.get(protected).ids


def test_who_is_logged_in_here_need_not_log_in_there(browser, protected):
    browser.submit(browser.log_in(browser.get(protected)), "allow")
    for name in [each.name for each in browser.http.cookies.jar if each.name != "session"]:
        browser.http.cookies.delete(name)
    again = browser.get(protected)
    # An http redirect URI is on the person's own machine, yet this client proves itself.
    assert "protected" in arrive(browser, again).ids


@pytest.fixture(scope="module", params=["none", "sqlite:replay.db"])
def told_of_logouts(tmp_path_factory, request):
    """An issuer, and two pages of it: the server of one is told of logouts."""
    ports = {"told": free_port(), "silent": free_port()}
    back = f"http://127.0.0.1:{ports['told']}/protected/callback?logout=backchannel"
    registered = {"redirect_uris": ["http://127.0.0.1/protected/callback"], "skip_consent": True}
    running = a_provider(
        tmp_path_factory.mktemp("told"),
        told=a_relying_party(**registered, backchannel_logout_uri=back),
        silent=a_relying_party(**registered),
    )
    table = running.read_registry()
    table["issuer"]["replay_store"] = request.param
    running.write_registry(table)
    running.start()

    def protected(client_id):
        cookie = f"OIDCCookie {client_id}"  # a cookie is of a host, whichever the port
        directives = (*DIRECTIVES["PKCE"], cookie)
        return apache.started(running.url, ports[client_id], client_id, *directives)

    try:
        with protected("told") as told, protected("silent") as silent:
            yield running, told, silent
    finally:
        running.stop()


def test_logging_out_here_logs_out_there(told_of_logouts):
    """OpenID Connect Back-Channel Logout: its session is gone, though the browser never came by."""
    issuer, told, silent = told_of_logouts
    with Browser(issuer) as browser, Browser(issuer) as elsewhere:
        browser.also = elsewhere.also = "http://127.0.0.1:"
        for each in (browser, elsewhere):
            assert "protected" in each.log_in(each.get(told)).ids
            assert "protected" in each.get(silent).ids
        assert shows(browser, told)
        browser.submit(browser.get(f"{issuer.url}/logout"), "logout")
        issuer.wait_until(lambda: not shows(browser, told))
        # Whoever does not register where keeps people logged in, as our page says.
        assert shows(browser, silent)
        assert shows(elsewhere, told)


def shows(browser, url):
    """Whether the page is shown at once, to somebody who has a session there."""
    return browser.http.get(url).status_code == 200
