"""What a client that signs registers: each contradiction with its remedy, and its neighbours."""

import json

import pytest

from issuer.registry import InvalidRegistry, parse
from issuer.registry.advice import warnings
from issuer.token import OFFERED
from tests.builders import API, CALLBACK, ISSUER, SECRET
from tests.rfc7523.keys import PRIVATE, a_jwks, a_public_jwk

SECRETS = [{"hash": "sha256:" + "A" * 43}]
SIGNS = {"token_endpoint_auth_method": "private_key_jwt"}
URI = "https://app.example/jwks.json"
ALG = "token_endpoint_auth_signing_alg"
REMEDY = 'is for token_endpoint_auth_method = "private_key_jwt": set that, or take this out'


def written(resource: dict | None = None, settings: dict | None = None, **client: object) -> bytes:
    given = {"grant_types": ["client_credentials"], "resources": [API], "scope": "read"}
    table = {
        "issuer": {"url": ISSUER, **(settings or {})},
        "resources": {API: {"scopes": ["read"], **(resource or {})}},
        "clients": {"app": given | client},
    }
    return json.dumps(table).encode()


def problems(content: bytes) -> list[str]:
    with pytest.raises(InvalidRegistry) as refused:
        parse({"registry.json": content}, OFFERED)
    return [str(each).removeprefix("registry.json: ") for each in refused.value.problems]


@pytest.mark.parametrize(
    ("client", "problem"),
    [
        pytest.param(
            SIGNS,
            'clients.app.token_endpoint_auth_method: "private_key_jwt" takes a key of the '
            "client's, as jwks, jwks_file or jwks_uri; `issuer client key app` makes one",
            id="no key",
        ),
        pytest.param(
            {**SIGNS, "jwks": a_jwks(), "client_secrets": SECRETS},
            'clients.app.client_secrets: contradict "private_key_jwt", by which the client shares '
            "no secret: take them out, once it signs",
            id="a secret as well",
        ),
        pytest.param(
            {**SIGNS, "jwks": a_jwks(), "jwks_uri": URI},
            "clients.app.jwks_uri: cannot be beside jwks: keys are in one place; take one out",
            id="keys in two places",
        ),
        pytest.param(
            {**SIGNS, "jwks": a_jwks(a_public_jwk(use="enc"))},
            "clients.app.jwks: has no key that verifies: one for ES256, RS256, PS256 or EdDSA",
            id="keys for something else",
        ),
        pytest.param(
            {**SIGNS, "jwks": a_jwks(), ALG: "PS256"},
            f"clients.app.{ALG}: is PS256, and jwks has no key for it: add one, or take it out",
            id="an alg without a key",
        ),
        pytest.param(
            {**SIGNS, "jwks": a_jwks(), ALG: "HS256"},
            f"clients.app.{ALG}: must be one of ES256, RS256, PS256, EdDSA",
            id="an alg that is not offered",
        ),
        pytest.param(
            {"client_secrets": SECRETS, "jwks": a_jwks(), ALG: "ES256"},
            f"clients.app.{ALG}: {REMEDY}",
            id="an alg of nobody's",
        ),
        pytest.param(
            {"client_secrets": SECRETS, "token_endpoint_auth_audience": "endpoint"},
            f"clients.app.token_endpoint_auth_audience: {REMEDY}",
            id="an audience of nobody's",
        ),
        pytest.param(
            {**SIGNS, "jwks": a_jwks(), "token_endpoint_auth_audience": "everybody"},
            'clients.app.token_endpoint_auth_audience: must be "issuer" or "endpoint"',
            id="another audience",
        ),
        pytest.param(
            {**SIGNS, "jwks_uri": "http://127.0.0.1/jwks"},
            "clients.app.jwks_uri: must be https: whoever answers there could speak for the client",
            id="jwks_uri by http",
        ),
        pytest.param(
            {**SIGNS, "jwks": {"keys": {}}},
            'clients.app.jwks: must be a JWK Set, which has a list called "keys"; '
            "`issuer client add --private-key-jwt` makes it",
            id="no JWK Set",
        ),
        pytest.param(
            {"token_endpoint_auth_method": "client_secret_jwt", "client_secrets": SECRETS},
            'clients.app.token_endpoint_auth_method: "client_secret_jwt" takes the secret itself '
            "to check what is signed with it, and the registry keeps hashes: private_key_jwt is as "
            "easy for most clients, and `issuer client key` makes one",
            id="client_secret_jwt",
        ),
    ],
)
def test_a_contradiction_is_refused_with_its_remedy(client, problem):
    assert problems(written(**client)) == [problem]
    assert parse({"registry.json": written(**SIGNS, jwks=a_jwks())}, OFFERED)


def test_a_resource_server_does_not_sign():
    method = {"introspection_endpoint_auth_method": "private_key_jwt", "client_secrets": SECRETS}
    (problem,) = problems(written(method, **SIGNS, jwks=a_jwks()))
    assert problem == (
        f'resources."{API}".introspection_endpoint_auth_method: "private_key_jwt" is for clients; '
        "a resource server asks by client_secret_basic or client_secret_post"
    )


@pytest.mark.parametrize("networks", [["0.0.0.0/0"], ["::/0"], ["localhost"], ["10.0.0.1/8"], [1]])
def test_networks_where_clients_publish_keys_are_named_one_by_one(networks):
    settings = {"jwks_uri_networks": networks}
    (problem,) = problems(written(settings=settings, **SIGNS, jwks_uri=URI))
    assert problem.startswith("issuer.jwks_uri_networks[0]: must ")
    settings = {"jwks_uri_networks": ["10.0.0.0/8", "192.168.1.7", "fd00::/8"]}
    assert parse({"registry.json": written(settings=settings, **SIGNS, jwks_uri=URI)}, OFFERED)


@pytest.mark.parametrize(
    "client",
    [
        pytest.param({**SIGNS, "jwks": a_jwks(*map(a_public_jwk, PRIVATE))}, id="every alg"),
        pytest.param({**SIGNS, "jwks_uri": URI, ALG: "PS256"}, id="keys that nobody knows here"),
        pytest.param({**SIGNS, "jwks": a_jwks(a_public_jwk("RS256", alg=None)), ALG: "PS256"},
                     id="an RSA key for PS256"),
        pytest.param({**SIGNS, "jwks": a_jwks(), "token_endpoint_auth_audience": "endpoint"},
                     id="an old client"),
    ],
)  # fmt: skip
def test_what_fits_is_taken_and_nothing_is_warned_of(client):
    registry = parse({"registry.json": written(**client)}, OFFERED)
    assert list(warnings(registry)) == []


def test_keys_that_are_not_used_are_warned_of():
    """They may be there before the client signs: so it changes over."""
    registry = parse({"registry.json": written(client_secrets=SECRETS, jwks=a_jwks())}, OFFERED)
    ((path, why),) = warnings(registry)
    assert path == ("clients", "app", "jwks")
    assert why.startswith("is not used: with token_endpoint_auth_method")
    uses = {"grant_types": ["authorization_code"], "redirect_uris": [CALLBACK]}
    content = written(client_secrets=SECRETS, jwks=a_jwks(), **uses)
    settled = parse({"registry.json": content}, OFFERED)
    assert [path for path, _ in warnings(settled) if "jwks" in path] == []


def test_one_of_very_many_that_are_alike_is_found():
    """What is judged by the content of keys is not judged alike."""
    table = json.loads(written(**SIGNS, jwks=a_jwks()))
    app = table["clients"]["app"]
    table["clients"] |= {f"c{number}": app for number in range(2000)}
    table["clients"]["odd"] = app | {"jwks": a_jwks(a_public_jwk(use="enc"))}
    (problem,) = problems(json.dumps(table).encode())
    assert problem.startswith("clients.odd.jwks: has no key that verifies")
    assert SECRET not in problem
