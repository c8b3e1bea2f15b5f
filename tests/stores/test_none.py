"""No store: a code redeemed twice yields the same token twice, and never more."""

import asyncio

import jwt
import pytest
from msgspec.structs import replace

from issuer.protocol import redemption
from issuer.protocol.request import Response, TokenRequest
from issuer.protocol.sealed import AuthorizationCode, RefreshToken
from issuer.registry.scope import Scope
from issuer.server import AuthorizationServer
from issuer.stores.none import NoStore
from issuer.token import handler
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
    a_public_client,
    a_request,
    a_server,
)
from tests.mac.test_minting import opened
from tests.openid.builders import RING


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
    one, two = claims(first), claims(second)
    keys = [opened(each) for each in (one, two)]
    assert keys == [first.body["mac_key"]] * 2
    del one["cnf"], two["cnf"]
    assert one == two
    other = redeem(server, a_code(server, resource=(MAC_API,), scope="read"), NOW)
    assert other.body["mac_key"] != first.body["mac_key"]
    refreshed = [
        answer(server, a_request("refresh_token", refresh_token=first.body["refresh_token"]))
        for _ in range(2)
    ]
    assert len({each.body["mac_key"] for each in (*refreshed, first)}) == 3
    assert len({claims(each)["jti"] for each in (*refreshed, first)}) == 3


def test_the_keys_may_rotate_between_two_redemptions():
    """Neither the id nor the key of a token hangs on which key seals or signs by now."""
    lifetimes = {"longest_token_lifetime": 600, "longest_sealed_lifetime": 86400}
    ring = RING.rotate(NOW - 390, **lifetimes, lead=400)
    server = a_server_with_many_resources(ring)
    code = a_code(server, resource=(MAC_API,), scope="read")
    first, second = redeem(server, code, NOW), redeem(server, code, NOW + 15)
    headers = [jwt.get_unverified_header(str(each.access_token)) for each in (first, second)]
    assert headers[0]["kid"] != headers[1]["kid"]
    assert claims(first)["jti"] == claims(second)["jti"]
    assert first.body["mac_key"] == second.body["mac_key"]


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


def test_what_else_a_second_redemption_yields_is_the_same_grant():
    """Refresh token and ID token: the same members but for the randomness of seal and signature."""
    server = a_server_with_many_resources()
    code = a_code(server, resource=(API,), scope="openid read", nonce="n")
    one, two = redeem(server, code, NOW), redeem(server, code, NOW + 20)
    held = [
        server.sealer.open(RefreshToken, str(each.body["refresh_token"]), now=NOW + 20)
        for each in (one, two)
    ]
    assert held[0] == held[1]
    said = [
        jwt.decode(str(each.body["id_token"]), options={"verify_signature": False})
        for each in (one, two)
    ]
    for each in said:
        del each["at_hash"]  # of the signature, which is random
    assert said[0] == said[1]
    assert one.body["scope"] == two.body["scope"]


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
