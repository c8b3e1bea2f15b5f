"""What a client registers to sign its requests, and what the metadata say of it (RFC 9101 10.5)."""

import json
from typing import Any

import pytest

from issuer.metadata import metadata
from issuer.registry import InvalidRegistry, Registry, parse
from issuer.registry.secret import sha256_hash
from issuer.server import AuthorizationServer
from issuer.token import OFFERED
from tests.builders import API, CALLBACK, ISSUER, NOW, RING, SECRET
from tests.rfc7523.keys import a_jwks, a_public_jwk

MAKES_ONE = "as jwks, jwks_file or jwks_uri; `issuer client key web` makes one"
NEEDS = f"needs a key of the client's to sign its requests with, {MAKES_ONE}"


def registered(*others: dict[str, Any], settings: Any = None, **fields: Any) -> Registry:
    client = {
        "client_secrets": [{"hash": sha256_hash(SECRET)}],
        "grant_types": ["authorization_code"],
        "redirect_uris": [CALLBACK],
        "scope": "read",
        "resources": [API],
    }
    whole = {
        "issuer": {"url": ISSUER, **(settings or {})},
        "resources": {API: {"scopes": ["read"]}},
        "clients": {
            "web": client | fields,
            **{f"client{n}": client | each for n, each in enumerate(others)},
        },
    }
    files = {"registry.json": json.dumps(whole).encode()}
    keys = {"./keys.json": json.dumps(a_jwks(a_public_jwk("EdDSA"))).encode()}
    return parse(files | (keys if fields.get("jwks_file") else {}), OFFERED)


def problems(*others, **fields):
    with pytest.raises(InvalidRegistry) as refused:
        registered(*others, **fields)
    return [str(each) for each in refused.value.problems]


def said(*others, **fields):
    return metadata(AuthorizationServer.of(registered(*others, **fields), RING), NOW)


@pytest.mark.parametrize(
    ("fields", "at"),
    [
        ({"require_signed_request_object": True}, "require_signed_request_object"),
        ({"request_object_signing_alg": "ES256"}, "request_object_signing_alg"),
    ],
)
def test_who_signs_needs_a_key(fields, at):
    assert problems(**fields) == [f"registry.json: clients.web.{at}: {NEEDS}"]
    for keys in ({"jwks": a_jwks()}, {"jwks_uri": "https://app.example/jwks.json"}):
        assert registered(**keys, **fields)


def test_where_all_must_sign_each_needs_one_that_sends_people_here():
    settings = {"require_signed_request_object": True}
    service = {"grant_types": ["client_credentials"], "redirect_uris": []}
    assert problems(service, settings=settings) == [
        "registry.json: clients.web.jwks: is missing: with require_signed_request_object under "
        f"[issuer] it {NEEDS}"
    ]
    assert registered(service, settings=settings, jwks=a_jwks())


@pytest.mark.parametrize("alg", ["none", "HS256", "ES384", "", 1])
def test_no_other_algorithm_is_registered(alg):
    (problem,) = problems(jwks=a_jwks(), request_object_signing_alg=alg)
    assert "clients.web.request_object_signing_alg" in problem


def test_nobody_can_sign_where_nobody_has_a_key():
    """RFC 8414 section 2: what is not said is not there."""
    document = said()
    assert document["request_parameter_supported"] is False
    assert document["request_uri_parameter_supported"] is False
    assert "request_object_signing_alg_values_supported" not in document
    service = {"grant_types": ["client_credentials"], "redirect_uris": [], "jwks": a_jwks()}
    assert said(service)["request_parameter_supported"] is False


@pytest.mark.parametrize(
    ("fields", "algs"),
    [
        ({"jwks": a_jwks()}, ["ES256"]),
        ({"jwks": a_jwks(a_public_jwk("RS256", alg=None))}, ["RS256"]),
        (
            {
                "jwks": a_jwks(a_public_jwk("RS256", alg=None)),
                "request_object_signing_alg": "PS256",
            },
            ["PS256"],
        ),
        ({"jwks_file": "keys.json"}, ["EdDSA"]),
        (
            {"jwks_uri": "https://app.example/jwks.json"},
            ["ES256", "RS256", "PS256", "EdDSA"],
        ),
    ],
)
def test_what_can_be_signed_by_is_what_some_client_has_a_key_for(fields, algs):
    document = said(**fields)
    assert document["request_parameter_supported"] is True
    assert document["request_object_signing_alg_values_supported"] == algs
    assert document["require_signed_request_object"] is False


def test_a_client_of_fapi_2_signs_by_fewer():
    """FAPI 2.0 Security Profile section 5.4.1."""
    own = {"profile": "fapi2", "token_endpoint_auth_method": "private_key_jwt",
           "client_secrets": [], "dpop_bound_access_tokens": True}  # fmt: skip
    stored = {"replay_store": "sqlite:replay.db"}
    document = said(settings=stored, jwks_uri="https://app.example/jwks.json", **own)
    found = document["request_object_signing_alg_values_supported"]
    assert found == document["token_endpoint_auth_signing_alg_values_supported"]
    assert found == ["ES256", "PS256", "EdDSA"]


def test_that_all_must_sign_is_said_to_all():
    settings = {"require_signed_request_object": True}
    assert said(settings=settings, jwks=a_jwks())["require_signed_request_object"] is True
    own = said(jwks=a_jwks(), require_signed_request_object=True)
    assert own["require_signed_request_object"] is False
