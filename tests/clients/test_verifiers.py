"""Verifiers that others wrote read the tokens of every kind of key (RFC 9068 section 4)."""

import time
from collections.abc import Callable

import httpx
import jwt
import pytest
from joserfc import jwt as joserfc_jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from issuer.metadata import JWKS
from keys import InvalidToken, Verifier
from keys.ring import KeyRing, write
from tests.builders import API, OTHER_API
from tests.running import RunningIssuer
from tests.verifying import ALGORITHMS, ResourceServer


@pytest.fixture(params=ALGORITHMS)
def signing(an_issuer: Callable[..., RunningIssuer], request: pytest.FixtureRequest):
    """An issuer whose ring signs with one algorithm."""
    issuer = an_issuer()
    write(issuer.keyring, KeyRing.new(request.param, int(time.time()) - 5))
    issuer.alg = request.param
    return issuer.start()


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")  # joserfc: RFC 9864 renames it
def test_every_verifier_accepts_the_token_and_none_a_changed_one(signing):
    """RFC 9068 sections 2.1 and 4, by PyJWT, by joserfc and by our own."""
    token = signing.access_token("read")
    jwks_url = signing.url + JWKS
    keys = KeySet.import_key_set(httpx.get(jwks_url).json())
    expected = {"iss": signing.url, "aud": API, "sub": "billing", "scope": "read"}

    assert jwt.get_unverified_header(token)["alg"] == signing.alg
    assert jwt.get_unverified_header(token)["typ"] == "at+jwt"
    claims = ResourceServer(jwks_url, signing.url, API).verify(token)
    assert expected.items() <= claims.items()
    decoded = joserfc_jwt.decode(token, keys, algorithms=[signing.alg])
    assert decoded.claims == claims
    ours = Verifier(signing.url, API)  # finds the JWKS by the metadata
    assert ours.verify(token).claims == claims

    for changed in (forged(token, claims), token[:-8] + "AAAAAAAA"):
        with pytest.raises(jwt.InvalidSignatureError):
            ResourceServer(jwks_url, signing.url, API).verify(changed)
        with pytest.raises(JoseError):
            joserfc_jwt.decode(changed, keys, algorithms=[signing.alg])
        with pytest.raises(InvalidToken):
            ours.verify(changed)


def forged(token: str, claims: dict[str, object]) -> str:
    """The token with another subject under the same signature."""
    header, _, signature = token.split(".")
    payload = jwt.encode(claims | {"sub": "admin"}, "k" * 32, "HS256").split(".")[1]
    return f"{header}.{payload}.{signature}"


def test_a_token_for_one_resource_is_none_for_another(issuer_server):
    """RFC 9700 section 2.3."""
    answer = issuer_server.token("web", grant_type="client_credentials", resource=OTHER_API)
    token = answer.json()["access_token"]
    jwks_url, issuer = issuer_server.url + JWKS, issuer_server.url
    assert ResourceServer(jwks_url, issuer, OTHER_API).verify(token)["aud"] == OTHER_API
    with pytest.raises(jwt.InvalidAudienceError):
        ResourceServer(jwks_url, issuer, API).verify(token)
    with pytest.raises(jwt.InvalidIssuerError):
        ResourceServer(jwks_url, "https://other.example", OTHER_API).verify(token)
