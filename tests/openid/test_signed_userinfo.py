"""A signed answer of userinfo: OpenID Connect Core section 5.3.2, Registration section 2."""

import jwt
import pytest

from issuer.browser.userinfo import TYP, sign, tell
from issuer.errors import InvalidRequest
from issuer.load import Refused, combine
from issuer.metadata import metadata
from issuer.token_types.id_token import read_id_token_hint
from keys import InvalidToken
from keys.ring import KeyRing
from tests.builders import ISSUER, NOW, showing
from tests.openid.builders import RING, a_relying_party, an_openid_server, redeemed


def answered(server, **code):
    token = redeemed(server, asked=ISSUER, **code).access_token
    return sign(server, tell(server, showing(f"Bearer {token}")), NOW)


def read(text, alg, audience="web"):
    key = next(each for each in RING.signing_keys if each.alg == alg)
    public = jwt.PyJWK(dict(key.public_jwk))
    return jwt.decode(text, public, algorithms=[alg], audience=audience, issuer=ISSUER)


@pytest.mark.parametrize("alg", ["RS256", "ES256", "PS256", "EdDSA"])
def test_it_is_signed_by_what_the_client_registered(alg):
    server = an_openid_server(a_relying_party(userinfo_signed_response_alg=alg))
    text = answered(server, scope="openid email")
    assert jwt.get_unverified_header(text)["typ"] == TYP
    claims = read(text, alg)
    assert (claims["sub"], claims["email"]) == ("alice", "alice@example.com")
    assert (claims["iss"], claims["aud"]) == (ISSUER, "web")
    assert answered(an_openid_server(), scope="openid email") is None


def test_it_passes_neither_as_an_id_token_nor_as_an_access_token():
    """J13: what one JWT is for, no other is."""
    server = an_openid_server(a_relying_party(userinfo_signed_response_alg="RS256"))
    text = answered(server)
    with pytest.raises(InvalidRequest):
        read_id_token_hint(server, text, NOW)
    with pytest.raises(InvalidToken):
        tell(server, showing(f"Bearer {text}"))
    hint = read_id_token_hint(server, str(redeemed(server).body["id_token"]), NOW)
    assert hint.sub == "alice"


def test_a_key_for_it_has_to_be_there():
    """The registry promises it: `issuer check` says what is missing."""
    server = an_openid_server(
        a_relying_party(userinfo_signed_response_alg="PS256", id_token_signed_response_alg="ES256")
    )
    with pytest.raises(Refused) as refused:
        combine(server.registry, KeyRing.new("ES256", NOW - 1000), NOW)
    assert 'the userinfo answers to client "web"' in str(refused.value)
    combine(server.registry, KeyRing.new("ES256", NOW - 1000, "PS256"), NOW)


def test_metadata_announce_it():
    """OpenID Connect Discovery section 3."""
    algs = metadata(an_openid_server(), NOW)["userinfo_signing_alg_values_supported"]
    assert algs == ["ES256", "RS256", "PS256", "EdDSA"]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_over_http_it_is_a_jwt_for_this_client_alone(provider, method):
    """Section 5.3.2: application/jwt; json for whoever registered nothing."""
    for client_id, kind in (("signed", "application/jwt"), ("wiki", "application/json")):
        code = provider.code(client_id=client_id, scope="openid profile")
        token = provider.redeem(code, client_id).json()["access_token"]
        answer = provider.http.request(
            method, "/userinfo", headers={"Authorization": f"Bearer {token}"}
        )
        assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
        assert answer.headers["cache-control"] == "no-store"
    refused = provider.http.get("/userinfo", headers={"Authorization": "Bearer x"})
    assert refused.headers["content-type"] == "application/json"
