"""No store: a code redeemed twice yields the same token twice, and never more."""

import asyncio

import jwt
import pytest

from issuer.request import Response, TokenRequest
from issuer.server import AuthorizationServer
from issuer.stores.none import NoStore
from issuer.token import handler
from tests.builders import NOW, VERIFIER, a_code, a_request, a_server


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
