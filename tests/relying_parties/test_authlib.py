"""Authlib: its session, and its client for Flask that finds everything out by itself."""

import flask
import pytest
from authlib.integrations.base_client import OAuthError
from authlib.integrations.flask_client import OAuth
from authlib.integrations.requests_client import OAuth2Session

from issuer.metadata import OPENID_CONFIGURATION
from keys import Verifier
from tests.builders import API, SECRET, VERIFIER
from tests.relying_parties.builders import SCOPE, log_in_and_agree

CALLBACK = "http://127.0.0.1:5000/callback"


@pytest.mark.parametrize("client_id", ["rp", "app"])
def test_the_code_flow_of_its_session(provider, browser, client_id):
    """RFC 6749 section 4.1, RFC 7636, RFC 9207."""
    scope = provider.read_registry()["clients"][client_id]["scope"]
    with OAuth2Session(
        client_id, SECRET, redirect_uri=CALLBACK, scope=scope, code_challenge_method="S256"
    ) as client:
        url, state = client.create_authorization_url(
            f"{provider.url}/authorize", code_verifier=VERIFIER
        )
        arrived = log_in_and_agree(browser, url)
        endpoint = {"url": f"{provider.url}/token", "authorization_response": arrived}
        with pytest.raises(OAuthError, match="invalid_grant"):
            client.fetch_token(**endpoint, state=state, code_verifier="x" * 43)
        token = dict(client.fetch_token(**endpoint, state=state, code_verifier=VERIFIER))
        assert client.get(f"{provider.url}/userinfo").json()["email"] == "alice@example.com"
        refreshed = client.refresh_token(endpoint["url"], refresh_token=token["refresh_token"])
        assert refreshed["access_token"] != token["access_token"]
        assert client.get(f"{provider.url}/userinfo").json()["sub"] == "alice"
        for each in (token, refreshed) if client_id == "app" else ():
            Verifier(provider.url, API).verify(each["access_token"]).require("openid", "read")


@pytest.fixture
def application(provider):
    """A Flask application that people log in to."""
    app = flask.Flask(__name__)
    app.config |= {"SECRET_KEY": "a-key-of-the-tests", "SERVER_NAME": "127.0.0.1:5000"}
    issuer = OAuth(app).register(
        "issuer",
        client_id="rp",
        client_secret=SECRET,
        server_metadata_url=provider.url + OPENID_CONFIGURATION,
        client_kwargs={"scope": SCOPE, "code_challenge_method": "S256"},
    )

    @app.get("/login")
    def login():
        return issuer.authorize_redirect(CALLBACK)

    @app.get("/callback")
    def callback():
        token = issuer.authorize_access_token()
        return {"id_token": token["userinfo"], "userinfo": issuer.userinfo(token=token)}

    @app.errorhandler(OAuthError)
    def refused(error):
        return {"error": error.error}, 403

    return app.test_client()


def test_its_flask_client_logs_people_in_knowing_only_the_issuers_url(application, browser):
    """OpenID Connect Discovery and Core: it checks the ID token's signature, iss, aud and nonce."""
    arrived = log_in_and_agree(browser, application.get("/login").location)
    answer = application.get(arrived)
    assert answer.status_code == 200
    known = answer.json
    assert known["id_token"]["sub"] == known["userinfo"]["sub"] == "alice"
    assert known["id_token"]["nonce"]
    assert known["userinfo"]["name"] == "Alice Example"


def test_its_flask_client_hears_that_somebody_said_no(application, browser):
    """RFC 6749 section 4.1.2.1."""
    consent = browser.log_in(browser.get(application.get("/login").location))
    told = browser.submit(consent, "deny")
    answer = application.get("/callback", query_string=told)
    assert (answer.status_code, answer.json) == (403, {"error": "access_denied"})


def test_a_code_of_somebody_else_is_not_taken_in_ones_own_session(application, browser):
    """P16, RFC 9700 section 4.5: what keeps it out is PKCE, where a client forgets about state."""
    arrived = log_in_and_agree(browser, application.get("/login").location)
    code = arrived.partition("code=")[2].partition("&")[0]
    mine = application.get("/login").location
    state = mine.partition("state=")[2].partition("&")[0]
    injected = application.get(f"/callback?code={code}&state={state}")
    assert (injected.status_code, injected.json) == (403, {"error": "invalid_grant"})
    assert application.get(arrived).status_code == 200
