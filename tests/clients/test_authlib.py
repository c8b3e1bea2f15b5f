"""Authlib, over requests and over httpx, against the running issuer."""

import pytest
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from authlib.integrations.requests_client import OAuth2Session

from tests.builders import CALLBACK, PASSWORD, SECRET, VERIFIER
from tests.running import RunningIssuer


@pytest.fixture(params=[OAuth2Session, OAuth2Client], ids=["requests", "httpx"])
def a_client(request: pytest.FixtureRequest):
    """Makes clients of either kind, and closes them."""
    made = []

    def make(client_id: str, client_secret: str | None = SECRET, **fields: object):
        made.append(request.param(client_id, client_secret, **fields))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_client_credentials(a_client, issuer_server: RunningIssuer):
    """RFC 6749 section 4.4, by client_secret_basic; 5.2 for a wrong secret."""
    url = f"{issuer_server.url}/token"
    token = a_client("billing", scope="read").fetch_token(url, grant_type="client_credentials")
    assert token["token_type"] == "Bearer"
    assert token["scope"] == "read"
    assert not token.is_expired()
    with pytest.raises(OAuthError, match="invalid_client"):
        a_client("billing", "wrong").fetch_token(url, grant_type="client_credentials")


def test_client_secret_post(a_client, issuer_server: RunningIssuer):
    """RFC 6749 section 2.3.1: the registered method, and no other."""
    url = f"{issuer_server.url}/token"
    method = {"token_endpoint_auth_method": "client_secret_post"}
    assert a_client("poster", **method).fetch_token(url, grant_type="client_credentials")
    with pytest.raises(OAuthError, match="invalid_client"):
        a_client("billing", **method).fetch_token(url, grant_type="client_credentials")


def test_a_password_and_its_refresh_token(a_client, issuer_server: RunningIssuer):
    """RFC 6749 sections 4.3 and 6: refreshing keeps the refresh token; narrowing is for once."""
    url = f"{issuer_server.url}/token"
    client = a_client("web")
    token = dict(client.fetch_token(url, username="alice", password=PASSWORD))
    refreshed = dict(client.refresh_token(url, refresh_token=token["refresh_token"]))
    assert refreshed["access_token"] != token["access_token"]
    assert refreshed["refresh_token"] == token["refresh_token"]
    narrowed = client.refresh_token(url, refresh_token=token["refresh_token"], scope="read")
    assert narrowed["scope"] == "read"
    with pytest.raises(OAuthError, match="invalid_grant"):
        client.refresh_token(url, refresh_token=token["refresh_token"][:-1])
    with pytest.raises(OAuthError, match="invalid_grant"):
        client.fetch_token(url, username="alice", password="wrong")


def test_a_code_with_pkce(a_client, issuer_server: RunningIssuer):
    """RFC 7636 section 4.5, from the response that the user's browser brings."""
    url = f"{issuer_server.url}/token"
    client = a_client("web", redirect_uri=CALLBACK, state="s")
    response = f"{CALLBACK}?code={issuer_server.code()}&state=s"
    with pytest.raises(OAuthError, match="invalid_grant"):
        client.fetch_token(url, authorization_response=response, code_verifier="x" * 43)
    token = client.fetch_token(url, authorization_response=response, code_verifier=VERIFIER)
    assert token["refresh_token"]


def test_a_revoked_token_is_introspected_as_inactive(a_client, remembering: RunningIssuer):
    """RFC 7009 and RFC 7662; the resource server is a client to Authlib."""
    url = remembering.url
    client, api = a_client("web"), a_client("api")
    token = dict(client.fetch_token(f"{url}/token", username="alice", password=PASSWORD))

    def is_active() -> bool:
        asked = api.introspect_token(
            f"{url}/introspect", token=token["access_token"], token_type_hint="access_token"
        )
        assert asked.status_code == 200
        return bool(asked.json()["active"])

    assert is_active()
    revoked = client.revoke_token(f"{url}/revoke", token=token["access_token"])
    assert revoked.status_code == 200
    assert not is_active()
    token = dict(client.refresh_token(f"{url}/token", refresh_token=token["refresh_token"]))
    assert is_active()
    hint = {"token": token["refresh_token"], "token_type_hint": "refresh_token"}
    assert client.revoke_token(f"{url}/revoke", **hint).status_code == 200
    assert not is_active()
    with pytest.raises(OAuthError, match="invalid_grant"):
        client.refresh_token(f"{url}/token", refresh_token=token["refresh_token"])


def test_who_is_no_resource_server_is_told_nothing(a_client, remembering: RunningIssuer):
    """P30: a client neither; and a URL only by whoever form-encodes it, as Authlib does not."""
    token = a_client("web").fetch_token(f"{remembering.url}/token", grant_type="client_credentials")
    for client_id in ("web", "https://other.example"):
        asked = a_client(client_id).introspect_token(
            f"{remembering.url}/introspect", token=token["access_token"]
        )
        assert (asked.status_code, asked.json()["error"]) == (401, "invalid_client")
