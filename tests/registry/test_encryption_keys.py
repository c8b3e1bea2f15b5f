"""The keys of a mac resource: what the registry takes, what it refuses, and where it says so."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuer import load
from issuer.load import Refused
from issuer.registry import InvalidRegistry, Registry, parse
from issuer.token import OFFERED
from keys.mac.key_wrapping import generate_key, public_jwk
from tests.builders import API, ISSUER, NOW, RING

PRIVATE = generate_key()
KEY = public_jwk(PRIVATE)
NEXT = public_jwk(generate_key("P-256")) | {"not_before": NOW + 60}
THIRD = public_jwk(generate_key()) | {"not_before": NOW + 120}
P256 = {name: value for name, value in NEXT.items() if name != "not_before"}
ED25519 = {"kty": "OKP", "crv": "Ed25519", "x": KEY["x"], "kid": "1"}
MADE = f"must have a key that MAC keys are encrypted to; `issuer resource rotate {API}` makes it"
BEARER = 'is for access_token_type = "mac": a bearer token has no key to encrypt'
HOW_MANY = "must be one key or two: the one that is used, and the one that follows"
CURVES = 'must be "X25519" or "P-256"'
TIME = "must be an RFC 3339 time with its offset, such as 2026-11-01T00:00:00Z"


def parsed(*keys: Any, access_token_type: str = "mac", **fields: Any) -> Registry:
    """A registry whose one resource has these keys, unless ``fields`` say otherwise."""
    record = {"access_token_type": access_token_type, "jwks": {"keys": list(keys)}} | fields
    kept = {name: value for name, value in record.items() if value is not None}
    table = {"issuer": {"url": ISSUER}, "resources": {API: kept}}
    return parse({"r.json": json.dumps(table).encode()}, OFFERED)


def problem(*keys: Any, **fields: Any) -> str:
    """The one thing that is wrong, within the resource."""
    with pytest.raises(InvalidRegistry) as refused:
        parsed(*keys, **fields)
    (found,) = map(str, refused.value.problems)
    assert PRIVATE["d"] not in found
    return found.removeprefix(f'r.json: resources."{API}".')


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param([KEY], id="X25519"),
        pytest.param([P256], id="P-256"),
        pytest.param([KEY, NEXT], id="one of each, one after the other"),
        pytest.param([KEY | {"not_before": "2026-11-01T00:00:00Z"}], id="from a time on"),
        pytest.param([{n: v for n, v in KEY.items() if n not in ("use", "alg")}], id="bare"),
    ],
)
def test_one_key_or_two_are_taken(keys):
    jwks = parsed(*keys).resources[API].jwks
    assert [each.kid for each in jwks.keys] == [each["kid"] for each in keys]


@pytest.mark.parametrize(
    ("keys", "where"),
    [
        ([PRIVATE], "jwks.keys[0]: must be a public key; 'd' is a private key's member"),
        ([KEY, NEXT | {"k": "x"}],
         "jwks.keys[1]: must be a public key; 'k' is a private key's member"),
        ([], f"jwks.keys: {HOW_MANY}"),
        ([KEY, NEXT, THIRD], f"jwks.keys: {HOW_MANY}"),
        ([KEY, KEY | {"not_before": 1}], "jwks.keys: must have a kid of its own for each key"),
        ([KEY, P256], "jwks.keys: must differ in not_before: the one that began last is used"),
        ([ED25519], f"jwks.keys[0].crv: {CURVES}"),
        ([NEXT | {"crv": "P-384"}], f"jwks.keys[0].crv: {CURVES}"),
        ([KEY | {"kty": "RSA"}], 'jwks.keys[0].kty: must be "OKP" or "EC"'),
        ([KEY | {"kty": "EC"}],
         "jwks.keys[0]: must be a key of kty OKP and crv X25519 or kty EC and crv P-256"),
        ([KEY | {"use": "sig"}], 'jwks.keys[0].use: must be "enc"'),
        ([KEY | {"alg": "ECDH-ES+A256KW"}], 'jwks.keys[0].alg: must be "ECDH-ES"'),
        ([KEY | {"y": KEY["x"]}], "jwks.keys[0]: must have no y: a key on X25519 is x alone"),
        ([P256 | {"y": P256["x"]}], "jwks.keys[0]: the numbers are no key on its curve"),
        ([P256 | {"y": None}], "jwks.keys[0]: a key on this curve has x, y, all strings"),
        ([KEY | {"x": "A" * 43}], "jwks.keys[0]: the coordinates are a point of small order"),
        ([KEY | {"x": "AAAA"}], "jwks.keys[0]: x is base64url of 32 bytes on this curve"),
        ([KEY | {"x": 3}], "jwks.keys[0].x: must be text in quotes"),
        ([KEY | {"kid": ""}],
         "jwks.keys[0]: must have a kid of 1 to 128 visible ASCII characters"),
        ([{n: v for n, v in KEY.items() if n != "kid"}],
         'jwks.keys[0].kid: is missing and has to be there, such as "2026-11"'),
        ([KEY | {"not_before": "tomorrow"}], f"jwks.keys[0].not_before: {TIME}"),
        ([KEY | {"not_befroe": 1}],
         'jwks.keys[0].not_befroe: unknown key; did you mean "not_before"?'),
        (["x"], "jwks.keys[0]: must be a table"),
    ],
)  # fmt: skip
def test_what_is_no_key_is_refused_at_its_place(keys, where):
    assert problem(*keys) == where


def test_a_jwk_set_is_an_object_with_keys():
    """RFC 7517 section 5."""
    with pytest.raises(InvalidRegistry, match=r"jwks\.kyes: unknown key; did you mean \"keys\"\?"):
        parsed(jwks={"kyes": [KEY]})
    assert problem(jwks=[KEY]) == (
        'jwks: must be a table, such as {"keys": ["…"]}; `issuer resource add --mac` makes it'
    )


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.text("Aw", min_size=43, max_size=43),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*P256, "d", "not_before", "key_ops"]), ANYTHING), ANYTHING)
def test_whatever_stands_there_is_taken_or_refused_as_a_problem(members, jwks):
    """A worker reads it while it runs; nothing else may come of it."""
    for given_jwks in (jwks, {"keys": jwks}, {"keys": [jwks]}, {"keys": [P256 | members]}):
        try:
            parsed(jwks=given_jwks)
        except InvalidRegistry as refused:
            assert refused.problems  # noqa: PT017  either is right


def test_a_mac_resource_without_a_key_is_told_the_command():
    assert problem(jwks=None) == f"jwks: {MADE}"


def test_a_bearer_resource_with_a_key_is_refused():
    """Who registers a key believes that nobody else can use the tokens."""
    assert problem(KEY, access_token_type="Bearer") == f"jwks: {BEARER}"
    assert parsed(access_token_type="Bearer", jwks=None).resources[API].jwks is None


def test_no_registration_of_a_client_can_name_cnf():
    """A client could give its tokens a key of its own choice."""
    client = {"claims": {"cnf": {"jwe": "x"}}, "resources": [API], "grant_types": []}
    client |= {"token_endpoint_auth_method": "none"}
    table = {"issuer": {"url": ISSUER}, "resources": {API: {}}, "clients": {"c": client}}
    with pytest.raises(InvalidRegistry, match="must not set what the issuer says itself: cnf"):
        parse({"r.json": json.dumps(table).encode()}, OFFERED)
    client["claims"] = {"conf": 1}
    parse({"r.json": json.dumps(table).encode()}, OFFERED)


@pytest.mark.parametrize(
    ("now", "kid"),
    [(NOW, KEY["kid"]), (NOW + 59, KEY["kid"]), (NOW + 60, NEXT["kid"]), (NOW + 999, NEXT["kid"])],
    ids=["now", "just before", "as it begins", "later"],
)
@pytest.mark.parametrize("order", [[KEY, NEXT], [NEXT, KEY]])
def test_the_newest_key_that_has_begun_is_used(order, now, kid):
    assert parsed(*order).resources[API].encryption_key(now).kid == kid


def test_a_resource_whose_keys_begin_later_is_refused_until_then():
    registry = parsed(NEXT)
    with pytest.raises(Refused) as refused:
        load.combine(registry, RING, NOW + 59)
    assert refused.value.problems == (
        f'registry: resources."{API}".jwks: has no key whose not_before has come',
    )
    assert load.combine(registry, RING, NOW + 60).registry is registry
