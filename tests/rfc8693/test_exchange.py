"""Token exchange: what one token may become; P25 and J14."""

import asyncio

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuer.errors import (
    AccessTokenException,
    InvalidClient,
    InvalidRequest,
    InvalidScope,
    InvalidTarget,
    UnauthorizedClient,
)
from issuer.grants.subject_token import ACCESS_TOKEN, ID_TOKEN, JWT, PREFIX
from issuer.grants.token_exchange import MAX_ACTORS
from issuer.protocol import revocation
from issuer.protocol.replay import spend
from issuer.registry.exchange import TOKEN_EXCHANGE
from issuer.registry.scope import Scope
from issuer.stores import open_store
from issuer.token import TokenGenerator
from keys.ring import KeyRing
from tests.builders import (
    API,
    ISSUER,
    MAC_API,
    NOW,
    OTHER_API,
    RING,
    SECRET,
    a_client,
    a_public_client,
    a_server,
    a_user,
)
from tests.federation.tokens import a_federation, github, token
from tests.rfc8693.exchanging import RULE, a_gateway, a_token, exchange, exchanged
from tests.rfc9449.proving import Prover

SERVER = a_server(a_client(), a_gateway(), a_public_client(), a_client("worker"))


def refusal(kind, request, server=SERVER) -> AccessTokenException:
    """Why it is refused; a request that is good is not."""
    with pytest.raises(kind) as refused:
        TokenGenerator().validate(server, request)
    assert exchanged(SERVER, exchange(a_token(SERVER)))
    return refused.value


def test_a_token_for_one_api_becomes_a_token_for_another_about_the_same_user():
    body, found = exchanged(SERVER, exchange(a_token(SERVER, auth_time=NOW - 50)))
    assert (found.subject, found.client_id, found.audience) == ("alice", "gateway", OTHER_API)
    assert found.scope == {"read"}
    assert found.claims["act"] == {"sub": "gateway"}
    assert found.claims["auth_time"] == NOW - 50
    assert body["issued_token_type"] == ACCESS_TOKEN
    assert body["token_type"] == "Bearer"
    assert "refresh_token" not in body
    assert found.jti != "jti-of-the-subject"


@pytest.mark.parametrize(
    "others",
    [
        {}, {"resource": OTHER_API}, {"audience": OTHER_API}, {"scope": "read"},
        {"resource": OTHER_API, "audience": OTHER_API}, {"requested_token_type": ACCESS_TOKEN},
    ],
)  # fmt: skip
def test_what_may_be_said_beside_it(others):
    assert exchanged(SERVER, exchange(a_token(SERVER), **others))[1].scope == {"read"}


def test_a_jwt_may_be_asked_for_and_is_called_one():
    body, _ = exchanged(SERVER, exchange(a_token(SERVER), requested_token_type=JWT))
    assert body["issued_token_type"] == JWT


@pytest.mark.parametrize("left", [1, 100, 599])
def test_p25_it_never_outlives_what_it_came_of(left):
    subject = a_token(SERVER, exp=NOW + left)
    body, found = exchanged(SERVER, exchange(subject))
    assert found.expires_at == NOW + left
    assert body["expires_in"] == left


@pytest.mark.parametrize(
    ("kind", "others"),
    [
        pytest.param(InvalidScope, {"scope": "read pay"}, id="a scope that the subject lacks"),
        pytest.param(InvalidScope, {"scope": "write"}, id="a scope that the client lacks"),
        pytest.param(InvalidScope, {"scope": "openid"}, id="who the user is"),
        pytest.param(InvalidScope, {"scope": "offline_access"}, id="offline_access"),
        pytest.param(InvalidTarget, {"resource": API}, id="a resource that is not the client's"),
        pytest.param(InvalidTarget, {"audience": API}, id="an audience that is not the client's"),
        pytest.param(InvalidTarget, {"resource": ISSUER}, id="the issuer"),
        pytest.param(InvalidTarget, {"resource": [OTHER_API, API]}, id="two"),
        pytest.param(InvalidTarget, {"resource": "https://evil.example"}, id="nobody's"),
        pytest.param(
            InvalidRequest, {"requested_token_type": f"{PREFIX}refresh_token"}, id="refresh"
        ),
        pytest.param(InvalidRequest, {"requested_token_type": ID_TOKEN}, id="an ID token"),
        pytest.param(InvalidRequest, {"subject_token_type": None}, id="no subject_token_type"),
        pytest.param(InvalidRequest, {"subject_token_type": "access_token"}, id="a short type"),
        pytest.param(
            InvalidRequest, {"subject_token_type": f"{PREFIX}saml2"}, id="a type of others"
        ),
        pytest.param(
            InvalidRequest, {"subject_token_type": f"{PREFIX}refresh_token"}, id="J14: refresh"
        ),
        pytest.param(InvalidRequest, {"subject_token_type": ID_TOKEN}, id="J14: as an ID token"),
        pytest.param(InvalidRequest, {"subject_token_type": JWT}, id="J14: as a federation's"),
        pytest.param(InvalidRequest, {"actor_token": "x"}, id="an actor_token without its type"),
        pytest.param(InvalidRequest, {"actor_token_type": JWT}, id="a type without actor_token"),
        pytest.param(
            InvalidRequest, {"actor_token": "x", "actor_token_type": JWT}, id="an actor's JWT"
        ),
        pytest.param(
            InvalidRequest, {"actor_token": "x", "actor_token_type": ACCESS_TOKEN}, id="no token"
        ),
    ],
)
def test_p25_what_may_not_be_asked_for(kind, others):
    refusal(kind, exchange(a_token(SERVER), **others))


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({"iss": "https://other.example"}, id="another issuer's"),
        pytest.param({"exp": NOW - 61, "iat": NOW - 100}, id="expired"),
        pytest.param({"iat": NOW + 100}, id="from the future"),
        pytest.param({"typ": "JWT"}, id="J14: an ID token as an access token"),
        pytest.param({"typ": "mac-at+jwt", "cnf": {"jwe": "x"}}, id="a mac token"),
        pytest.param({"client_id": "gone"}, id="of a client that is gone"),
        pytest.param({"sub": "nobody"}, id="of a user who is gone"),
        pytest.param({"sub": "web"}, id="of another client, about itself"),
        pytest.param({"aud": [API, OTHER_API]}, id="J15: for two"),
        pytest.param({"cnf": {"jkt": "A" * 43}}, id="bound to a key that was not proved"),
        pytest.param({"cnf": {"x5t#S256": "A" * 43}}, id="bound to a certificate"),
        pytest.param({"cnf": {"kid": "x"}}, id="bound to what is not understood"),
        pytest.param({"may_act": {"sub": "worker"}}, id="that another may act with"),
        pytest.param({"may_act": "gateway"}, id="whose may_act is no object"),
        pytest.param({"may_act": {"sub": "gateway", "iss": "https://x.example"}}, id="elsewhere"),
        pytest.param({"act": "gateway"}, id="whose act is no object"),
        pytest.param({"jti": None}, id="without jti"),
    ],
)
def test_p25_tokens_that_are_not_exchanged(claims):
    error = refusal(InvalidRequest, exchange(a_token(SERVER, **claims)))
    assert error.description == "The subject_token is not valid, or not for this."


def test_p25_a_token_for_another_api_is_none_that_came_to_this_client():
    for audience in (OTHER_API, MAC_API):
        server = a_server(a_client(resources=(API, OTHER_API, MAC_API)), a_gateway())
        refusal(InvalidTarget, exchange(a_token(server, aud=audience)), server)


def test_p25_signed_by_somebody_else():
    other = a_server(a_client(), a_gateway(), ring=KeyRing.new("ES256", NOW - 1000))
    refusal(InvalidRequest, exchange(a_token(other)))
    for text in (None, "", "x", "a.b.c", "." * 2000, "A" * 20_000, token(github())):
        refusal(InvalidRequest, exchange(text))


def test_p25_who_may_not_exchange():
    public = a_public_client("spa", grant_types=("authorization_code",))
    server = a_server(a_client(), a_gateway(), public)
    refusal(UnauthorizedClient, exchange(a_token(server), client_id="web"), server)
    refusal(InvalidClient, exchange(a_token(server), client_id="spa"), server)
    server = a_server(a_client(), a_gateway(exchanges=()))
    refusal(InvalidTarget, exchange(a_token(server)), server)


def test_a_user_who_is_switched_off_or_draws_a_line_takes_their_tokens_along():
    for user in (a_user(active=False), a_user(not_before=NOW + 1)):
        server = a_server(a_client(), a_gateway(), users=(user,))
        refusal(InvalidRequest, exchange(a_token(server)), server)


def test_act_says_who_acts_and_who_did_before_up_to_a_depth():
    before = {"sub": "edge", "act": {"sub": "worker"}, "exp": 1}
    _, found = exchanged(SERVER, exchange(a_token(SERVER, act=before)))
    assert found.claims["act"] == {
        "sub": "gateway",
        "act": {"sub": "edge", "act": {"sub": "worker"}},
    }
    for depth in (MAX_ACTORS - 1, MAX_ACTORS, 10):
        act = None
        for number in range(depth):
            act = {"sub": f"actor-{number}", **({"act": act} if act else {})}
        request = exchange(a_token(SERVER, act=act))
        if depth < MAX_ACTORS:
            assert exchanged(SERVER, request)
        else:
            refusal(InvalidRequest, request)


def test_impersonation_leaves_out_who_acts_and_keeps_who_did():
    server = a_server(a_client(), a_gateway("gateway", RULE | {"impersonation": True}))
    assert "act" not in exchanged(server, exchange(a_token(server)))[1].claims
    _, found = exchanged(server, exchange(a_token(server, act={"sub": "edge"})))
    assert found.claims["act"] == {"sub": "edge"}
    # Whoever may act is still who the token says.
    refusal(InvalidRequest, exchange(a_token(server, may_act={"sub": "worker"})), server)


def test_an_actor_says_who_it_is_by_a_token_of_its_own():
    server = a_server(
        a_client(), a_gateway("gateway", RULE | {"actors": ("worker",)}), a_client("worker")
    )
    own = {"aud": API, "client_id": "worker", "sub": "worker"}
    acting = {"actor_token": a_token(server, **own), "actor_token_type": ACCESS_TOKEN}
    subject = a_token(server, may_act={"sub": "worker", "iss": ISSUER})
    _, found = exchanged(server, exchange(subject, **acting))
    assert found.claims["act"] == {"sub": "worker"}
    refusal(InvalidRequest, exchange(subject), server)
    for wrong in ({"sub": "alice"}, {"client_id": "web", "sub": "web"}, {"exp": NOW - 100}):
        acting["actor_token"] = a_token(server, **(own | wrong))
        refusal(InvalidRequest, exchange(a_token(server), **acting), server)
    acting["actor_token"] = a_token(server, **own)
    refusal(InvalidRequest, exchange(a_token(SERVER), **acting))  # no rule lets it act


def test_p25_a_token_that_is_bound_to_a_key_takes_its_proof():
    prover, other = Prover(), Prover()
    text = a_token(SERVER, cnf={"jkt": prover.jkt})
    body, found = exchanged(SERVER, exchange(text, request=prover_request(prover)))
    assert body["token_type"] == "DPoP"
    assert found.claims["cnf"] == {"jkt": prover.jkt}
    refusal(InvalidRequest, exchange(text))
    refusal(InvalidRequest, exchange(text, request=prover_request(other)))
    # One that is bound to nothing becomes the prover's own.
    body, _ = exchanged(SERVER, exchange(a_token(SERVER), request=prover_request(other)))
    assert body["token_type"] == "DPoP"


def prover_request(prover):
    return {"dpop": (prover.proof(),), "url": f"{ISSUER}/token"}


def an_id_token(server, **claims):
    said = {"iss": ISSUER, "sub": "alice", "aud": "gateway", "iat": NOW, "exp": NOW + 300, **claims}
    typ = said.pop("typ", "JWT")
    return server.signing_key(NOW).sign(typ, said)


def test_an_id_token_of_the_client_itself_where_its_rule_says_so():
    rule = {"resource": OTHER_API, "subject_token_types": ("id_token",), "scope": Scope({"read"})}
    server = a_server(a_client(), a_gateway("gateway", rule))
    _, found = exchanged(server, exchange(an_id_token(server), subject_token_type=ID_TOKEN))
    assert (found.subject, found.scope, found.expires_at) == ("alice", {"read"}, NOW + 300)
    for claims in (
        {"aud": "web"}, {"aud": ["gateway", "web"]}, {"iss": "https://x.example"}, {"exp": NOW},
        {"typ": "at+jwt"}, {"sub": "nobody"}, {"sub": 7}, {"typ": "logout+jwt"}, {"iat": "x"},
    ):  # fmt: skip
        text = an_id_token(server, **claims)
        refusal(InvalidRequest, exchange(text, subject_token_type=ID_TOKEN), server)
    refusal(InvalidTarget, exchange(a_token(server)), server)
    refusal(InvalidTarget, exchange(an_id_token(SERVER), subject_token_type=ID_TOKEN))
    wide = exchange(an_id_token(server), subject_token_type=ID_TOKEN, scope="pay")
    refusal(InvalidScope, wide, server)


def test_a_federations_token_about_the_client_itself():
    rule = {"resource": OTHER_API, "subject_token_types": ("jwt",)}
    mine = ({"federation": "github", "subject": github()["sub"]},)
    server = a_server(
        a_client(),
        a_gateway("gateway", rule, federated=mine),
        federations=(a_federation(map={"repository": "repository"}),),
    )
    request = exchange(token(), subject_token_type=JWT)
    _, found = exchanged(server, request)
    assert (found.subject, found.claims["repository"]) == ("gateway", "acme/shop")
    assert found.expires_at == NOW + 300
    assert len(TokenGenerator().validate(server, request).once) == 1
    evil = token(github(sub="repo:evil/shop:pull_request"))
    refusal(InvalidRequest, exchange(evil, subject_token_type=JWT), server)


def test_p25_a_token_that_was_revoked_is_not_exchanged(tmp_path):
    server = a_server(a_client(), a_gateway(), replay_store="sqlite:replay.db")
    store = open_store("sqlite:replay.db", folder=tmp_path, issuer=ISSUER)

    async def ask(**claims):
        authorization = TokenGenerator().validate(server, exchange(a_token(server, **claims)))
        await spend(store, authorization.use, NOW)
        return authorization

    async def story():
        assert (await ask(grant_id="g1")).grant_id == "g1"  # and so it ends with its grant
        gone = revocation.of_token("jti-of-the-subject", expires_at=NOW + 600, now=NOW)
        await store.revoke((gone,), NOW)
        with pytest.raises(InvalidRequest):
            await ask()
        assert await ask(jti="another")
        await store.revoke((revocation.of_grant("g1", ends_at=NOW + 600, now=NOW),), NOW)
        with pytest.raises(InvalidRequest):
            await ask(jti="another", grant_id="g1")

    asyncio.run(story())
    store.close()


@pytest.mark.parametrize("kind", ["access_token", "id_token"])
def test_each_client_knows_the_user_by_the_sub_of_its_own_sector(kind):
    """OpenID Connect Core section 8.1: what is exchanged is about the user, whatever its sub."""
    ring = RING.with_subject_key()
    pairwise = {"subject_type": "pairwise"}
    rule = RULE | {"subject_token_types": (kind,)}
    web = a_client(**pairwise, redirect_uris=("https://shop.example/callback",))
    for gateway in (a_gateway("gateway", rule), a_gateway("gateway", rule, **pairwise)):
        server = a_server(web, gateway, ring=ring)
        holder = web if kind == "access_token" else gateway
        sub = server.told_sub(holder, "alice")
        text = a_token(server, sub=sub) if holder is web else an_id_token(server, sub=sub)
        _, found = exchanged(server, exchange(text, subject_token_type=PREFIX + kind))
        assert found.subject == server.told_sub(gateway, "alice")


SCOPES = st.frozensets(st.sampled_from(["read", "write", "pay"]))


@given(
    held=SCOPES,
    registered=SCOPES,
    bound=st.none() | SCOPES,
    asked=st.none() | SCOPES,
    resource=st.none() | st.sampled_from([API, OTHER_API, MAC_API, ISSUER]),
    audience=st.sampled_from([API, OTHER_API]),
    resources=st.lists(st.sampled_from([API, OTHER_API]), unique=True),
    rules=st.lists(st.tuples(st.sampled_from([API, OTHER_API]), st.sampled_from([API, OTHER_API]))),
    left=st.integers(1, 10_000),
)
def test_no_exchange_yields_what_its_token_and_the_registry_do_not_allow(  # noqa: PLR0913, PLR0917
    held, registered, bound, asked, resource, audience, resources, rules, left
):
    exchanges = tuple(
        {
            "resource": to,
            "audiences": (of,),
            "scope": None if bound is None else Scope(bound),
        }
        for of, to in rules
    )
    server = a_server(
        a_client(resources=(API, OTHER_API)),
        a_gateway(
            "gateway", exchanges=exchanges, scope=Scope(registered), resources=tuple(resources)
        ),
    )
    subject = a_token(server, aud=audience, scope=" ".join(held) or None, exp=NOW + left)
    others = {"scope": None if asked is None else " ".join(sorted(asked)) or None}
    try:
        _, found = exchanged(server, exchange(subject, resource=resource, **others))
    except (InvalidRequest, InvalidScope, InvalidTarget):
        return
    known = set(server.registry.resources[found.audience].scopes)
    assert found.scope <= held & registered & known & (held if bound is None else bound)
    assert not asked or found.scope == asked
    assert found.scope
    assert (audience, found.audience) in rules
    assert found.audience in resources
    assert resource in (None, found.audience)
    assert found.expires_at <= NOW + min(left, 600)
    assert found.subject == "alice"


def test_at_a_running_issuer_a_token_is_exchanged_and_stands_while_its_subject_does(an_issuer):
    running = an_issuer(replay_store="sqlite:replay.db")
    table = running.read_registry()
    api = next(iter(table["resources"]))
    table["resources"][OTHER_API] = {"scopes": ["read"]}
    table["clients"]["gateway"] = {
        "client_secrets": table["clients"]["web"]["client_secrets"],
        "grant_types": [TOKEN_EXCHANGE],
        "scope": "read",
        "resources": [OTHER_API],
        "exchanges": [{"resource": OTHER_API, "audiences": [api]}],
    }
    running.write_registry(table)
    running.start(workers=2)
    subject = running.redeem(running.code()).json()["access_token"]
    form = {
        "grant_type": TOKEN_EXCHANGE, "subject_token": subject, "subject_token_type": ACCESS_TOKEN,
    }  # fmt: skip

    def ask(**others):
        auth = ("gateway", SECRET)
        return httpx.post(f"{running.url}/token", data={**form, **others}, auth=auth)

    answer = ask()
    assert answer.status_code == 200, answer.text
    assert answer.json()["issued_token_type"] == ACCESS_TOKEN
    assert answer.json()["scope"] == "read"
    for error, others in (
        ("invalid_scope", {"scope": "read write"}),
        ("invalid_target", {"resource": api}),
        ("invalid_request", {"subject_token": "x"}),
    ):
        refused = ask(**others)
        assert (refused.status_code, refused.json()["error"]) == (400, error)
    revoked = httpx.post(f"{running.url}/revoke", data={"token": subject}, auth=("web", SECRET))
    assert revoked.status_code == 200
    assert ask().json()["error"] == "invalid_request"
