"""The exchanges of clients in the registry: what is taken, and what is said otherwise."""

import copy
import json
from typing import Any

import pytest

from issuer.registry import InvalidRegistry, Registry, parse
from issuer.registry.exchange import TOKEN_EXCHANGE
from issuer.token import OFFERED
from tests.builders import API, ISSUER, OTHER_API

CLIENT: dict[str, Any] = {
    "client_secrets": [{"hash": "sha256:" + "A" * 43}],
    "grant_types": [TOKEN_EXCHANGE],
    "resources": [OTHER_API],
    "scope": "read",
    "exchanges": [{"resource": OTHER_API, "audiences": [API], "actors": ["gateway"]}],
}


def parsed(client: dict[str, Any]) -> Registry:
    table = {
        "issuer": {"url": ISSUER},
        "resources": {API: {"scopes": ["read"]}, OTHER_API: {"scopes": ["read", "pay"]}},
        "clients": {"gateway": client},
    }
    return parse({"registry.json": json.dumps(table).encode()}, OFFERED)


def changed(rule: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    client = copy.deepcopy(CLIENT) | fields
    if rule is not None:
        client["exchanges"][0] |= rule
    return client


def test_what_the_others_are_changed_from_is_taken():
    (rule,) = parsed(CLIENT).clients["gateway"].exchanges
    assert rule.subject_token_types == ("access_token",)
    assert not rule.impersonation


@pytest.mark.parametrize(
    ("client", "said"),
    [
        (changed(exchanges=[]), f"grant_types: {TOKEN_EXCHANGE} needs exchanges, which say what"),
        (changed(grant_types=["client_credentials"]), "exchanges: needs the grant"),
        (changed(token_endpoint_auth_method="none", client_secrets=[]),
         f"grant_types: {TOKEN_EXCHANGE} is for clients that prove who they are: take it out"),
        (changed({"resource": API}),
         "exchanges[0].resource: must be one of the client's resources"),
        (changed({"audiences": []}), "exchanges[0].audiences: must name the resources whose"),
        (changed({"audiences": ["https://x.example"]}),
         'exchanges[0].audiences[0]: "https://x.example" is not known here'),
        (changed({"actors": ["nobody"]}), 'exchanges[0].actors[0]: "nobody" is no client here'),
        (changed({"scope": "read pay"}), "exchanges[0].scope: must be within the client's scope"),
        (changed({"subject_token_types": ["jwt"]}),
         'exchanges[0].subject_token_types: "jwt" needs federated'),
        (changed({"subject_token_types": ["saml2"]}),
         "exchanges[0].subject_token_types[0]: must be"),
        (changed({"audience": API}),
         'exchanges[0].audience: unknown key; did you mean "audiences"?'),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place(client, said):
    with pytest.raises(InvalidRegistry) as refused:
        parsed(client)
    found = [str(each) for each in refused.value.problems]
    assert any(each.startswith(f"registry.json: clients.gateway.{said}") for each in found), found
    assert parsed(CLIENT)
