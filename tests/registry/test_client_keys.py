"""The public keys of clients: which are taken, and what each may do (RFC 7517, RFC 8725 3.1)."""

import json

import pytest

from issuer.registry import InvalidRegistry, parse
from issuer.registry.client_keys import MAX_KEYS, ClientKeys, examined, usable
from issuer.token import OFFERED
from tests.builders import API, ISSUER
from tests.rfc7523.keys import KID, PRIVATE, a_jwks, a_public_jwk

EVERYTHING = {
    "issuer": {"url": ISSUER},
    "resources": {API: {"scopes": ["read"]}},
}


def algs(found: ClientKeys, kid: str | None, alg: object, registered: str | None = None) -> list:
    return [each.algorithm.name for each in found.find(kid, alg, registered)]


@pytest.mark.parametrize("alg", PRIVATE)
def test_a_key_that_says_what_it_is_for_is_for_that_alone(alg):
    found = examined(a_jwks(a_public_jwk(alg)))
    assert algs(found, KID, alg) == [alg]
    for other in PRIVATE:
        assert algs(found, KID, other) == ([alg] if other == alg else [])


@pytest.mark.parametrize(
    ("kind", "registered", "alg"),
    [
        pytest.param("ES256", None, "ES256", id="P-256"),
        pytest.param("EdDSA", None, "EdDSA", id="Ed25519"),
        pytest.param("RS256", None, "RS256", id="RSA, and nothing registered"),
        pytest.param("RS256", "RS256", "RS256", id="RSA, registered for RS256"),
        pytest.param("RS256", "PS256", "PS256", id="RSA, registered for PS256"),
    ],
)
def test_a_key_without_alg_is_for_one_all_the_same(kind, registered, alg):
    """J4: many clients leave ``alg`` out. One key is never for two algorithms."""
    found = examined(a_jwks(a_public_jwk(kind, alg=None)))
    for each in PRIVATE:
        assert algs(found, KID, each, registered) == ([alg] if each == alg else [])


def test_a_key_that_is_not_for_what_its_client_registered_is_for_nothing():
    found = examined(a_jwks(a_public_jwk("RS256")))
    assert algs(found, KID, "RS256", "PS256") == algs(found, KID, "PS256", "PS256") == []
    assert not found.can("PS256")
    assert found.can("RS256")
    assert found.can(None)


def test_a_kid_names_a_key_and_those_without_one_are_tried_where_none_has_it():
    first, second = a_public_jwk(kid="1"), a_public_jwk("EdDSA", kid="2")
    nameless = a_public_jwk(key=PRIVATE["ES256"], kid=None)
    assert algs(examined(a_jwks(first, second)), "1", "ES256") == ["ES256"]
    assert algs(examined(a_jwks(first, second)), "2", "ES256") == []
    assert algs(examined(a_jwks(first, second)), "3", "ES256") == []
    assert algs(examined(a_jwks(first, nameless)), "3", "ES256") == ["ES256"]
    assert algs(examined(a_jwks(first, nameless)), None, "ES256") == ["ES256", "ES256"]


@pytest.mark.parametrize(
    ("jwk", "sentence"),
    [
        pytest.param({**a_public_jwk(), "d": "hunter2"}, "public half alone: take out d", id="d"),
        pytest.param({"kty": "oct", "k": "hunter2"}, "take out k", id="a secret"),
        pytest.param(a_public_jwk(x="hunter2"), "the numbers are no key for ES256", id="no point"),
        pytest.param(a_public_jwk(x=None), "a key for ES256 has kty, crv, x, y", id="x missing"),
        pytest.param(a_public_jwk(alg="RS256"), "not a key for RS256", id="another alg's"),
        pytest.param(a_public_jwk(kid=7), "must have text as its kid", id="kid no text"),
        pytest.param(a_public_jwk(x5c=["hunter2!"]), "certificates in base64", id="x5c no base64"),
        pytest.param("hunter2", "must be a JWK", id="no object"),
    ],
)
def test_a_key_that_is_none_is_refused_where_somebody_wrote_it_and_left_out_where_not(
    jwk, sentence
):
    with pytest.raises(ValueError, match="keys") as refused:
        examined(a_jwks(a_public_jwk(), jwk))
    assert str(refused.value).startswith("keys[1] ")
    assert sentence in str(refused.value)
    assert "hunter2" not in str(refused.value)
    fetched = usable(json.dumps(a_jwks(a_public_jwk(), jwk)).encode())
    assert algs(fetched, KID, "ES256") == ["ES256"]


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"use": "enc"}, id="for encryption"),
        pytest.param({"key_ops": ["encrypt"]}, id="with other operations"),
        pytest.param({"alg": "ES512"}, id="of an alg that is not known"),
        pytest.param({"kty": "OKP", "crv": "X25519", "alg": None}, id="of a curve for agreement"),
    ],
)
def test_a_key_that_is_for_something_else_is_left_out(other):
    """RFC 7517 section 5."""
    assert examined(a_jwks(a_public_jwk(**other))).keys == ()
    assert len(examined(a_jwks(a_public_jwk(**other), a_public_jwk())).keys) == 1


def test_a_certificate_stays_with_a_key_whatever_the_key_is_for():
    """RFC 8705 section 2.2: what self_signed_tls_client_auth registers."""
    found = examined(
        a_jwks(a_public_jwk(x5c=["AQID"]), {"kty": "EC", "crv": "P-384", "x5c": ["BA=="]})
    )
    assert found.certificates == (b"\1\2\3", b"\4")
    assert algs(found, None, "ES256") == ["ES256"]


@pytest.mark.parametrize(
    "jwks",
    [
        pytest.param({}, id="no list"),
        pytest.param({"keys": {}}, id="no list but an object"),
        pytest.param([], id="a list alone"),
        pytest.param(a_jwks(*[a_public_jwk()] * (MAX_KEYS + 1)), id="too many"),
    ],
)
def test_what_is_no_set_of_keys_is_refused(jwks):
    with pytest.raises(ValueError, match=r"must (be|have)"):
        examined(jwks)
    with pytest.raises(ValueError):  # noqa: PT011  strict JSON says it in its own words
        usable(json.dumps(jwks).encode())
    assert len(examined(a_jwks(*[a_public_jwk()] * MAX_KEYS)).keys) == MAX_KEYS


def a_registry(**client):
    given = {"grant_types": ["client_credentials"], "resources": [API], "scope": "read"}
    return json.dumps(EVERYTHING | {"clients": {"app": given | client}}).encode()


def test_keys_in_the_registry_are_read_with_it():
    registry = parse({"registry.json": a_registry(**BASIC, jwks=a_jwks())}, OFFERED)
    keys = registry.client_keys(registry.clients["app"])
    assert algs(keys, KID, "ES256") == ["ES256"]
    with pytest.raises(InvalidRegistry) as refused:
        parse({"registry.json": a_registry(**BASIC, jwks=a_jwks(a_public_jwk(d="x")))}, OFFERED)
    assert "registry.json: clients.app.jwks: keys[0] must be the public half alone" in str(
        refused.value
    )


BASIC = {"client_secrets": [{"hash": "sha256:" + "A" * 43}]}
