"""Federations and the rules of clients in the registry: what is taken, and what is refused."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from issuer.registry import InvalidRegistry, Registry, files, parse, schema
from issuer.registry.federation import JWT_BEARER
from issuer.token import OFFERED
from tests.builders import API, ISSUER
from tests.federation.tokens import GITHUB
from tests.rfc7523.keys import a_jwks, a_public_jwk

FEDERATION = ("federations", "github")
CLIENT = ("clients", "deploy")
RULE = (*CLIENT, "federated", 0)
GONE = object()

WHOLE: dict[str, Any] = {
    "issuer": {"url": ISSUER},
    "resources": {API: {"scopes": ["read"]}},
    "federations": {
        "github": {
            "issuer": GITHUB,
            "jwks": a_jwks(a_public_jwk("RS256")),
            "map": {"repository": "repo", "kubernetes.io": {"namespace": "namespace"}},
        }
    },
    "clients": {
        "deploy": {
            "token_endpoint_auth_method": "private_key_jwt",
            "grant_types": ["client_credentials", JWT_BEARER],
            "resources": [API],
            "scope": "read",
            "federated": [
                {
                    "federation": "github",
                    "subject": "repo:acme/shop:ref:refs/heads/*",
                    "claims": {"ref_protected": "true", "x": {"y": [1, True, "z*"]}},
                }
            ],
        }
    },
}


def changed(path: tuple[Any, ...], value: Any) -> Any:
    table = copy.deepcopy(WHOLE)
    holder: Any = table
    for step in path[:-1]:
        holder = holder[step]
    if value is GONE:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return table


def parsed(table: Any) -> Registry:
    return parse({"registry.json": json.dumps(table).encode()}, OFFERED)


def problems(table: Any) -> list[str]:
    with pytest.raises(InvalidRegistry) as refused:
        parsed(table)
    return [str(each).removeprefix("registry.json: ") for each in refused.value.problems]


def test_what_the_others_are_changed_from_is_taken_and_is_in_the_schema():
    registry = parsed(WHOLE)
    (rule,) = registry.clients["deploy"].federated
    assert rule.matches({"sub": "repo:acme/shop:ref:refs/heads/main", "ref_protected": "true",
                         "x": {"y": "zz"}})  # fmt: skip
    github = registry.federations["github"]
    assert registry.federation_of(GITHUB) is github
    assert registry.federated_with(github) == (registry.clients["deploy"],)
    assert github.map.of({"kubernetes.io": {"namespace": "shop"}}) == {"namespace": "shop"}
    said = schema.of(OFFERED)["properties"]
    assert "jwks_uri" in said["federations"]["additionalProperties"]["properties"]
    assert "federated" in said["clients"]["additionalProperties"]["properties"]


def test_in_toml_a_rule_is_a_table_of_its_own(tmp_path: Path):
    path = tmp_path / "registry.toml"
    path.write_text(f"""
[issuer]
url = "{ISSUER}"
[resources."{API}"]
[federations.cluster]
issuer = "https://kubernetes.default.svc"
jwks_file = "cluster.json"
reusable = true
[clients.api]
token_endpoint_auth_method = "private_key_jwt"
grant_types = ["client_credentials"]
resources = ["{API}"]
[[clients.api.federated]]
federation = "cluster"
claims."kubernetes.io" = {{ namespace = "shop", serviceaccount.name = "api" }}
""")
    (tmp_path / "cluster.json").write_text(json.dumps(a_jwks()))
    registry = parse(files.read_registry(path), OFFERED)
    claims = {"kubernetes.io": {"namespace": "shop", "serviceaccount": {"name": "api"}}}
    assert registry.clients["api"].federated[0].matches(claims)
    keys = registry.federation_keys(registry.federations["cluster"])
    assert keys is not None
    assert len(keys.keys) == 1


NAMELESS = "could be anybody's, for everybody has tokens of"

REFUSED: list[tuple[str, tuple[Any, ...], Any, str]] = [
    ("no issuer", (*FEDERATION, "issuer"), GONE,
     "federations.github.issuer: is missing and has to be there"),
    ("ourselves", (*FEDERATION, "issuer"), ISSUER,
     "federations.github.issuer: is this issuer itself, whose tokens are taken without that"),
    ("a client", (*FEDERATION, "issuer"), "deploy",
     "federations.github.issuer: is a client's client_id, which signs its own assertions with it"),
    ("keys in two places", (*FEDERATION, "jwks_uri"), f"{GITHUB}/jwks",
     "federations.github.jwks_uri: cannot be beside jwks: keys are in one place; take one out"),
    ("http", (*FEDERATION, "jwks_uri"), "http://github.example/jwks",
     "federations.github.jwks_uri: must be https"),
    ("no key for its algs", (*FEDERATION, "algs"), ["ES256"],
     "federations.github.jwks: has no key for what signs its tokens: add one, or fix algs"),
    ("HS256", (*FEDERATION, "algs"), ["HS256"],
     "federations.github.algs[0]: must be one of ES256, RS256, PS256, EdDSA"),
    ("too long a life", (*FEDERATION, "max_lifetime"), 86_401,
     "federations.github.max_lifetime: must be at most 86400 s"),
    ("a map that says who", (*FEDERATION, "map"), {"sub": "sub"},
     "federations.github.map: must not set what the issuer says itself: sub"),
    ("a map that says what", (*FEDERATION, "map"), {"a": "scope", "b": "cnf", "c": "act"},
     "federations.github.map: must not set what the issuer says itself: act, cnf, scope"),
    ("a map of numbers", (*FEDERATION, "map"), {"a": 1},
     "federations.github.map: a must be text: what the claim is called here"),
    ("a map to one name", (*FEDERATION, "map"), {"a": "x", "b": "x"},
     "federations.github.map: must not call two claims the same"),
    ("a misspelt key", (*FEDERATION, "audiance"), "x",
     'federations.github.audiance: unknown key; did you mean "audience"?'),
    ("another federation", (*RULE, "federation"), "githib",
     'clients.deploy.federated[0].federation: "githib" is not known here; did you mean "github"?'),
    ("no federation", (*RULE, "federation"), GONE,
     "clients.deploy.federated[0].federation: is missing and has to be there, such as "
     '"github"'),
    ("for everybody", (*CLIENT, "federated"), [{"federation": "github"}],
     "clients.deploy.federated[0]: must have a subject or claims: else it is for all of the "
     "federation"),
    ("anything before", (*RULE, "subject"), "*:ref:refs/heads/main",
     "clients.deploy.federated[0].subject: must not begin with *, which could be anybody's: say "
     "how it begins"),
    ("two wildcards", (*RULE, "subject"), "repo:acme/a*b*c",
     "clients.deploy.federated[0].subject: must have at most one * between two of / and :"),
    ("two in a row", (*RULE, "subject"), "repo:acme/**",
     "clients.deploy.federated[0].subject: must have at most one * between two of / and :"),
    ("an empty subject", (*RULE, "subject"), "",
     "clients.deploy.federated[0].subject: must not be empty"),
    ("a subject that is a number", (*RULE, "subject"), 7,
     "clients.deploy.federated[0].subject: must be text in quotes, such as "
     '"repo:acme/shop:ref:refs/heads/main"'),
    ("claims as text", (*RULE, "claims"), "x",
     'clients.deploy.federated[0].claims: must be a table of claims, such as {repository = '
     '"acme/shop"}'),
    ("a claim that is a float", (*RULE, "claims"), {"a": {"b": 1.5}},
     "clients.deploy.federated[0].claims: a.b must be text, a whole number, true or false"),
    ("a claim of nothing", (*RULE, "claims"), {"a.b": {}},
     'clients.deploy.federated[0].claims: "a.b" must not be empty'),
    ("no value at all", (*RULE, "claims"), {"a": []},
     "clients.deploy.federated[0].claims: a must name a value that is good"),
    ("claims too deep", (*RULE, "claims"), {"a": {"b": {"c": {"d": {"e": 1}}}}},
     "clients.deploy.federated[0].claims: must have at most 4 tables within each other"),
    ("a secret beside it", (*CLIENT, "token_endpoint_auth_method"), "none",
     "clients.deploy.federated: is a proof of who the client is: set "
     'token_endpoint_auth_method = "private_key_jwt"'),
    ("a grant without a rule", (*CLIENT, "federated"), [],
     f"clients.deploy.grant_types: {JWT_BEARER} needs federated, which says whose tokens it takes"),
    *(
        (f"anybody's: {rule}", (*CLIENT, "federated"), [{"federation": "github", **rule}],
         f"clients.deploy.federated[0]: {NAMELESS} {GITHUB}: say whose")
        for rule in (
            {"subject": "repo:*/shop:ref:refs/heads/main"}, {"subject": "repo:ac*/shop:x"},
            {"subject": "environment:production"}, {"subject": "repository_owner_id:12*"},
            {"claims": {"ref": "refs/heads/main"}}, {"claims": {"repository": "a*/shop"}},
            {"claims": {"repository": ["acme/shop", "a*/shop"]}}, {"claims": {"actor": "octocat"}},
        )
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "value", "said"), [pytest.param(*rest, id=name) for name, *rest in REFUSED]
)
def test_what_is_wrong_is_said_with_its_place(path, value, said):
    found = problems(changed(path, value))
    assert any(each.startswith(said) for each in found), found
    assert parsed(WHOLE)


@pytest.mark.parametrize(
    "rule",
    [
        {"subject": "repo:acme/*:environment:production"},
        {"subject": "repo:acme@123456/shop@456789:ref:refs/heads/*"},
        {"subject": "repository_owner_id:123456:repository_visibility:*"},
        {"claims": {"repository_owner_id": "123456"}},
        {"claims": {"repository": "acme/*", "ref": "refs/heads/*"}},
        {"subject": "environment:production", "claims": {"repository_id": "7"}},
    ],
    ids=str,
)
def test_a_rule_that_names_its_owner_is_taken(rule):
    assert parsed(changed((*CLIENT, "federated"), [{"federation": "github", **rule}]))


def test_an_issuer_is_one_federation_and_one_without_keys_can_be_discovered():
    twin = copy.deepcopy(WHOLE["federations"])
    twin["again"] = twin["github"]
    (said,) = problems(changed(("federations",), twin))
    assert "is that of " in said
    found = changed((*FEDERATION, "jwks"), GONE)
    assert parsed(found).federations["github"].jwks is None
    for issuer in ("kubernetes/serviceaccount", "http://a.example", "https://a.example?b"):
        found["federations"]["github"]["issuer"] = issuer
        (said,) = problems(found)
        assert "must be an https URL to find its keys by discovery" in said


@pytest.mark.parametrize("holder", [FEDERATION, RULE])
def test_whatever_stands_in_a_field_is_refused_in_words_of_ours(holder):
    """None of them is the validator's, which speaks to programmers."""
    record: Any = parsed(WHOLE).federations["github"]
    record = record if holder is FEDERATION else parsed(WHOLE).clients["deploy"].federated[0]
    for field in record.__dataclass_fields__:
        for value in (None, 1, -1, 1.5, True, "", "x" * 2000, [], [1], [[]], [{}], {}, {"a": {}}):
            said = said_of(changed((*holder, field), value))
            for word in ("should", "valid ", "instance", "Input", "NoneType"):
                assert word not in said, (field, value, said)


def said_of(table: Any) -> str:
    try:
        parsed(table)
    except InvalidRegistry as refused:
        return str(refused)
    return ""
