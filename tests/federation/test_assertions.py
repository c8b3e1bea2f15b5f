"""Tokens of federations, as ``client_assertion`` and as grant: which are whose; J1 to J24, P26.

RFC 7523 sections 2 and 3.
"""

import json
from typing import Any

import pytest
from msgspec.structs import replace

from issuer.errors import (
    AccessTokenException,
    InvalidClient,
    InvalidGrant,
    InvalidScope,
    InvalidTarget,
    TemporarilyUnavailable,
    UnauthorizedClient,
)
from issuer.protocol.federated import LEEWAY
from issuer.registry import client_keys
from issuer.registry.federation import JWT_BEARER
from issuer.token import TokenGenerator
from keys.encoding import from_base64url, to_base64url, to_json
from tests.builders import API, ISSUER, MAC_API, NOW, OTHER_API, a_client, a_server, basic
from tests.federation.asking import PLACES, a_request, as_client, as_grant, validated
from tests.federation.tokens import (
    GITHUB,
    a_federation,
    a_workload,
    github,
    gitlab,
    google,
    kubernetes,
    spiffe,
    token,
)
from tests.rfc7523.builders import EVERY, a_signing_client, an_assertion
from tests.rfc7523.keys import KID, OTHERS, PRIVATE, a_jwks, a_public_jwk, sign, sign_text

FEDERATIONS = tuple(map(a_federation, ("github", "gitlab", "cluster", "spire", "google")))
MAIN = {"federation": "github", "subject": "repo:acme/shop:ref:refs/heads/main"}
SERVER = a_server(a_workload("deploy", MAIN), a_client(), federations=FEDERATIONS)
HEADER = {"alg": "RS256", "kid": KID, "typ": "JWT"}

in_both_places = pytest.mark.parametrize("place", PLACES)


def refusal(place: Any, text: str, *, server: Any = SERVER, **others: Any) -> AccessTokenException:
    """Why it is refused: in the one way in which authentication, or the grant, fails."""
    kind: Any = InvalidClient if place is as_client else InvalidGrant
    said = "Client authentication failed." if place is as_client else "The assertion is not valid."
    with pytest.raises(kind) as refused:
        validated(server, place(text, **({"client_id": "deploy"} | others)))
    assert refused.value.description == said
    assert text not in refused.value.detail
    assert validated(SERVER, place(token(), client_id="deploy")).client.client_id == "deploy"
    return refused.value


SHAPES = {
    "github": (github(), {"subject": "repo:acme/shop:ref:refs/heads/main"}),
    "github, environment": (
        github(sub="repo:acme/shop:environment:production", environment="production"),
        {"subject": "repo:acme/shop:environment:production"},
    ),
    "github, immutable": (
        github(sub="repo:acme@123456/shop@456789:ref:refs/heads/main"),
        {"subject": "repo:acme@123456/shop@456789:ref:refs/heads/*"},
    ),
    "github, customized": (
        github(sub="repository_owner_id:123456:repository_visibility:private"),
        {"subject": "repository_owner_id:123456:repository_visibility:*"},
    ),
    "github, by claims": (
        github(),
        {"claims": {"repository_id": "456789", "ref": ["refs/heads/main", "refs/tags/*"]}},
    ),
    "gitlab": (
        gitlab(),
        {
            "subject": "project_path:acme/*:ref_type:branch:ref:main",
            "claims": {"ref_protected": "true", "groups_direct": "acme/ops", "runner_id": 1},
        },
    ),
    "cluster": (
        kubernetes(),
        {
            "subject": "system:serviceaccount:shop:api",
            "claims": {"kubernetes.io": {"namespace": "shop", "pod": {"name": "api-*"}}},
        },
    ),
    "spire": (spiffe(), {"subject": "spiffe://acme.example/ns/shop/sa/*"}),
    "google": (
        google(),
        {
            "subject": "110169484474386276334",
            "claims": {
                "email_verified": True,
                "google": {"compute_engine": {"project_number": 739419398126}},
            },
        },
    ),
}


@in_both_places
@pytest.mark.parametrize("shape", SHAPES)
def test_a_workload_of_each_kind_is_the_client_whose_rule_it_meets(shape, place):
    claims, rule = SHAPES[shape]
    name = shape.split(",")[0]
    client = a_workload("deploy", {"federation": name, **rule})
    server = a_server(client, federations=FEDERATIONS)
    for named in ({"client_id": "deploy"}, {}):
        authorization = validated(server, place(token(claims), **named))
        assert authorization.client.client_id == authorization.sub == "deploy"
        assert authorization.credential == f"federation {name}"
        assert authorization.refresh_token is None
    stranger = claims | {"sub": "x" + claims["sub"], "repository_id": "1"}
    refusal(place, token(stranger), server=server)


@in_both_places
@pytest.mark.parametrize(
    ("subject", "sub"),
    [
        ("repo:acme/shop:ref:refs/heads/*", "repo:acme/shop:ref:refs/heads/a/b"),
        ("repo:acme/shop:ref:refs/heads/*", "repo:acme/shop:ref:refs/heads/a:b"),
        ("repo:acme/shop:ref:refs/heads/*", "repo:acme/shop:ref:refs/heads/"),
        ("repo:acme/*:environment:production", "repo:acme/x:environment:y:environment:production"),
        ("repo:acme/shop:*", "repo:acme/shop:ref:refs/heads/main"),
        ("repo:acme/shop:ref:refs/heads/main", "repo:acme/shop:ref:refs/heads/main2"),
        ("repo:acme/shop:ref:refs/heads/main", "repo:acme/shop:ref:refs/heads/main\n"),
        ("repo:acme/shop:ref:refs/heads/main", "xrepo:acme/shop:ref:refs/heads/main"),
        ("repo:acme/shop.js:pull_request", "repo:acme/shopxjs:pull_request"),
        ("repo:acme/shop:ref:refs/heads/main", "repo:acme@1/shop@2:ref:refs/heads/main"),
        ("repo:acme/shop:ref:refs/heads/main", "repo:ACME/shop:ref:refs/heads/main"),
    ],
)
def test_a_wildcard_crosses_no_slash_and_no_colon_and_a_subject_is_matched_whole(
    place, subject, sub
):
    server = a_server(
        a_workload("deploy", {"federation": "github", "subject": subject}),
        federations=FEDERATIONS,
    )
    assert "sub" in refusal(place, token(github(sub=sub)), server=server).detail
    good = subject.replace("*", "one")
    assert validated(server, place(token(github(sub=good)), client_id="deploy"))


@in_both_places
def test_each_rule_says_which_claim_it_wants_otherwise(place):
    rules = (
        {"federation": "github", "claims": {"repository": "acme/other", "ref": "refs/heads/main"}},
        {"federation": "github", "subject": "repo:acme/x:ref:refs/heads/main"},
        {"federation": "cluster", "claims": {"kubernetes.io": {"namespace": "other"}}},
    )
    server = a_server(a_workload("deploy", *rules), federations=FEDERATIONS)
    detail = refusal(place, token(), server=server).detail
    assert "federated[0] wants another repository; federated[1] wants another sub" in detail
    assert "[2]" not in detail
    text = token(kubernetes())
    detail = refusal(place, text, server=server).detail
    assert 'federated[2] wants another "kubernetes.io".namespace' in detail


@pytest.mark.parametrize(
    "claims",
    [
        {"repository": ["acme/shop", "evil/shop"]},
        {"repository": {"acme/shop": 1}},
        {"repository": None},
        {"runner_id": True},
        {"runner_id": "1"},
        {"runner_id": 1.0},
        {"kubernetes.io": "shop"},
        {"kubernetes.io": [{"namespace": "shop"}]},
    ],
    ids=str,
)
def test_j20_a_claim_of_another_type_is_another_claim(claims):
    wanted = {"repository": "acme/shop", "runner_id": 1, "kubernetes.io": {"namespace": "shop"}}
    given = wanted | {"repository": "acme/shop"}
    client = a_workload("deploy", {"federation": "github", "claims": wanted})
    server = a_server(client, federations=FEDERATIONS)
    assert validated(server, as_client(token(github(**given)), client_id="deploy"))
    if claims == {"repository": ["acme/shop", "evil/shop"]}:  # a list has each of its members
        assert validated(server, as_client(token(github(**(given | claims))), client_id="deploy"))
    else:
        refusal(as_client, token(github(**(given | claims))), server=server)


@in_both_places
def test_who_names_no_client_is_the_one_whose_rule_it_is_or_nobody(place):
    other = a_workload("other", {"federation": "github", "claims": {"repository": "acme/shop"}})
    server = a_server(a_workload("deploy", MAIN), other, federations=FEDERATIONS)
    refusal(place, token(), server=server, client_id=None)
    assert validated(server, place(token(), client_id="other")).client is other
    tag = github(sub="repo:acme/shop:ref:refs/tags/v1")
    assert validated(server, place(token(tag))).client is other
    refusal(
        place, token(github(sub="repo:evil/x:pull_request", repository="evil/x")), client_id=None
    )


@in_both_places
@pytest.mark.parametrize("client_id", ["web", "nobody", "", "deploy\0", GITHUB])
def test_who_names_another_client_is_refused(place, client_id):
    refusal(place, token(), client_id=client_id or None if client_id else "x")


@in_both_places
def test_p26_the_key_of_one_federation_does_not_speak_for_another(place):
    jwks = client_keys.examined(a_jwks(a_public_jwk("RS256", key=OTHERS["RS256"])))
    others = (a_federation("github"), a_federation("gitlab", jwks=jwks))
    rules = (MAIN, {"federation": "gitlab", "subject": gitlab()["sub"]})
    server = a_server(a_workload("deploy", *rules), federations=others)
    refusal(place, token(key=OTHERS["RS256"]), server=server)
    refusal(place, token(gitlab()), server=server)
    good = token(gitlab(), key=OTHERS["RS256"])
    assert validated(server, place(good, client_id="deploy"))
    # What GitLab signs about a run of GitHub's: by its name, or by its key.
    refusal(place, token(github(iss="https://gitlab.com"), key=OTHERS["RS256"]), server=server)


@in_both_places
@pytest.mark.parametrize(
    "iss",
    [None, "https://evil.example", f"{GITHUB}/", GITHUB.upper(), [GITHUB], {}, 7, "deploy", ISSUER],
    ids=str,
)
def test_j16_p26_an_issuer_that_is_no_federation(place, iss):
    refusal(place, token(github(iss=iss)))


@in_both_places
@pytest.mark.parametrize(
    "aud",
    [
        None, f"{ISSUER}/", f"{ISSUER}/token", "https://github.com/acme", [], [[ISSUER]], {},
        [ISSUER, "https://evil.example"], [ISSUER, ISSUER], ISSUER[:-1], 7, "sts.amazonaws.com",
    ],
    ids=str,
)  # fmt: skip
def test_j15_j17_p26_only_we_are_the_audience(place, aud):
    refusal(place, token(github(aud=aud)))
    assert validated(SERVER, place(token(github(aud=[ISSUER])), client_id="deploy"))


@in_both_places
def test_a_federation_may_have_an_audience_of_its_own(place):
    server = a_server(
        a_workload("deploy", MAIN), federations=(a_federation(audience="issuer-of-acme"),)
    )
    assert validated(server, place(token(github(aud="issuer-of-acme")), client_id="deploy"))
    refusal(place, token(), server=server)


@in_both_places
@pytest.mark.parametrize(
    ("typ", "typs", "is_good"),
    [
        ("JWT", (), True),
        (None, (), True),
        ("application/jwt", (), True),
        ("at+jwt", (), False),
        ("client-authentication+jwt", (), False),
        ("oauth-id-jag+jwt", (), False),
        ("logout+jwt", (), False),
        ("JOSE", (), False),
        ("JOSE", ("JWT", "JOSE"), True),
        (None, ("JWT", "JOSE"), False),
        ("at+jwt", ("at+jwt",), True),
        ("JWT", ("at+jwt",), False),
    ],
)
def test_j13_j18_it_is_of_a_type_that_its_federation_registered(place, typ, typs, is_good):
    server = a_server(a_workload("deploy", MAIN), federations=(a_federation(typs=typs),))
    if is_good:
        assert validated(server, place(token(typ=typ), client_id="deploy"))
    else:
        refusal(place, token(typ=typ), server=server)


@in_both_places
@pytest.mark.parametrize("alg", PRIVATE)
def test_j4_a_federation_that_registered_algorithms_signs_by_these_alone(place, alg):
    jwks = client_keys.examined(
        a_jwks(*(a_public_jwk(each, alg=None, kid=None) for each in PRIVATE))
    )
    server = a_server(
        a_workload("deploy", MAIN), federations=(a_federation(algs=(alg,), jwks=jwks),)
    )
    assert validated(server, place(token(alg=alg), client_id="deploy"))
    for other in PRIVATE:
        if other != alg:
            refusal(place, token(alg=other), server=server)


@in_both_places
def test_j1_j3_j5_unsigned_and_signed_by_what_is_no_key(place):
    payload = to_base64url(to_json(github()))
    for alg in ("none", "None", "nOnE", "HS256", "HS512", "RS512", ["RS256"], 1, None):
        header = to_base64url(json.dumps(HEADER | {"alg": alg}).encode())
        for signature in ("", "AA"):
            refusal(place, f"{header}.{payload}.{signature}")


@in_both_places
def test_j6_j9_j10_j11_j12_keys_are_where_the_registry_says(place):
    jwk = a_public_jwk("RS256", key=OTHERS["RS256"])
    for header in (
        {}, {"jwk": jwk}, {"jwk": jwk, "kid": None}, {"jku": "http://127.0.0.1:9/"},
        {"x5u": "file:///etc/passwd"}, {"kid": "../../etc/passwd"}, {"kid": 7}, {"x5c": ["AQID"]},
    ):  # fmt: skip
        refusal(place, token(key=OTHERS["RS256"], **header))
    for header in ({"kid": "unknown"}, {"kid": "k" * 1_000_000}, {"crit": ["exp"]}, {"crit": []}):
        refusal(place, token(**header))


@in_both_places
def test_j7_j8_another_spelling_is_the_same_token_or_none(place):
    text = token(alg="ES256")
    head, payload, signature = text.split(".")
    raw = from_base64url(signature)
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    s = order - int.from_bytes(raw[32:], "big")
    twin = f"{head}.{payload}.{to_base64url(raw[:32] + s.to_bytes(32, 'big'))}"
    (first,) = validated(SERVER, place(text, client_id="deploy")).once
    (second,) = validated(SERVER, place(twin, client_id="deploy")).once
    assert first.id == second.id
    for spoil in ("=", "\n", " ", "%"):
        refusal(place, text + spoil)


@in_both_places
@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"exp": None}, id="no exp"),
        pytest.param({"exp": NOW - LEEWAY}, id="expired"),
        pytest.param({"exp": NOW + 3600 + LEEWAY + 1}, id="P26: exp more than an hour ahead"),
        pytest.param({"iat": NOW - 3600, "exp": NOW + LEEWAY + 1}, id="good for more than an hour"),
        pytest.param({"exp": NOW + 86_400, "iat": None}, id="exp far ahead, and no iat"),
        pytest.param({"iat": NOW + LEEWAY + 1}, id="iat in the future"),
        pytest.param({"nbf": NOW + LEEWAY + 1}, id="nbf in the future"),
        pytest.param({"exp": str(NOW + 60)}, id="J20: exp a text"),
        pytest.param({"exp": True}, id="J20: exp a truth"),
        pytest.param({"exp": 10**4000}, id="J20: exp a long number"),
        pytest.param({"iat": [NOW]}, id="J20: iat a list"),
        pytest.param({"sub": None}, id="P26: no sub"),
        pytest.param({"sub": ""}, id="an empty sub"),
        pytest.param({"sub": ["repo:acme/shop:ref:refs/heads/main"]}, id="sub a list"),
        pytest.param({"sub": 7}, id="sub a number"),
        pytest.param({"jti": None}, id="no jti"),
        pytest.param({"jti": ""}, id="an empty jti"),
        pytest.param({"jti": ["j"]}, id="jti a list"),
    ],
)
def test_j19_j29_p26_what_a_token_has_to_say(place, changes):
    refusal(place, token(github(**changes)))


@in_both_places
def test_j29_the_edges_of_its_time(place):
    for changes in (
        {"exp": NOW + 1 - LEEWAY}, {"exp": NOW + 3600}, {"iat": NOW + LEEWAY},
        {"nbf": NOW + LEEWAY}, {"iat": None, "nbf": None}, {"exp": NOW + 60.5},
    ):  # fmt: skip
        assert validated(SERVER, place(token(github(**changes)), client_id="deploy"))


@in_both_places
def test_a_federation_may_shorten_how_old_a_token_may_be(place):
    server = a_server(a_workload("deploy", MAIN), federations=(a_federation(max_age=60),))
    old = {"iat": NOW - 60 - LEEWAY, "nbf": None}
    assert validated(server, place(token(github(**old)), client_id="deploy"))
    refusal(place, token(github(**(old | {"iat": old["iat"] - 1}))), server=server)
    refusal(place, token(github(iat=None)), server=server)
    short = a_server(a_workload("deploy", MAIN), federations=(a_federation(max_lifetime=300),))
    assert validated(short, place(token(), client_id="deploy"))
    refusal(place, token(github(exp=NOW + 300 + LEEWAY + 1)), server=short)


@in_both_places
def test_j21_j22_j23_j24_texts_that_parsers_read_differently(place):
    said = json.dumps(github())
    for payload in (
        (json.dumps({"sub": github()["sub"]})[:-1] + ", " + said[1:]).encode(),
        said.encode("utf-16"), said.encode("utf-8-sig"), said.encode() + b"\xff", b"[" * 5000,
        said.replace("octocat", "\\ud800").encode(),
    ):  # fmt: skip
        refusal(place, sign_text(to_json(HEADER), payload, alg="RS256"))
    head, body, tail = token().split(".")
    for text in (
        f"{head}..{tail}", f"{head}.{body}", f"{head}.{body}.{tail}.{tail}", "." * 2000,
        "A" * 5_000_000, f'{{"payload":"{body}"}}', "x",
    ):  # fmt: skip
        refusal(place, text)


def test_p26_replayed_it_is_the_same_in_both_places():
    text = token()
    (first,) = validated(SERVER, as_client(text, client_id="deploy")).once
    (second,) = validated(SERVER, as_grant(text)).once
    assert first.id == second.id
    assert first.expires_at == github()["exp"] + LEEWAY
    assert isinstance(first.refusal(), InvalidClient)
    assert isinstance(second.refusal(), InvalidGrant)
    # Both at once: who proves itself by the token that it asks with has spent it once.
    both = {**as_client(text), "grant_type": JWT_BEARER, "assertion": text}
    assert [each.id for each in validated(SERVER, both).once] == [first.id]
    both["assertion"] = token()
    assert len(validated(SERVER, both).once) == 2


@in_both_places
def test_a_token_without_jti_is_taken_where_the_registry_says_that_it_may_come_again(place):
    rule = {"federation": "spire", "subject": "spiffe://acme.example/ns/shop/sa/api"}
    for reusable, is_good in ((True, True), (False, False)):
        server = a_server(
            a_workload("deploy", rule), federations=(a_federation("spire", reusable=reusable),)
        )
        if is_good:
            assert validated(server, place(token(spiffe()), client_id="deploy")).once == ()
        else:
            assert "jti" in refusal(place, token(spiffe()), server=server).detail


def test_p26_an_assertion_of_the_clients_own_is_no_grant():
    client = a_workload("deploy", MAIN, jwks=EVERY)
    server = a_server(client, federations=FEDERATIONS)
    own = an_assertion("deploy")
    assert validated(server, as_client(own)).credential == f"key {KID}"
    refusal(as_grant, own, server=server)
    refusal(as_grant, own, server=server, client_id=None)


@in_both_places
def test_a_client_with_a_key_may_come_with_a_token_of_its_federation_too(place):
    client = a_workload("deploy", MAIN, jwks=EVERY)
    server = a_server(client, federations=FEDERATIONS)
    assert validated(server, place(token(), client_id="deploy")).credential == "federation github"
    # Its own key does not speak for the federation, nor the federation's for it.
    forged = {"iss": "deploy", "sub": "deploy"}
    strange = a_federation(
        jwks=client_keys.examined(a_jwks(a_public_jwk("RS256", key=OTHERS["RS256"])))
    )
    server = a_server(client, federations=(strange,))
    refusal(place, token(), server=server)
    refusal(place, sign(github(**forged), alg="RS256", key=OTHERS["RS256"]), server=server)


def test_a_client_without_a_key_that_signs_for_itself_is_refused():
    refusal(as_client, an_assertion("deploy"))


def test_a_client_with_a_secret_proves_both():
    """RFC 7521 section 4.1: client authentication that is there counts."""
    client = a_client("web", grant_types=(JWT_BEARER,), federated=(MAIN,))
    server = a_server(client, a_workload("deploy", MAIN), federations=FEDERATIONS)
    authorization = validated(server, as_grant(token()), authorization=basic("web"))
    assert authorization.client is client
    assert authorization.credential == "client_secrets[0]"
    assert len(authorization.once) == 1
    with pytest.raises(InvalidClient):
        validated(server, as_grant(token()), authorization=basic("web", "wrong"))
    with pytest.raises(InvalidGrant):
        validated(server, as_grant(token(github(sub="x"))), authorization=basic("web"))
    with pytest.raises(InvalidGrant):  # the secret is its registered way, and it was left out
        validated(server, as_grant(token(), client_id="web"))
    with pytest.raises(InvalidGrant):
        validated(server, as_grant("x"), authorization=basic("web"))


@pytest.mark.parametrize("grant_type", ["client_credentials", JWT_BEARER])
def test_p23_each_use_is_a_grant_that_the_client_registered(grant_type):
    client = a_workload("deploy", MAIN, grant_types=(grant_type,))
    server = a_server(client, federations=FEDERATIONS)
    good, other = (
        (as_client, as_grant) if grant_type == "client_credentials" else (as_grant, as_client)
    )
    assert validated(server, good(token(), client_id="deploy"))
    with pytest.raises(UnauthorizedClient):
        validated(server, other(token(), client_id="deploy"))


@in_both_places
def test_it_gets_what_its_client_registered_and_no_more(place):
    client = a_workload("deploy", MAIN, resources=(API, OTHER_API))
    server = a_server(client, federations=FEDERATIONS)
    for others, audience, scope in (
        ({}, API, {"read", "write"}),
        ({"scope": "read"}, API, {"read"}),
        ({"resource": OTHER_API}, OTHER_API, {"read"}),
    ):
        found = validated(server, place(token(), client_id="deploy", **others))
        assert (found.resource.resource, set(found.scope)) == (audience, scope)
    for error, others in (
        (InvalidScope, {"scope": "pay"}),
        (InvalidScope, {"scope": "openid"}),
        (InvalidTarget, {"resource": MAC_API}),
    ):
        with pytest.raises(error):
            validated(server, place(token(), client_id="deploy", **others))


@in_both_places
def test_claims_go_on_under_the_names_that_the_registry_gives_them(place):
    names = {"repository": "repo", "sha": "commit", "nothing": "nothing", "tenant": "tenant"}
    federation = a_federation(map=names)
    client = a_workload("deploy", MAIN, claims={"tenant": "north"})
    server = a_server(client, federations=(federation,))
    parameters = place(token(github(tenant="south")), client_id="deploy")
    authorization = validated(server, parameters)
    response = TokenGenerator().grant_response(server, authorization)
    claims = server.issued.verify(response.body["access_token"], NOW).claims
    assert (claims["repo"], claims["commit"]) == ("acme/shop", github()["sha"])
    assert claims["tenant"] == "north"  # what the registry says of the client itself comes first
    assert claims["sub"] == claims["client_id"] == "deploy"
    assert "nothing" not in claims
    assert "repository" not in claims


@in_both_places
def test_a_claim_within_a_claim_goes_on_and_what_is_no_plain_value_does_not(place):
    names = {"kubernetes.io": {"namespace": "namespace", "pod": "pod"}, "aud": "was_for"}
    server = a_server(
        a_workload(
            "deploy", {"federation": "cluster", "subject": "system:serviceaccount:shop:api"}
        ),
        federations=(a_federation("cluster", map=names),),
    )
    found = validated(server, place(token(kubernetes()), client_id="deploy")).mapped
    assert found == {"namespace": "shop", "was_for": [ISSUER]}


@in_both_places
def test_keys_that_are_not_to_be_had_are_no_fault_of_the_workload(place):
    """F: never invalid_client or invalid_grant, at which clients give up."""
    federation = a_federation(jwks=None, jwks_uri=f"{GITHUB}/.well-known/jwks")
    server = a_server(a_workload("deploy", MAIN), federations=(federation,))
    with pytest.raises(TemporarilyUnavailable) as refused:
        validated(server, place(token(), client_id="deploy"))
    assert refused.value.status == 503
    request = a_request(place(token(), client_id="deploy"))
    keys = client_keys.examined(EVERY)
    assert TokenGenerator().validate(server, replace(request, federation_keys={"github": keys}))
    with pytest.raises(TemporarilyUnavailable):  # the keys of another do not stand in for them
        TokenGenerator().validate(server, replace(request, federation_keys={"gitlab": keys}))


def test_a_workload_without_rules_for_its_federation():
    detail = refusal(as_client, token(kubernetes())).detail
    assert "no rule for its federation" in detail
    server = a_server(a_signing_client("deploy"), federations=FEDERATIONS)
    refusal(as_client, token(), server=server)
