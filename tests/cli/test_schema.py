"""``issuer schema``: it accepts what the parser accepts, and refuses misspelt keys."""

import json
import tomllib
from datetime import datetime
from pathlib import Path

import pytest

from issuer.registry import InvalidRegistry, parse
from issuer.registry.parsing import TABLES
from issuer.registry.schema import DIALECT
from issuer.token import OFFERED

FULL = """
[issuer]
url = "https://issuer.example"
access_token_lifetime = 300
replay_store = "sqlite:replay.db"
not_before = 2026-01-01T00:00:00Z

[resources."https://api.example"]
resource = "https://api.example"
scopes = ["read"]
access_token_type = "Bearer"
access_token_lifetime = 60

[resources."https://pay.example"]
access_token_type = "mac"
jwks = { keys = [
    { kty = "OKP", crv = "X25519", x = "J70dOIv5XvKh4FEMrstBw-zfk-bKCzpK6oKUnWeQK3o", kid = "1" },
    { kty = "EC", crv = "P-256", x = "ONm-Q26ZcldXt99iQXbZ0bOYe4N3ebqxd7h_3A5sJMc", y = "iH63UpBVRNhRb7CmC0NLWxm7aCvaX_BZJ10rm3a0ej4", kid = "2", use = "enc", alg = "ECDH-ES", not_before = 2026-11-24T23:57:55Z },
] }

[clients.web]
client_name = "Web"
client_uri = "https://web.example"
logo_uri = "data:image/png;base64,AAAA"
policy_uri = "https://web.example/privacy"
tos_uri = "https://web.example/terms"
contacts = ["web@example.com"]
token_endpoint_auth_method = "client_secret_post"
client_secrets = [{ hash = "sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", expires_at = 2099-01-01T00:00:00Z }]
grant_types = ["authorization_code", "refresh_token"]
redirect_uris = ["https://web.example/cb"]
scope = "read"
resources = ["https://api.example"]
require_pkce = false
claims = { tenant = { id = 3 } }

[users.alice]
sub = "u-1"
email = "alice@example.com"
active = false

[scopes]
read = "Read it"

[branding]
name = "Example"
logo = "data:image/png;base64,AAAA"
color = "#2f55c8"
policy_uri = "https://example.com/privacy"
tos_uri = "https://example.com/terms"
"""  # noqa: E501


@pytest.fixture
def schema(run) -> dict:
    """What the command prints."""
    return json.loads(run("schema").stdout)


def json_of(toml: str) -> dict:
    text = json.dumps(tomllib.loads(toml), default=datetime.isoformat)
    return json.loads(text)


def validate(instance: dict, schema: dict) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator
    validator.check_schema(schema)
    validator(schema, format_checker=validator.FORMAT_CHECKER).validate(instance)


def refused(instance: dict, schema: dict) -> bool:
    jsonschema = pytest.importorskip("jsonschema")
    return not jsonschema.Draft202012Validator(schema).is_valid(instance)


def test_it_has_a_property_for_each_table_and_no_others(schema):
    assert schema["$schema"] == DIALECT
    assert set(schema["properties"]) == {"issuer", "scopes", "branding", *TABLES}
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize("table", TABLES)
def test_a_record_has_every_field_and_none_besides(schema, table):
    kind, key = TABLES[table]
    record = schema["properties"][table]["additionalProperties"]
    assert set(record["properties"]) == set(kind.__dataclass_fields__)
    assert record["additionalProperties"] is False
    assert key not in record["required"]


def test_names_are_those_on_offer(schema):
    client = schema["properties"]["clients"]["additionalProperties"]["properties"]
    resource = schema["properties"]["resources"]["additionalProperties"]["properties"]
    assert tuple(client["grant_types"]["items"]["enum"]) == OFFERED.grant_types
    methods = OFFERED.token_endpoint_auth_methods
    assert tuple(client["token_endpoint_auth_method"]["enum"]) == methods
    assert tuple(resource["access_token_type"]["enum"]) == OFFERED.access_token_types


def test_it_accepts_what_the_parser_accepts(schema):
    parse({"r.toml": FULL.encode()}, OFFERED)
    validate(json_of(FULL), schema)


def test_it_accepts_what_init_writes(run, schema, tmp_path: Path):
    run("init")
    validate(json_of((tmp_path / "registry.toml").read_text()), schema)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        pytest.param("client_name", "client_nmae", id="a misspelt key"),
        pytest.param("expires_at", "expires", id="a misspelt key of a secret"),
        pytest.param("[users.", "[user.", id="a misspelt table"),
        pytest.param('"refresh_token"', '"implicit"', id="an unknown grant"),
        pytest.param("client_secret_post", "kerberos", id="an unknown method"),
        pytest.param('"Bearer"', '"bearer"', id="an unknown token type"),
        pytest.param("= 300", "= 0", id="a lifetime of nothing"),
        pytest.param("= 300", '= "300"', id="a lifetime in quotes"),
        pytest.param("sha256:A", "secret:A", id="a secret and no hash"),
        pytest.param('url = "https://issuer.example"', "", id="no url"),
        pytest.param('crv = "X25519"', 'crv = "Ed25519"', id="a curve to sign with"),
        pytest.param('use = "enc"', 'use = "sig"', id="a key to sign with"),
        pytest.param('kid = "1"', 'kid = "1", d = "J70d"', id="a private key"),
        pytest.param('x = "J', 'x = "', id="a coordinate too short"),
        pytest.param("require_pkce = false", 'require_pkce = "no"', id="a word for a boolean"),
    ],
)
def test_it_refuses_what_the_parser_refuses(schema, right, wrong):
    text = FULL.replace(right, wrong, 1)
    assert text != FULL
    with pytest.raises(InvalidRegistry):
        parse({"r.toml": text.encode()}, OFFERED)
    assert refused(json_of(text), schema)
