"""Devices that others wrote, and their users (RFC 8628)."""

import time
from collections.abc import Iterator

import pytest
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
from oauthlib.oauth2 import DeviceClient
from requests_oauthlib import OAuth2Session

from issuer.protocol.device import GRANT_TYPE
from issuer.registry import secret
from keys import Verifier
from tests.browser.browsing import Browser
from tests.builders import API, SECRET
from tests.relying_parties.builders import a_provider, as_registered
from tests.relying_parties.libraries import Library, node
from tests.running import RunningIssuer

SCOPE = "openid email read"


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningIssuer]:
    """Client tv is public, and console has a secret."""
    given = {"grant_types": [GRANT_TYPE, "refresh_token"], "scope": SCOPE, "resources": [API]}
    running = a_provider(
        tmp_path_factory.mktemp("devices"),
        tv=given | {"token_endpoint_auth_method": "none"},
        console=given
        | {
            "token_endpoint_auth_method": "client_secret_post",
            "client_secrets": [{"hash": secret.sha256_hash(SECRET)}],
        },
    )
    table = running.read_registry()
    table["issuer"]["replay_store"] = "sqlite:replay.db"
    running.write_registry(table)
    running.start()
    yield running
    running.stop()


def allow(provider: RunningIssuer, uri: str, decision: str = "allow") -> None:
    """What a person does before whom a device shows ``uri``."""
    with Browser(provider) as browser:
        page = browser.log_in(browser.submit(browser.get(uri), "continue"))
        browser.submit(page, decision)


@pytest.mark.parametrize("client_id", ["tv", "console"])
def test_openid_client_polls_until_its_user_has_allowed_it(ready, provider, client_id):
    """Discovery, and an interval of five seconds that it keeps by itself."""
    device = Library("openid-client", ("node", "device.mjs"), ready(node))
    with device.started(as_registered(provider, client_id)) as program:
        allow(provider, program.hear())
        known = program.hear()
    assert known["claims"]["aud"] == client_id
    assert known["userinfo"]["email"] == "alice@example.com"
    assert known["refreshed"]["sub"] == "alice"


def test_openid_client_hears_a_no(ready, provider):
    device = Library("openid-client", ("node", "device.mjs"), ready(node))
    with device.started(as_registered(provider, "tv")) as program:
        allow(provider, program.hear(), "deny")
        assert program.hear() == {"error": "access_denied"}


def test_authlib_asks_with_its_device_code(provider):
    with AuthlibSession(
        "console", SECRET, token_endpoint_auth_method="client_secret_post"
    ) as client:
        begin = f"{provider.url}/device_authorization"
        sent = {"client_id": "console", "client_secret": SECRET, "scope": SCOPE}
        begun = client.request("POST", begin, data=sent, withhold_token=True).json()
        allow(provider, begun["verification_uri_complete"])
        token = client.fetch_token(
            f"{provider.url}/token", grant_type=GRANT_TYPE, device_code=begun["device_code"]
        )
        Verifier(provider.url, API).verify(token["access_token"]).require("read")
        assert client.get(f"{provider.url}/userinfo").json()["sub"] == "alice"


def test_requests_oauthlib_waits_as_it_is_told(provider, monkeypatch):
    """Its device client, which is public, and what it makes of what it hears before."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    with OAuth2Session(client=DeviceClient("tv", scope=SCOPE)) as client:
        sent = {"client_id": "tv", "scope": SCOPE}
        begun = client.post(
            f"{provider.url}/device_authorization", data=sent, withhold_token=True
        ).json()
        asking = {"device_code": begun["device_code"], "include_client_id": True}
        with pytest.raises(Exception, match="authorization_pending"):
            client.fetch_token(f"{provider.url}/token", **asking)
        with pytest.raises(Exception, match="slow_down"):
            client.fetch_token(f"{provider.url}/token", **asking)
        allow(provider, begun["verification_uri_complete"])
        token = client.fetch_token(f"{provider.url}/token", **asking)
        assert token["expires_at"] > time.time()
        Verifier(provider.url, API).verify(token["access_token"]).require("openid", "read")
