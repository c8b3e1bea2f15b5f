"""RFC 7009: taking back a token, and with a refresh token all that came of its grant."""

import asyncio
from pathlib import Path

import pytest

from issuer import revoking
from issuer.errors import AccessTokenException, InvalidClient, InvalidGrant, InvalidRequest
from issuer.protocol.replay import Memory, Revoked, Use
from issuer.protocol.sealed import RefreshToken
from issuer.registry.scope import Scope
from issuer.server import AuthorizationServer
from issuer.stores.none import NoStore
from issuer.stores.sqlite import SQLiteStore
from issuer.token_types.returned import standing
from tests.asking import a_request_of, ask, claims_of, redeem
from tests.builders import (
    MAC_API,
    NOW,
    VERIFIER,
    a_client,
    a_code,
    a_public_client,
    a_request,
    a_server,
    basic,
)

STORE = "sqlite:replay.db"
OPENID = Scope({"openid", "read", "write"})


def a_remembering_server(*clients, **registry) -> AuthorizationServer:
    return a_server(*clients, **({"replay_store": STORE} | registry))


SERVER = a_remembering_server(
    a_client(resources=("https://api.example", MAC_API)), a_client("other"), a_public_client()
)


@pytest.fixture
def store(tmp_path: Path):
    opened = SQLiteStore(tmp_path / "replay.db")
    opened.remember(NOW - 100_000)
    yield opened
    opened.close()


def revoke(store, token, *, server=SERVER, client_id="web", now=NOW, authorization=None, **more):
    pairs = {"token": token, **more}
    if client_id == "spa":
        pairs["client_id"], client_id = client_id, None
    request = a_request_of(
        *[(name, value) for name, value in pairs.items() if value is not None],
        client_id=client_id, authorization=authorization, now=now,
    )  # fmt: skip
    asked = revoking.validate(server, request)
    return asyncio.run(revoking.revoke(store, asked, now))


def is_revoked(store, server, response, now=NOW) -> bool:
    """Whether the access token of ``response`` is, by now."""
    token = server.issued.verify(str(response.access_token), now)
    try:
        held = standing(server, token, lambda: InvalidGrant(""))
        asyncio.run(store.use(Use(standing=(held,)), now))
    except Revoked:
        return True
    return False


def remembered(store) -> Memory:
    return asyncio.run(store.revocations(0, NOW))


def grants(store, *, server=SERVER, now=NOW, **code):
    """A code redeemed, with a refresh token."""
    text = a_code(server, now=now, **code)
    request = a_request("authorization_code", code=text, code_verifier=VERIFIER, now=now)
    return ask(server, request, store=store)


def refreshes(store, refresh_token, *, server=SERVER, now=NOW):
    request = a_request("refresh_token", refresh_token=refresh_token, now=now)
    return ask(server, request, store=store)


@pytest.mark.parametrize("hint", [None, "refresh_token", "access_token", "id_token", "\u00e9"])
def test_a_refresh_token_goes_with_all_that_came_of_its_grant(store, hint):
    """Section 2.1; the hint is only one, and one that nobody knows is ignored."""
    first = grants(store)
    second = refreshes(store, first.body["refresh_token"], now=NOW + 1)
    other = grants(store)
    answer = revoke(store, first.body["refresh_token"], token_type_hint=hint, now=NOW + 2)
    assert (answer.status, answer.body) == (200, {})
    assert refreshes(store, first.body["refresh_token"], now=NOW + 3).error == "invalid_grant"
    assert is_revoked(store, SERVER, first, NOW + 3)
    assert is_revoked(store, SERVER, second, NOW + 3)
    assert not is_revoked(store, SERVER, other, NOW + 3)
    assert refreshes(store, other.body["refresh_token"], now=NOW + 3).status == 200


@pytest.mark.parametrize("hint", [None, "refresh_token", "access_token"])
@pytest.mark.parametrize("audience", ["https://api.example", MAC_API])
def test_an_access_token_goes_alone(store, hint, audience):
    """Of either type."""
    held = grants(store, resource=(audience,))
    again = refreshes(store, held.body["refresh_token"])
    assert revoke(store, held.access_token, token_type_hint=hint).status == 200
    assert is_revoked(store, SERVER, held)
    assert not is_revoked(store, SERVER, again)
    assert refreshes(store, held.body["refresh_token"]).status == 200


def test_an_access_token_takes_its_grant_with_it_where_the_client_says_so(store):
    held = grants(store)
    again = refreshes(store, held.body["refresh_token"])
    assert revoke(store, held.access_token, revoke_grant="false").status == 200
    assert not is_revoked(store, SERVER, again)
    assert revoke(store, again.access_token, revoke_grant="true").status == 200
    assert is_revoked(store, SERVER, again)
    assert refreshes(store, held.body["refresh_token"]).error == "invalid_grant"
    with pytest.raises(InvalidRequest, match="true or false"):
        revoke(store, held.access_token, revoke_grant="yes")


def test_a_token_of_the_clients_own_has_no_grant_and_goes_alone(store):
    one, two = (ask(SERVER, a_request(), store=store) for _ in "12")
    assert revoke(store, one.access_token, revoke_grant="true").status == 200
    assert is_revoked(store, SERVER, one)
    assert not is_revoked(store, SERVER, two)


@pytest.mark.parametrize(
    ("token", "now"),
    [
        pytest.param("x", NOW, id="made up"),
        pytest.param("1.kid.box", NOW, id="made up, as if it were sealed"),
        pytest.param("a.b.c" * 20_000, NOW, id="too long for any token"),
        pytest.param(a_code(SERVER), NOW, id="a code"),
        pytest.param(ask(SERVER, a_request()).access_token, NOW + 700, id="an expired one"),
        pytest.param(
            redeem(SERVER).body["refresh_token"], NOW + 2_592_000, id="an expired refresh token"
        ),
        pytest.param(ask(a_server(), a_request()).access_token[:-4] + "AAAA", NOW, id="forged"),
        pytest.param(
            SERVER.signing_key(NOW).sign("JWT", claims_of(SERVER, ask(SERVER, a_request()))),
            NOW,
            id="an ID token",
        ),
        pytest.param(
            ask(a_server(url="https://other.example"), a_request()).access_token,
            NOW,
            id="of another issuer with the same keys",
        ),
    ],
)
@pytest.mark.parametrize("client_id", ["web", "spa"])
def test_what_is_unknown_is_answered_the_same_and_never_remembered(store, token, now, client_id):
    """Section 2.2. P31: nobody fills the store with what was never issued."""
    answer = revoke(store, token, client_id=client_id, now=now)
    assert (answer.status, answer.body) == (200, {})
    assert remembered(store).revocations == ()


def test_revoking_again_is_as_good(store):
    held = grants(store)
    answers = [revoke(store, held.body[name]) for name in ("access_token", "refresh_token") * 2]
    assert {each.status for each in answers} == {200}


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
@pytest.mark.parametrize("client_id", ["other", "spa"])
def test_the_token_of_another_client_is_refused_and_stays_good(store, kind, client_id):
    """P30, section 2.1: it is told, in the same words whether the token still is good or not."""
    held = grants(store)
    told = []
    for _ in "12":
        with pytest.raises(InvalidGrant) as refused:
            revoke(store, held.body[kind], client_id=client_id)
        told.append((refused.value.status, refused.value.description, refused.value.client_id))
        if not remembered(store).revocations:
            assert not is_revoked(store, SERVER, held)
            revoke(store, held.body[kind])
    assert told == [(400, "The token was issued to another client.", client_id)] * 2
    assert len(remembered(store).revocations) == 1


def test_a_public_client_says_its_name_and_no_more(store):
    """Section 2.1: it is shown the token, which is what it could lose."""
    request = a_request_of(
        ("grant_type", "authorization_code"), ("client_id", "spa"), ("code_verifier", VERIFIER),
        ("code", a_code(SERVER, client_id="spa")), client_id=None,
    )  # fmt: skip
    held = ask(SERVER, request, store=store)
    assert revoke(store, held.access_token, client_id="spa").status == 200
    assert is_revoked(store, SERVER, held)


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param({"client_id": None}, id="nobody"),
        pytest.param({"client_id": "nobody"}, id="an unknown client"),
        pytest.param({"authorization": basic("web", "wrong")}, id="a wrong secret"),
        pytest.param({"client_id": "spa", "authorization": basic("spa", "x")}, id="a method"),
    ],
)
def test_who_does_not_prove_who_they_are_is_refused_before_the_token_is_looked_at(store, request_):
    """P2, P24."""
    held = grants(store)
    for token in (held.access_token, held.body["refresh_token"], "x", None):
        with pytest.raises(InvalidClient) as refused:
            revoke(store, token, **request_)
        assert refused.value.description == "Client authentication failed."
    assert remembered(store).revocations == ()


def test_the_token_has_to_be_named(store):
    with pytest.raises(InvalidRequest, match="token is missing"):
        revoke(store, None)


def test_without_a_store_it_says_which_setting_is_missing():
    """Section 2.2.1; to clients alone."""
    server = a_server()
    for token in (ask(server, a_request()).access_token, redeem(server).body["refresh_token"], "x"):
        with pytest.raises(AccessTokenException) as refused:
            revoke(NoStore(), token, server=server)
        assert (refused.value.status, refused.value.error) == (400, "unsupported_token_type")
        assert "replay_store" in refused.value.description
    with pytest.raises(InvalidClient):
        revoke(NoStore(), "x", server=server, authorization=basic("web", "wrong"))


def test_it_is_remembered_as_long_as_it_can_matter(store):
    """Of a grant that is to the end of what its last refresh token could bring."""
    server = a_remembering_server(a_client(refresh_token_lifetime=7200))
    held = grants(store, server=server)
    later = refreshes(store, held.body["refresh_token"], server=server, now=NOW + 7199)
    assert later.status == 200
    revoke(store, held.access_token, server=server)
    revoke(store, held.body["refresh_token"], server=server)
    of_token, of_grant = sorted(remembered(store).revocations, key=lambda each: each.forget_at)
    assert of_token.name == f"token:{claims_of(server, held)['jti']}"
    assert of_token.forget_at == NOW + 600 + 300 + 60  # a verifier's leeway, and the clocks
    assert of_grant.name == f"grant:{claims_of(server, held)['grant_id']}"
    assert of_grant.forget_at == NOW + 7200 + 86_400 + 300 + 60
    assert of_grant.not_before == of_grant.forget_at
    assert is_revoked(store, server, later, NOW + 7199)


def test_a_token_that_was_refreshed_from_it_may_expire_later_than_it(store):
    """Its idle time is over soon; the grant ends when that was said to, which is in it."""
    short = RefreshToken(
        id="1", client_id="web", sub="alice", scope=Scope({"read"}), resources=(),
        auth_time=NOW, issued_at=NOW, expires_at=NOW + 60, grant_expires_at=NOW + 2_592_000,
        grant_id="g",
    )  # fmt: skip
    revoke(store, SERVER.seal(short, now=NOW))
    (of_grant,) = remembered(store).revocations
    assert of_grant.forget_at > NOW + 2_592_000
