"""Code flows of clients that others wrote, through the pages, over HTTP."""

import warnings

import pytest
import requests_oauthlib
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import OpenIDProviderMetadata
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.authorize.browsing import Browser
from tests.builders import CALLBACK, SECRET


def come_back(provider, url):
    """What a person brings back from ``url``: the whole callback."""
    with Browser(provider) as browser:
        consent = browser.log_in(browser.get(url))
        told = browser.submit(consent, "allow")
    callback = told.pop("to")
    return str(requests_oauthlib.oauth2_session.requests.Request(
        "GET", callback, params=told
    ).prepare().url)  # fmt: skip


def metadata(provider):
    return provider.http.get("/.well-known/openid-configuration").json()


def test_the_metadata_are_what_authlib_demands_of_a_provider(provider, monkeypatch):
    """OpenID Connect Discovery section 3, but for https, which loopback has not."""
    document = OpenIDProviderMetadata(metadata(provider))
    monkeypatch.setattr("authlib.oauth2.rfc8414.models.is_secure_transport", lambda _: True)
    document.validate()


def test_authlib_logs_in_and_knows_who_it_is(provider):
    document = metadata(provider)
    client = OAuth2Session(
        "wiki", SECRET, scope="openid email", redirect_uri=CALLBACK, code_challenge_method="S256"
    )
    verifier = "v" * 64
    url, _ = client.create_authorization_url(
        document["authorization_endpoint"], code_verifier=verifier, nonce="a-nonce"
    )
    token = client.fetch_token(
        document["token_endpoint"],
        authorization_response=come_back(provider, url),
        code_verifier=verifier,
    )
    keys = KeySet.import_key_set(provider.http.get("/.well-known/jwks.json").json())
    decoded = jwt.decode(token["id_token"], keys, algorithms=["RS256"])
    claims = CodeIDToken(
        decoded.claims, decoded.header, params={"access_token": token["access_token"]}
    )
    claims.validate()
    assert (claims["iss"], claims["aud"]) == (provider.url, "wiki")
    assert (claims["nonce"], claims["email"]) == ("a-nonce", "alice@example.com")
    said = client.get(document["userinfo_endpoint"]).json()
    assert said == {"sub": claims["sub"], "email": "alice@example.com"}
    refreshed = client.refresh_token(document["token_endpoint"])
    assert refreshed["access_token"] != token["access_token"]
    assert "id_token" in refreshed


def test_requests_oauthlib_goes_through_with_pkce(provider, monkeypatch):
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    document = metadata(provider)
    session = requests_oauthlib.OAuth2Session(
        "web", redirect_uri=CALLBACK, scope=["read"], pkce="S256"
    )
    url, _ = session.authorization_url(document["authorization_endpoint"])
    token = session.fetch_token(
        document["token_endpoint"],
        authorization_response=come_back(provider, url),
        client_secret=SECRET,
    )
    assert (token["token_type"], token["scope"]) == ("Bearer", ["read"])


def test_a_state_that_is_not_its_own_is_refused_by_the_client(provider, monkeypatch):
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    session = requests_oauthlib.OAuth2Session("web", redirect_uri=CALLBACK, scope=["read"])
    url, _ = session.authorization_url(metadata(provider)["authorization_endpoint"])
    with Browser(provider) as browser:
        page = browser.get(url)
    assert page["error"] == "invalid_request"  # no code_challenge
    with pytest.raises(Exception, match="state"), warnings.catch_warnings():
        session.fetch_token(
            metadata(provider)["token_endpoint"],
            authorization_response=f"{CALLBACK}?code=x&state=other",
        )
