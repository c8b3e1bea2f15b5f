"""ID tokens: OpenID Connect Core sections 2, 3.1.3 and 12.2, read by others' libraries."""

import hashlib
import json
from base64 import urlsafe_b64encode

import jwt
import pytest
from authlib.oidc.core import CodeIDToken
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import KeySet
from msgspec.structs import replace

from issuer.errors import UnvalidatedRequest
from issuer.protocol.sealed import Login
from issuer.token import handler
from issuer.token_types.id_token import mint
from keys import InvalidToken, Verifier
from keys import KeySet as Keys
from keys.ring import KeyRing
from tests.asking import a_refresh_token, ask, refresh
from tests.builders import API, ISSUER, NOW, a_client, a_request
from tests.openid.builders import (
    EVERYTHING,
    RING,
    a_known_user,
    a_relying_party,
    an_openid_server,
    redeemed,
)

SERVER = an_openid_server()
LOGIN = Login(amr=("pwd", "otp"), acr="urn:example:2", sid="s-1")
ALGORITHMS = ["RS256", "ES256", "PS256", "EdDSA"]


def id_token(response) -> str:
    assert response.status == 200, response.log
    return str(response.body["id_token"])


def said(text: str) -> dict:
    """What PyJWT reads in it, having chosen the key by the published set."""
    keys = jwt.PyJWKSet.from_dict(RING.jwks(NOW))
    key = keys[jwt.get_unverified_header(text)["kid"]]
    off = {"verify_exp": False, "verify_iat": False}
    return jwt.decode(
        text, key, algorithms=[key.algorithm_name], audience="web", issuer=ISSUER, options=off
    )


def half_hash(token: str, algorithm=hashlib.sha256) -> str:
    digest = algorithm(token.encode()).digest()
    return urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()


def test_it_has_exactly_these_claims():
    """Section 2; the claims of the scope, too (section 5.4)."""
    response = redeemed(SERVER, scope="openid email", nonce="n-0S6", login=LOGIN, auth_time=NOW - 9)
    assert said(id_token(response)) == {
        "iss": ISSUER,
        "sub": "alice",
        "aud": "web",
        "iat": NOW,
        "exp": NOW + 600,
        "auth_time": NOW - 9,
        "nonce": "n-0S6",
        "acr": "urn:example:2",
        "amr": ["pwd", "otp"],
        "sid": "s-1",
        "at_hash": half_hash(str(response.access_token)),
        "email": "alice@example.com",
        "email_verified": True,
    }


def test_what_is_not_known_is_left_out():
    """Section 5.3.2 wants no nulls."""
    claims = said(id_token(redeemed(SERVER, scope="openid")))
    assert claims.keys() == {"iss", "sub", "aud", "iat", "exp", "auth_time", "at_hash"}


@pytest.mark.parametrize("scope", ["read", "read write"])
def test_there_is_none_without_openid(scope):
    """Section 3.1.2.1."""
    assert "id_token" not in redeemed(SERVER, scope=scope).body
    assert "id_token" in redeemed(SERVER, scope=f"{scope} openid").body


@pytest.mark.parametrize("grant_type", ["client_credentials", "password"])
def test_there_is_none_where_no_browser_was(grant_type):
    login = {"username": "alice", "password": "correct horse battery staple"}
    given = login | {"scope": "read offline_access"} if grant_type == "password" else {}
    response = ask(SERVER, a_request(grant_type, **given))
    assert response.status == 200
    assert "id_token" not in response.body
    if grant_type == "password":
        held = str(response.body["refresh_token"])
        assert "id_token" not in refresh(SERVER, held).body


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_its_algorithm_is_the_clients(alg):
    """Its header says so, and nothing of an access token changes."""
    server = an_openid_server(a_relying_party(id_token_signed_response_alg=alg))
    response = redeemed(server, scope="openid")
    header = jwt.get_unverified_header(id_token(response))
    kid = RING.signing_key(NOW, alg).kid
    assert header == {"typ": "JWT", "alg": alg, "kid": kid}
    assert jwt.get_unverified_header(response.access_token)["alg"] == "ES256"
    hashed = hashlib.sha512 if alg == "EdDSA" else hashlib.sha256
    at_hash = half_hash(str(response.access_token), hashed)
    assert said(id_token(response))["at_hash"] == at_hash


def test_left_out_the_algorithm_is_rs256():
    """OpenID Connect Registration section 2."""
    assert jwt.get_unverified_header(id_token(redeemed(SERVER)))["alg"] == "RS256"


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")  # joserfc's opinion, not RFC 8037's
@pytest.mark.parametrize("alg", ALGORITHMS)
def test_other_libraries_accept_it(alg):
    server = an_openid_server(a_relying_party(id_token_signed_response_alg=alg))
    response = redeemed(server, nonce="n", login=LOGIN)
    text, jwks = id_token(response), RING.jwks(NOW)
    token = joserfc_jwt.decode(text, KeySet.import_key_set(jwks), algorithms=[alg])
    registry = joserfc_jwt.JWTClaimsRegistry(
        now=NOW,
        iss={"essential": True, "value": ISSUER},
        aud={"essential": True, "value": "web"},
        nonce={"essential": True, "value": "n"},
    )
    registry.validate(token.claims)
    claims = CodeIDToken(
        token.claims,
        token.header,
        {"iss": {"value": ISSUER}, "aud": {"value": "web"}},
        {"nonce": "n", "client_id": "web", "max_age": 60, "access_token": response.access_token},
    )
    claims.validate(now=NOW)
    assert claims["sub"] == "alice"


def test_a_refresh_brings_one_about_the_same_login():
    """Section 12.2: iss, sub, aud and auth_time are the same, iat is new, and there is no nonce."""
    first = redeemed(SERVER, nonce="n", login=LOGIN, auth_time=NOW - 9)
    later = refresh(SERVER, str(first.body["refresh_token"]), now=NOW + 100)
    one, two = said(id_token(first)), said(id_token(later))
    same = ("iss", "sub", "aud", "auth_time", "sid", "acr", "amr", "name")
    assert [one[name] for name in same] == [two[name] for name in same]
    assert (two["iat"], two["exp"]) == (NOW + 100, NOW + 700)
    assert "nonce" not in two
    assert two["at_hash"] == half_hash(str(later.access_token))


def test_a_refresh_that_does_not_ask_for_openid_brings_none():
    held = a_refresh_token(SERVER, scope=EVERYTHING)
    assert "id_token" not in refresh(SERVER, held, scope="read").body
    claims = said(id_token(refresh(SERVER, held, scope="read openid")))
    assert "email" not in claims
    assert claims["sub"] == "alice"


def test_it_tells_what_the_registry_says_now():
    held = a_refresh_token(SERVER, scope=EVERYTHING)
    later = an_openid_server(users=(a_known_user(name="Alice Married"),))
    assert said(id_token(refresh(later, held)))["name"] == "Alice Married"


def test_what_a_login_application_said_of_a_user_is_in_it():
    server = an_openid_server(login_url="https://login.example/")
    login = Login(claims={"name": "Bob", "address": {"country": "FR"}, "groups": ["x"]})
    claims = said(id_token(redeemed(server, sub="bob", login=login)))
    assert (claims["sub"], claims["name"]) == ("bob", "Bob")
    assert claims["address"] == {"country": "FR"}
    assert "groups" not in claims


def test_a_claim_cannot_say_who_the_issuer_is():
    """Whatever a login application says, or a client registered."""
    server = an_openid_server(
        a_relying_party(claims={"tenant": "north"}), login_url="https://login.example/"
    )
    login = Login(claims={"iss": "https://evil.example", "sub": "root", "aud": "other"})
    claims = said(id_token(redeemed(server, sub="bob", login=login)))
    assert (claims["iss"], claims["sub"], claims["aud"]) == (ISSUER, "bob", "web")
    assert "tenant" not in claims


def test_without_a_store_a_code_redeemed_twice_yields_the_same_one():
    """Never more: the claims and the time are the first one's, and so is an RS256 signature."""
    first, second = (redeemed(SERVER, id="c", scope="openid", issued_at=NOW) for _ in range(2))
    one, two = said(id_token(first)), said(id_token(second))
    del one["at_hash"], two["at_hash"]  # an ES256 signature is never twice the same
    assert one == two


@pytest.mark.parametrize("audience", [API, ISSUER, "web"])
def test_it_is_no_access_token(audience):
    """J13, J14: not at a resource server, not at the issuer itself."""
    verifier = Verifier(ISSUER, audience, Keys.from_dict(RING.jwks(NOW)), clock=lambda: NOW)
    with pytest.raises(InvalidToken) as refused:
        verifier.verify(id_token(redeemed(SERVER)))
    assert refused.value.detail == "its typ is not at+jwt"


def test_an_access_token_is_no_id_token_of_an_rp_that_looks():
    """J13, J15: its aud is never a client."""
    with pytest.raises(jwt.InvalidAudienceError):
        said(str(redeemed(SERVER).access_token))


def test_a_ring_without_the_key_is_a_fault_of_ours():
    ring = KeyRing(RING.signing_keys[:1], RING.sealing_keys)
    response = redeemed(an_openid_server(ring=ring))
    assert (response.status, response.error) == (503, "temporarily_unavailable")
    assert redeemed(an_openid_server(ring=ring), scope="read").status == 200


def test_nobody_is_told_about_a_client():
    authorization = handler.validate(SERVER, a_request())
    for each in (authorization, replace(authorization, user=a_known_user())):
        with pytest.raises(UnvalidatedRequest):
            mint(SERVER, each, "x", NOW + 600)


def test_nothing_secret_of_the_registry_is_in_it():
    """P32."""
    text = json.dumps(said(id_token(redeemed(SERVER, login=LOGIN))))
    assert "argon2" not in text
    assert "sha256:" not in text
    assert "id_token" not in redeemed(an_openid_server(a_client()), scope="read").body
