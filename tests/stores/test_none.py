"""No store: a code redeemed twice yields the same tokens twice, byte for byte, and never more."""

import asyncio
import dataclasses

import jwt
import pytest
from msgspec.structs import replace

from issuer.protocol import redemption
from issuer.protocol.request import Response, TokenRequest
from issuer.protocol.sealed import AuthorizationCode, Login, UserinfoClaims
from issuer.registry.resource import EncryptionJWK, JWKSet
from issuer.registry.scope import Scope
from issuer.server import AuthorizationServer
from issuer.stores.none import NoStore
from issuer.token import handler
from keys.mac.key_wrapping import generate_key, public_jwk
from keys.ring import KeyRing
from keys.spent import StoreUnavailable
from tests.asking import a_public_request
from tests.builders import (
    API,
    ISSUER,
    MAC_API,
    NOW,
    OTHER_API,
    VERIFIER,
    a_client,
    a_code,
    a_mac_resource,
    a_public_client,
    a_registry,
    a_request,
    a_server,
    a_user,
)
from tests.mac.test_minting import opened
from tests.openid.builders import RING, a_code_with


def answer(server: AuthorizationServer, request: TokenRequest) -> Response:
    return asyncio.run(handler(server, request, store=NoStore()))


def redeem(server: AuthorizationServer, code: str, now: int, **parameters: str) -> Response:
    request = a_request(
        "authorization_code", code=code, code_verifier=VERIFIER, now=now, **parameters
    )
    return answer(server, request)


def claims(response: Response) -> dict[str, object]:
    return jwt.decode(str(response.access_token), options={"verify_signature": False})


@pytest.mark.parametrize("later", [0, 1, 24])
def test_a_second_redemption_yields_the_same_token_and_no_longer_one(later):
    """The table of properties: jti and exp are the code's, whenever and wherever it is redeemed."""
    server = a_server()
    code = a_code(server)
    first, second = redeem(server, code, NOW), redeem(server, code, NOW + later)
    assert claims(first) == claims(second)
    assert second.body["expires_in"] == 600 - later


def a_server_with_many_resources(ring=RING) -> AuthorizationServer:
    web = a_client(resources=(API, OTHER_API, MAC_API), scope=Scope({"openid", "read", "pay"}))
    spa = a_public_client(resources=web.resources, scope=web.scope)
    return a_server(web, spa, ring=ring)


EVERYWHERE = (API, OTHER_API, MAC_API, ISSUER)


@pytest.mark.parametrize("client_id", ["web", "spa"])
def test_no_two_tokens_of_a_code_have_one_jti(client_id):
    """RFC 7519 section 4.1.7: one audience, one token, one id; public clients included."""
    server = a_server_with_many_resources()
    code = a_code(server, client_id=client_id, resource=EVERYWHERE[:3], scope="openid read pay")
    found = {}
    for now in (NOW, NOW + 7):
        for each in EVERYWHERE:
            if client_id == "web":
                response = redeem(server, code, now, resource=each)
            else:
                form = {"code": code, "code_verifier": VERIFIER, "resource": each}
                response = answer(server, a_public_request(now=now, **form))
            said = claims(response)
            found.setdefault(each, []).append(said["jti"])
            assert said["aud"] == each
    assert all(first == second for first, second in found.values())
    assert len({first for first, _ in found.values()}) == len(EVERYWHERE)
    held = server.sealer.open(AuthorizationCode, code, now=NOW)
    assert held.id not in {first for first, _ in found.values()}


def test_a_mac_code_redeemed_again_yields_the_same_key():
    """One jti, one key: the table of properties, to the letter."""
    server = a_server_with_many_resources()
    code = a_code(server, resource=(MAC_API, API), scope="read")
    first, second = redeem(server, code, NOW), redeem(server, code, NOW + 9)
    assert first.body["mac_key"] == second.body["mac_key"]
    assert first.access_token == second.access_token
    assert opened(claims(first)) == first.body["mac_key"]
    other = redeem(server, a_code(server, resource=(MAC_API,), scope="read"), NOW)
    assert other.body["mac_key"] != first.body["mac_key"]
    refreshed = [
        answer(server, a_request("refresh_token", refresh_token=first.body["refresh_token"]))
        for _ in range(2)
    ]
    assert len({each.body["mac_key"] for each in (*refreshed, first)}) == 3
    assert len({claims(each)["jti"] for each in (*refreshed, first)}) == 3


LIFETIMES = {"longest_token_lifetime": 600, "longest_sealed_lifetime": 30 * 86400}


def yielded(response: Response) -> dict[str, object]:
    """What there is to hold on to: all of it but the seconds that are left."""
    assert response.status == 200
    return {name: value for name, value in response.body.items() if name != "expires_in"}


@pytest.mark.parametrize("alg", ["ES256", "RS256", "EdDSA"])
@pytest.mark.parametrize("resource", EVERYWHERE[:3])
def test_the_keys_may_rotate_between_two_redemptions(alg, resource):
    """Signing keys, sealing key and the resource server's: those of the code's time make it all."""
    ring = RING.rotate(NOW - 390, **LIFETIMES, lead=400)
    later = EncryptionJWK(**public_jwk(generate_key("P-256")), not_before=NOW + 10)
    mac_api = a_mac_resource(jwks=JWKSet(keys=(*a_mac_resource().jwks.keys, later)))
    registry = a_registry(
        a_client(
            resources=EVERYWHERE[:3],
            scope=Scope({"openid", "read"}),
            id_token_signed_response_alg=alg,
        )
    )
    resources = {**registry.resources, MAC_API: mac_api}
    server = AuthorizationServer.of(dataclasses.replace(registry, resources=resources), ring)
    code = a_code(server, resource=(resource,), scope="openid read")
    first, second = redeem(server, code, NOW + 9), redeem(server, code, NOW + 10)
    assert yielded(first) == yielded(second)
    new = a_code(server, resource=(resource,), scope="openid read", now=NOW + 10)
    other = redeem(server, new, NOW + 10)
    for token in ("access_token", "id_token"):
        assert kid_of(first.body[token]) != kid_of(other.body[token])
    held = [str(each.body["refresh_token"]).split(".")[1] for each in (first, other)]
    assert held[0] != held[1]


def kid_of(token: object) -> str:
    return str(jwt.get_unverified_header(str(token))["kid"])


def test_where_the_key_of_a_codes_time_was_taken_out_by_hand_the_new_one_makes_its_tokens():
    """Somebody has the old one. A code in flight is good all the same, and no 503."""
    (stays,) = RING.sealing_keys
    new = KeyRing.new("ES256", NOW + 1, "RS256")
    taken_out = KeyRing(new.signing_keys, (stays,))
    code = a_code(a_server_with_many_resources(), scope="openid read")
    answered = redeem(a_server_with_many_resources(taken_out), code, NOW + 1)
    assert answered.status == 200
    assert kid_of(answered.body["access_token"]) == new.signing_keys[0].kid
    assert kid_of(answered.body["id_token"]) == new.signing_keys[1].kid


def test_the_key_cannot_be_had_from_what_is_not_secret():
    """P28: jti, audience and the code's own id tell nothing; each code has a secret of its own."""
    server = a_server_with_many_resources()
    code = a_code(server, resource=(MAC_API,), scope="read")
    held = server.sealer.open(AuthorizationCode, code, now=NOW)
    assert len(held.seed) == 32
    key = redemption.mac_key(held, MAC_API)
    assert redeem(server, code, NOW).body["mac_key"] == key
    assert redemption.mac_key(replace(held, seed=bytes(32)), MAC_API) != key
    assert redemption.mac_key(replace(held, id="another"), MAC_API) != key
    assert redemption.mac_key(held, API) != key
    assert "seed" not in repr(held)


def test_a_code_of_an_earlier_version_gives_a_random_key():
    """F31."""
    server = a_server_with_many_resources()
    held = server.sealer.open(AuthorizationCode, a_code(server, resource=(MAC_API,)), now=NOW)
    code = server.seal(replace(held, seed=b""), now=NOW)
    first, second = redeem(server, code, NOW), redeem(server, code, NOW)
    assert first.body["mac_key"] != second.body["mac_key"]


def test_for_another_resource_of_the_code_the_refresh_token_alone_is_the_same():
    """The ID token says what the hash of the access token is."""
    server = a_server_with_many_resources()
    code = a_code(server, resource=EVERYWHERE[:3], scope="openid read pay")
    one, *others = (yielded(redeem(server, code, NOW, resource=each)) for each in EVERYWHERE)
    for other in others:
        same = {name for name in one.keys() & other.keys() if one[name] == other[name]}
        assert same & {"access_token", "id_token", "refresh_token"} == {"refresh_token"}


def test_what_the_registry_changed_between_two_redemptions_shows_in_the_second():
    """Never more than the code was issued for: what was added since is not in it."""
    asking = a_client(scope=Scope({"openid", "email", "read"}))
    then = a_server(asking, ring=RING)
    code = a_code(then, scope="openid email read")
    first = redeem(then, code, NOW)
    narrowed = a_client(scope=Scope({"openid", "email"}))
    widened = a_client(scope=Scope({"openid", "email", "read", "write"}))
    moved = a_server(asking, ring=RING, users=(a_user(email="alice@new.example"),))
    assert yielded(redeem(a_server(widened, ring=RING), code, NOW)) == yielded(first)
    assert redeem(a_server(narrowed, ring=RING), code, NOW).body["scope"] == "email openid"
    id_token = str(redeem(moved, code, NOW).body["id_token"])
    said = jwt.decode(id_token, options={"verify_signature": False})
    assert said["email"] == "alice@new.example"
    gone = redeem(a_server(asking, ring=RING, users=()), code, NOW)
    assert gone.error == "invalid_grant"


@pytest.mark.parametrize("alg", ["ES256", "RS256", "EdDSA", "PS256"])
@pytest.mark.parametrize("preferred", ["ES256", "RS256", "EdDSA", "PS256"])
def test_what_else_a_second_redemption_yields_is_the_same_grant(preferred, alg):
    """By PS256 no two signatures are the same: then it is the same claims, byte for byte."""
    signing_keys = sorted(RING.signing_keys, key=lambda each: each.alg != preferred)
    ring = KeyRing(tuple(signing_keys), RING.sealing_keys)
    web = a_client(scope=Scope({"openid", "email", "read"}), id_token_signed_response_alg=alg)
    server = a_server(web, ring=ring)
    code = a_code(server, scope="openid email read", nonce="n")
    first, second = redeem(server, code, NOW), redeem(server, code, NOW + 20)
    one, two = yielded(first), yielded(second)
    assert one.keys() == {"access_token", "token_type", "id_token", "refresh_token", "scope"}
    differ = {name for name in one if one[name] != two[name]}
    # The ID token says what the access token's hash is.
    expected = {
        "access_token": preferred == "PS256",
        "id_token": "PS256" in (preferred, alg),
    }
    assert differ == {name for name, does in expected.items() if does}
    assert claims(first) == claims(second)


def test_the_claims_of_somebody_in_no_registry_are_sealed_into_the_same_text():
    """They travel in the access token, for /userinfo to say."""
    web = a_client(scope=Scope({"openid", "email", "read"}))
    server = a_server(web, ring=RING, login_url="https://login.example/")
    login = Login(amr=("hwk",), sid="s-1", claims={"email": "bob@b.example", "groups": ["x"]})
    code, other = (
        a_code_with(server, sub="bob", login=login, scope="openid email read") for _ in range(2)
    )
    first, second = redeem(server, code, NOW), redeem(server, code, NOW + 20)
    assert yielded(first) == yielded(second)
    sealed = str(claims(first)["userinfo"])
    held = server.sealer.open(UserinfoClaims, sealed, now=NOW)
    assert held.claims == {"email": "bob@b.example"}
    assert claims(redeem(server, other, NOW))["userinfo"] != sealed


def test_a_code_is_not_redeemed_after_its_end():
    """RFC 6749 section 4.1.2."""
    server = a_server()
    code = a_code(server)
    assert redeem(server, code, NOW + 24).status == 200
    assert redeem(server, code, NOW + 25).error == "invalid_grant"


def test_the_refresh_token_of_a_second_redemption_ends_with_that_of_the_first():
    """One that was redeemed again is no way to a longer session."""
    server = a_server(refresh_token_lifetime=1000)
    code = a_code(server)
    for redeemed_at in (NOW, NOW + 24):
        held = str(redeem(server, code, redeemed_at).body["refresh_token"])
        accepted = answer(server, a_request("refresh_token", refresh_token=held, now=NOW + 999))
        assert accepted.status == 200
        refused = answer(server, a_request("refresh_token", refresh_token=held, now=NOW + 1000))
        assert refused.error == "invalid_grant"


def test_without_a_store_nothing_can_be_noted():
    """So nothing is offered that has to be: device login (RFC 8628)."""
    noting = NoStore().note("a", "waits", instead_of=None, forget_at=NOW + 60, now=NOW)
    for asking in (noting, NoStore().noted("a", NOW)):
        with pytest.raises(StoreUnavailable):
            asyncio.run(asking)
