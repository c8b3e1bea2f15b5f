"""Authlib's ``PrivateKeyJWT``, over requests and over httpx, against running issuers."""

from collections.abc import Callable
from typing import Any

import pytest
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT, private_key_jwt_sign
from joserfc import jwk

from tests.builders import API
from tests.rfc7523.keys import PRIVATE, a_jwks, a_private_jwk, a_public_jwk
from tests.running import RunningIssuer

KINDS = {"ES256": jwk.ECKey, "RS256": jwk.RSAKey, "PS256": jwk.RSAKey, "Ed25519": jwk.OKPKey}
"""By Authlib's names; of EdDSA it warns (RFC 9864)."""


class ForAMinute(PrivateKeyJWT):
    """Authlib's assertions are good for an hour, which is too long here; so the README says."""

    def sign(self, auth: Any, token_endpoint: str) -> str:
        return private_key_jwt_sign(
            auth.client_secret, auth.client_id, token_endpoint, alg=self.alg, expires_in=60
        )


@pytest.fixture
def issuer(an_issuer: Callable[..., RunningIssuer]) -> RunningIssuer:
    running = an_issuer(replay_store="sqlite:replay.db")
    table = running.read_registry()
    signer = {
        "token_endpoint_auth_method": "private_key_jwt",
        "grant_types": ["client_credentials"],
        "scope": "read write",
        "resources": [API],
        "jwks": a_jwks(*map(a_public_jwk, PRIVATE)),
    }
    table["clients"] |= {
        "signer": signer,
        "old": signer | {"token_endpoint_auth_audience": "endpoint"},
    }
    running.write_registry(table)
    return running.start()


@pytest.mark.parametrize("kind", [OAuth2Session, OAuth2Client], ids=["requests", "httpx"])
@pytest.mark.parametrize("alg", KINDS)
def test_it_signs_for_the_issuer_and_an_old_one_for_the_token_endpoint(issuer, kind, alg):
    """J17, and what is left to do for either."""
    url = f"{issuer.url}/token"
    key = KINDS[alg].import_key({**a_private_jwk("EdDSA" if alg == "Ed25519" else alg), "alg": alg})

    def fetch(client_id: str, method: PrivateKeyJWT) -> Any:
        with kind(client_id, key, token_endpoint_auth_method="private_key_jwt") as session:
            session.register_client_auth_method(method)
            return session.fetch_token(url, grant_type="client_credentials")

    assert fetch("signer", ForAMinute(issuer.url, alg=alg))["access_token"]
    assert fetch("old", ForAMinute(alg=alg))["access_token"]
    for client_id, method in (
        ("signer", ForAMinute(alg=alg)),
        ("signer", PrivateKeyJWT(issuer.url, alg=alg)),
    ):
        with pytest.raises(OAuthError, match="invalid_client"):
            fetch(client_id, method)
