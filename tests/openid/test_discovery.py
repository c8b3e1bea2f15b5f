"""OpenID Connect Discovery 1.0 and RFC 8414: what a client finds out by itself."""

import re

import httpx
import pytest
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from authlib.oidc.discovery import OpenIDProviderMetadata

from issuer.metadata import metadata
from tests.builders import ISSUER, NOW, a_client, a_public_client, a_server
from tests.openid.builders import an_openid_server
from tests.rfc7523.builders import a_signing_client
from tests.rfc7523.keys import a_jwks, a_public_jwk

DOCUMENTS = ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"]
SERVER = an_openid_server()


def test_the_document_says_all_there_is():
    """Discovery section 3, RFC 8414 section 2, RFC 9126 section 5, RFC 9207 section 3.

    B8, B16, B23.
    """
    document = dict(metadata(SERVER, NOW))
    claims = set(document.pop("claims_supported"))
    assert {"sub", "iss", "auth_time", "nonce", "amr", "at_hash", "sid", "email"} <= claims
    assert "acr" not in claims
    assert {"en", "de"} <= set(document.pop("ui_locales_supported"))
    assert document == {
        "issuer": ISSUER,
        "authorization_endpoint": f"{ISSUER}/authorize",
        "token_endpoint": f"{ISSUER}/token",
        "userinfo_endpoint": f"{ISSUER}/userinfo",
        "jwks_uri": f"{ISSUER}/.well-known/jwks.json",
        "pushed_authorization_request_endpoint": f"{ISSUER}/par",
        "end_session_endpoint": f"{ISSUER}/logout",
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "scopes_supported": [
            "address", "email", "offline_access", "openid", "pay", "phone", "profile", "read",
            "write",
        ],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "form_post", "jwt", "query.jwt", "form_post.jwt"],
        "grant_types_supported": [
            "authorization_code", "refresh_token", "password", "client_credentials",
            "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "urn:ietf:params:oauth:grant-type:token-exchange",
        ],
        "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        "code_challenge_methods_supported": ["S256"],
        "dpop_signing_alg_values_supported": ["ES256", "RS256", "PS256", "EdDSA"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256", "RS256", "PS256", "EdDSA"],
        "authorization_signing_alg_values_supported": ["ES256", "RS256", "PS256", "EdDSA"],
        "userinfo_signing_alg_values_supported": ["ES256", "RS256", "PS256", "EdDSA"],
        "claim_types_supported": ["normal"],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "authorization_response_iss_parameter_supported": True,
        "require_pushed_authorization_requests": False,
        "claims_parameter_supported": True,
        "request_parameter_supported": False,
        "require_signed_request_object": False,
        "request_uri_parameter_supported": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("clients", "methods", "algs"),
    [
        pytest.param([a_public_client()], ["none"], None, id="a public client alone"),
        pytest.param(
            [a_public_client(), a_client(), a_signing_client()],
            ["client_secret_basic", "private_key_jwt", "none"],
            ["ES256", "RS256", "PS256", "EdDSA"],
            id="one that signs by any",
        ),
        pytest.param(
            [a_signing_client(jwks=a_jwks(a_public_jwk("RS256", alg=None)))],
            ["private_key_jwt"], ["RS256"],
            id="an RSA key",
        ),
        pytest.param(
            [a_signing_client(token_endpoint_auth_signing_alg="PS256")],
            ["private_key_jwt"], ["PS256"],
            id="what it registered",
        ),
        pytest.param(
            [a_signing_client(jwks=None, jwks_file="app.json")],
            ["private_key_jwt"], ["ES256", "RS256", "PS256", "EdDSA"],
            id="keys that only the client knows",
        ),
    ],
)  # fmt: skip
def test_it_says_how_the_clients_of_this_registry_prove_who_they_are(clients, methods, algs):
    """RFC 8414 section 2: the algorithms wherever an assertion is a way."""
    document = metadata(a_server(*clients, replay_store="sqlite:replay.db"), NOW)
    for endpoint in ("token_endpoint", "revocation_endpoint"):
        assert document[f"{endpoint}_auth_methods_supported"] == methods
        assert document.get(f"{endpoint}_auth_signing_alg_values_supported") == algs


@pytest.mark.parametrize(
    ("settings", "classes"),
    [
        ({"acr_values_supported": ("urn:example:password", "2")}, ["urn:example:password", "2"]),
        ({"login_url": "https://login.example/"}, None),
    ],
)
def test_an_acr_is_announced_where_there_is_one(settings, classes):
    """Discovery section 3: by registration, or where a login application may say it."""
    document = metadata(an_openid_server(**settings), NOW)
    assert "acr" in document["claims_supported"]
    assert document.get("acr_values_supported") == classes


@pytest.mark.parametrize("kind", [OpenIDProviderMetadata, AuthorizationServerMetadata])
def test_a_reader_that_others_wrote_finds_it_complete(kind):
    kind(metadata(SERVER, NOW)).validate()


def test_only_algorithms_that_can_be_signed_with_are_offered():
    """Those of the ring, now."""
    assert metadata(a_server(), NOW)["id_token_signing_alg_values_supported"] == ["ES256"]


@pytest.mark.parametrize("path", DOCUMENTS)
def test_both_paths_have_the_same_document(provider, path):
    answer = provider.http.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert answer.json() == provider.http.get(DOCUMENTS[0]).json()
    assert answer.json()["issuer"] == provider.url
    again = provider.http.get(path, headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304
    assert provider.http.post(path).status_code == 405


def test_every_endpoint_that_it_names_is_there(provider):
    """B16: with the issuer's prefix."""
    document = provider.http.get(DOCUMENTS[0]).json()
    named = [value for name, value in document.items() if re.search("_(endpoint|uri)$", name)]
    assert len(named) == 6
    for url in named:
        assert url.startswith(f"{provider.url}/")
        assert httpx.get(url).status_code != 404
