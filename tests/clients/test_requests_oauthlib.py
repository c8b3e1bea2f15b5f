"""requests-oauthlib, the client of the seed's own tests, against the running issuer."""

import pytest
from oauthlib.oauth2 import (
    BackendApplicationClient,
    InvalidClientError,
    InvalidGrantError,
    InvalidScopeError,
    LegacyApplicationClient,
)
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

from tests.builders import CALLBACK, PASSWORD, SECRET, VERIFIER
from tests.running import RunningIssuer


@pytest.fixture(autouse=True)
def _loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """oauthlib wants https; the issuer of the tests is on loopback."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")


def session(client_id: str = "web", **parameters: object) -> OAuth2Session:
    return OAuth2Session(client_id, **parameters)


def test_client_credentials(issuer_server: RunningIssuer):
    """RFC 6749 section 4.4, and 5.2 for a wrong secret and an unknown scope."""
    url = f"{issuer_server.url}/token"
    with session(client=BackendApplicationClient("billing", scope="read")) as client:
        token = client.fetch_token(url, auth=HTTPBasicAuth("billing", SECRET))
        assert token["token_type"] == "Bearer"
        assert token.scopes == ["read"]
        assert 0 < token["expires_in"] <= 600
        assert "refresh_token" not in token
        with pytest.raises(InvalidClientError):
            client.fetch_token(url, auth=HTTPBasicAuth("billing", "wrong"))
    with (
        session(client=BackendApplicationClient("billing", scope="admin")) as client,
        pytest.raises(InvalidScopeError),
    ):
        client.fetch_token(url, auth=HTTPBasicAuth("billing", SECRET))


def test_client_secret_post(issuer_server: RunningIssuer):
    """RFC 6749 section 2.3.1: the secret in the body, for the client that registered that."""
    url = f"{issuer_server.url}/token"
    with session(client=BackendApplicationClient("poster")) as client:
        sent = {"client_id": "poster", "client_secret": SECRET, "include_client_id": True}
        assert client.fetch_token(url, **sent)["access_token"]
    with (
        session(client=BackendApplicationClient("billing")) as client,
        pytest.raises(InvalidClientError),
    ):
        client.fetch_token(url, **(sent | {"client_id": "billing"}))


def test_a_password(issuer_server: RunningIssuer):
    """RFC 6749 section 4.3, and 5.2 for a wrong one."""
    url, auth = f"{issuer_server.url}/token", HTTPBasicAuth("web", SECRET)
    with session(client=LegacyApplicationClient("web", scope="read write")) as client:
        token = client.fetch_token(url, username="alice", password=PASSWORD, auth=auth)
        assert sorted(token.scopes) == ["read", "write"]
        refreshed = client.refresh_token(url, auth=auth)
        assert refreshed["access_token"] != token["access_token"]
        with pytest.raises(InvalidGrantError):
            client.fetch_token(url, username="alice", password="wrong", auth=auth)


def test_a_code_with_pkce_and_its_refresh_token(issuer_server: RunningIssuer):
    """RFC 6749 sections 4.1.3 and 6, RFC 7636 section 4.5."""
    url, auth = f"{issuer_server.url}/token", HTTPBasicAuth("web", SECRET)
    with session(redirect_uri=CALLBACK) as client:
        code = issuer_server.code()
        sent = {"code": code, "auth": auth}
        with pytest.raises(InvalidGrantError):
            client.fetch_token(url, code_verifier="x" * 43, **sent)
        token = client.fetch_token(url, code_verifier=VERIFIER, **sent)
        assert sorted(token.scopes) == ["read", "write"]
        first = token["refresh_token"]
        refreshed = client.refresh_token(url, auth=auth)
        assert refreshed["access_token"] != token["access_token"]
        assert refreshed["refresh_token"] == first
        with pytest.raises(InvalidGrantError):
            client.refresh_token(url, refresh_token="1.x.forged", auth=auth)


def test_a_public_client_redeems_its_code(issuer_server: RunningIssuer):
    """RFC 7636: a client without a secret proves with PKCE that it asked; it cannot refresh."""
    url = f"{issuer_server.url}/token"
    with session("spa", redirect_uri=CALLBACK) as client:
        code = issuer_server.code(client_id="spa")
        sent = {"code": code, "include_client_id": True}
        with pytest.raises(InvalidGrantError):
            client.fetch_token(url, code_verifier="x" * 43, **sent)
        token = client.fetch_token(url, code_verifier=VERIFIER, **sent)
        assert token["access_token"]
        assert "refresh_token" not in token


def test_a_revocation_request(remembering: RunningIssuer):
    """RFC 7009 section 2.1, as oauthlib prepares it; it knows no introspection."""
    url = remembering.url
    with session(client=LegacyApplicationClient("web")) as client:
        auth = HTTPBasicAuth("web", SECRET)
        token = client.fetch_token(f"{url}/token", username="alice", password=PASSWORD, auth=auth)
        for kind in ("access_token", "refresh_token"):
            sent, headers, body = client._client.prepare_token_revocation_request(
                f"{url}/revoke", token[kind], token_type_hint=kind
            )
            answer = client.request("POST", sent, data=body, headers=headers, auth=auth)
            assert answer.status_code == 200
        introspected = client.post(
            f"{url}/introspect", data={"token": token["access_token"]},
            auth=HTTPBasicAuth("api", SECRET), withhold_token=True,
        )  # fmt: skip
        assert introspected.json() == {"active": False}
        with pytest.raises(InvalidGrantError):
            client.refresh_token(f"{url}/token", token["refresh_token"], auth=auth)
