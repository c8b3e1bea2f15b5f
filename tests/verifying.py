"""Resource servers that others wrote: they have the URL of the JWKS, and nothing else of ours."""

import json
import subprocess
import sys
from collections.abc import Iterable
from typing import Any

import jwt

ALGORITHMS = ["ES256", "RS256", "PS256", "EdDSA"]

_APART = """
import json, sys, jwt
jwks_url, issuer, audience = sys.argv[1:]
keys = jwt.PyJWKClient(jwks_url)
for token in sys.stdin.read().split():
    key = keys.get_signing_key_from_jwt(token)
    claims = jwt.decode(
        token, key, algorithms=[key.algorithm_name], issuer=issuer, audience=audience
    )
    print(json.dumps(claims))
"""


class ResourceServer:
    """Verifies by PyJWT, with the cache of keys that its client keeps."""

    def __init__(self, jwks_url: str, issuer: str, audience: str, *, lifespan: float = 300) -> None:
        self._keys = jwt.PyJWKClient(jwks_url, lifespan=lifespan)
        self._expected = {"issuer": issuer, "audience": audience}

    def verify(self, token: str) -> dict[str, Any]:
        """The claims of ``token``. Raises ``PyJWTError`` where it is not good."""
        key = self._keys.get_signing_key_from_jwt(token)
        return jwt.decode(token, key, algorithms=[key.algorithm_name], **self._expected)


def verified_apart(
    jwks_url: str, issuer: str, audience: str, tokens: Iterable[str]
) -> list[dict[str, Any]]:
    """The claims of ``tokens``, by a process that never saw this code or the two files."""
    done = subprocess.run(
        [sys.executable, "-I", "-c", _APART, jwks_url, issuer, audience],
        input="\n".join(tokens), capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]
