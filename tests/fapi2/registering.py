"""A registry whose one client keeps every rule of the profile, for tests to break one at a time."""

import copy
import json
from typing import Any

import pytest

from issuer.registry import InvalidRegistry, Registry, parse
from issuer.token import OFFERED
from keys.signing import SigningKey
from tests.builders import API, CALLBACK, ISSUER, NOW

BANK = ("clients", "bank")
CLIENT_KEY = SigningKey.generate("ES256", activates_at=NOW - 10)
"""What the client signs with."""

GOOD: dict[str, Any] = {
    "issuer": {"url": ISSUER, "replay_store": "sqlite:replay.db"},
    "resources": {API: {"scopes": ["read", "write"]}},
    "clients": {
        "bank": {
            "profile": "fapi2",
            "token_endpoint_auth_method": "private_key_jwt",
            "token_endpoint_auth_signing_alg": "ES256",
            "jwks": {"keys": [CLIENT_KEY.public_jwk]},
            "dpop_bound_access_tokens": True,
            "id_token_signed_response_alg": "ES256",
            "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
            "redirect_uris": [CALLBACK],
            "scope": "openid read",
            "resources": [API],
        }
    },
}


def changed(*changes: tuple[tuple[Any, ...], Any]) -> dict[str, Any]:
    """``GOOD`` with other values at these paths; None takes one out."""
    table = copy.deepcopy(GOOD)
    for path, value in changes:
        holder = table
        for step in path[:-1]:
            holder = holder[step]
        if value is None:
            del holder[path[-1]]
        else:
            holder[path[-1]] = value
    return table


def parsed(table: dict[str, Any]) -> Registry:
    """The registry that ``table`` says."""
    return parse({"registry.json": json.dumps(table).encode()}, OFFERED)


def problems_in(table: dict[str, Any]) -> list[str]:
    """Everything that is wrong with it."""
    with pytest.raises(InvalidRegistry) as refused:
        parsed(table)
    return [str(each).removeprefix("registry.json: ") for each in refused.value.problems]
