"""requests-oauthlib's code flow."""

import pytest
from oauthlib.oauth2 import AccessDeniedError, InvalidGrantError
from requests_oauthlib import OAuth2Session

from keys import Verifier
from tests.builders import API, SECRET
from tests.relying_parties.builders import SCOPE, WITH_API, address, log_in_and_agree

CALLBACK = "http://127.0.0.1:5001/callback"


@pytest.fixture(autouse=True)
def _loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """oauthlib wants https; the issuer of the tests is on loopback."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")


def test_it_calls_an_api_with_the_token_that_asks_who_it_is(provider, browser):
    """RFC 6750: one session, one token, two places; and again when it was refreshed."""
    scope = WITH_API["scope"].split()
    with OAuth2Session("app", redirect_uri=CALLBACK, scope=scope, pkce="S256") as client:
        url, _ = client.authorization_url(f"{provider.url}/authorize")
        arrived = log_in_and_agree(browser, url)
        endpoint = f"{provider.url}/token"
        client.fetch_token(endpoint, authorization_response=arrived, client_secret=SECRET)
        for _ in range(2):
            assert client.get(f"{provider.url}/userinfo").json()["sub"] == "alice"
            Verifier(provider.url, API).verify(client.access_token).require("openid", "read")
            client.refresh_token(endpoint, auth=("app", SECRET))


@pytest.fixture(params=[None, "S256"], ids=["without PKCE", "S256"])
def pkce(request):
    return request.param


@pytest.fixture
def client(pkce):
    client_id = "rp" if pkce else "old"
    with OAuth2Session(client_id, redirect_uri=CALLBACK, scope=SCOPE.split(), pkce=pkce) as made:
        yield made


def test_the_code_flow(provider, browser, client):
    """RFC 6749 sections 4.1 and 6, with RFC 7636 and for a client that was waived it."""
    url, _ = client.authorization_url(f"{provider.url}/authorize")
    arrived = log_in_and_agree(browser, url)
    endpoint = f"{provider.url}/token"
    token = dict(client.fetch_token(endpoint, authorization_response=arrived, client_secret=SECRET))
    assert sorted(token["scope"]) == sorted(SCOPE.split())
    assert client.get(f"{provider.url}/userinfo").json()["sub"] == "alice"
    refreshed = client.refresh_token(endpoint, auth=(client.client_id, SECRET))
    assert refreshed["access_token"] != token["access_token"]


def test_a_denial(provider, browser, client):
    """RFC 6749 section 4.1.2.1."""
    url, _ = client.authorization_url(f"{provider.url}/authorize")
    told = browser.submit(browser.log_in(browser.get(url)), "deny")
    with pytest.raises(AccessDeniedError):
        client.fetch_token(
            f"{provider.url}/token", authorization_response=address(told), client_secret=SECRET
        )


def test_a_code_of_another_flow(provider, browser, client, pkce):
    """P16: refused where there is PKCE; where it is waived, only state keeps it out."""
    url, _ = client.authorization_url(f"{provider.url}/authorize")
    code = log_in_and_agree(browser, url).partition("code=")[2].partition("&")[0]
    with OAuth2Session(client.client_id, redirect_uri=CALLBACK, pkce=pkce) as other:
        other.authorization_url(f"{provider.url}/authorize")
        sent = {"code": code, "client_secret": SECRET}
        if pkce:
            with pytest.raises(InvalidGrantError):
                other.fetch_token(f"{provider.url}/token", **sent)
        else:
            assert other.fetch_token(f"{provider.url}/token", **sent)
