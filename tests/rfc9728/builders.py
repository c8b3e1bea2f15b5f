"""Verifiers that publish something of themselves."""

from typing import Any

from keys import ResourceMetadata, Verifier
from tests.keys.builders import ISSUER, KEY, NOW, a_jwks

RESOURCE = "https://mcp.example/mcp"
METADATA_URL = "https://mcp.example/.well-known/oauth-protected-resource/mcp"
METADATA_PATH = "/.well-known/oauth-protected-resource/mcp"


def some_metadata(**options: Any) -> ResourceMetadata:
    return ResourceMetadata(**{"scopes_supported": ("read", "write"), **options})


def a_verifier(audience: str = RESOURCE, **options: Any) -> Verifier:
    options = {"metadata": some_metadata(), "clock": lambda: NOW, **options}
    return Verifier(ISSUER, audience, a_jwks(KEY), **options)
