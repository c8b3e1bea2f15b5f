"""Registries that say where certificates come from."""

import json
from typing import Any

from issuer.registry import InvalidRegistry, Registry, parse
from issuer.token import OFFERED
from tests.builders import API, ISSUER
from tests.rfc8705.certificates import AUTHORITY

PROXY = "10.0.0.7"
BEHIND_A_PROXY = {"trusted_proxies": (PROXY,), "client_certificate_header": "Client-Cert"}
WITH_AUTHORITIES = BEHIND_A_PROXY | {"client_certificate_authorities": AUTHORITY.pem}


def a_table(client: dict[str, Any] | None = None, **settings: Any) -> dict[str, Any]:
    """A registry as JSON has it, with one client."""
    registered = {"grant_types": ["client_credentials"], "resources": [API], "scope": "read"}
    return {
        "issuer": {"url": ISSUER} | WITH_AUTHORITIES | settings,
        "resources": {API: {"scopes": ["read"]}},
        "clients": {"billing": registered | (client or {})},
    }


def parsed(table: dict[str, Any], **files: bytes) -> Registry:
    """The registry of ``table``, and of files beside it by their names."""
    whole = {"registry.json": json.dumps(table).encode()}
    return parse(whole | {f"./{name}": content for name, content in files.items()}, OFFERED)


def problems_in(table: dict[str, Any], **files: bytes) -> list[str]:
    """All that is wrong with it."""
    try:
        parsed(table, **files)
    except InvalidRegistry as invalid:
        return [str(each).removeprefix("registry.json: ") for each in invalid.problems]
    return []
