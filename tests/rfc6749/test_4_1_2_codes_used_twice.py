"""RFC 6749 section 4.1.2: a code that is used again takes back what it gave. Security B21, P18."""

import asyncio

import pytest

from issuer.protocol import revocation
from issuer.registry.record import MAX_ACCESS_TOKEN_LIFETIME
from issuer.registry.scope import Scope
from keys.access_tokens import MAX_LEEWAY
from tests.asking import claims_of
from tests.builders import API, NOW, OTHER_API, a_client, a_code
from tests.families import a_family, a_spa


@pytest.fixture(params=["spa", "web"])
def family(request, tmp_path):
    """A public client, and a confidential one that keeps its refresh token."""
    with a_family(tmp_path, a_spa(), a_client(), client_id=request.param) as made:
        yield made


def revoked(family, name):
    """What the store remembers under ``name``."""
    memory = asyncio.run(family.store.revocations(0, NOW))
    return next((each for each in memory.revocations if each.name == name), None)


def test_a_second_redemption_ends_what_came_of_the_first(family):
    code = a_code(family.server, client_id=family.client_id)
    first = family.redeem(code)
    held = str(first.body["refresh_token"])
    second = family.redeem(code, NOW + 1)
    assert second.error == "invalid_grant"
    assert "what it gave is revoked" in second.log["detail"]
    assert family.refresh(held, NOW + 2).error == "invalid_grant"
    other = family.first()
    assert family.refresh(other, NOW + 3).status == 200, "another code of the same user"


def test_a_refresh_token_that_rotated_meanwhile_ends_with_it(family):
    code = a_code(family.server, client_id=family.client_id)
    held = str(family.redeem(code).body["refresh_token"])
    held = family.next(held, NOW + 20)
    assert family.redeem(code, NOW + 59).error == "invalid_grant"
    assert family.refresh(held, NOW + 60).error == "invalid_grant"


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"code_verifier": "x" * 43}, id="another verifier (P16)"),
        pytest.param({"code_verifier": ""}, id="no verifier"),
        pytest.param({"redirect_uri": "https://app.example/other"}, id="another redirect_uri"),
        pytest.param({"resource": "https://evil.example"}, id="another resource"),
        pytest.param({"code": "1.x.AAAA"}, id="no code at all"),
    ],
)
def test_a_code_that_somebody_saw_kills_nothing_for_who_cannot_redeem_it(family, wrong):
    """PKCE, redirect_uri and resource are asked before the store is."""
    code = a_code(family.server, client_id=family.client_id)
    held = str(family.redeem(code).body["refresh_token"])
    for now in (NOW + 1, NOW + 2):
        answer = family.redeem(now=now, **({"code": code} | wrong))
        assert answer.status == 400
    assert family.refresh(held, NOW + 3).status == 200


def test_another_clients_code_kills_nothing(tmp_path):
    """Security P18, P21."""
    with a_family(tmp_path, a_spa(), a_spa("thief"), a_client()) as family:
        code = a_code(family.server, client_id="spa")
        held = str(family.redeem(code).body["refresh_token"])
        for client_id in ("thief", "web"):
            family.client_id = client_id
            assert family.redeem(code, NOW + 1).error == "invalid_grant"
        family.client_id = "spa"
        assert family.refresh(held, NOW + 2).status == 200


def test_an_expired_code_kills_nothing(family):
    """Nobody can say of it what was proved by whom."""
    code = a_code(family.server, client_id=family.client_id)
    held = str(family.redeem(code).body["refresh_token"])
    assert family.redeem(code, NOW + 60).error == "invalid_grant"
    assert family.refresh(held, NOW + 61).status == 200


@pytest.mark.parametrize(
    ("grants", "ends_after"),
    [
        pytest.param(("authorization_code", "refresh_token"), 2_592_000, id="a refresh token"),
        pytest.param(("authorization_code",), 5, id="access tokens alone"),
    ],
)
def test_it_is_remembered_for_as_long_as_anything_that_it_gave_is_good(
    tmp_path, grants, ends_after
):
    """And as a whole grant, for the feed and introspection to say of its access tokens."""
    client = a_spa(grant_types=grants, resources=(API, OTHER_API), scope=Scope({"read"}))
    with a_family(tmp_path, client) as family:
        code = a_code(family.server, client_id="spa", resource=(API, OTHER_API))
        claims = claims_of(family.server, family.redeem(code))
        assert family.redeem(code, NOW + 5).error == "invalid_grant"
        found = revoked(family, revocation.grant(claims["grant_id"]))
        assert found.revoked_at == NOW + 5
        assert found.not_before == found.forget_at
        assert found.forget_at >= NOW + ends_after + MAX_ACCESS_TOKEN_LIFETIME + MAX_LEEWAY
