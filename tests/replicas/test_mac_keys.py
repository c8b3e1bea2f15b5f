"""The key of a resource server changes on every replica in the same second."""

import json
import time
from base64 import urlsafe_b64decode
from typing import Any

import jwt

from keys.mac.key_wrapping import DecryptionKeys, generate_key, public_jwk
from tests.builders import MAC_API, MAC_PRIVATE_JWK
from tests.running import RunningIssuer


def header_of(claims: dict[str, Any]) -> dict[str, Any]:
    """The header of the JWE in the token."""
    part = claims["cnf"]["jwe"].split(".")[0]
    header: dict[str, Any] = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return header


def in_force(replica: RunningIssuer) -> str:
    """The registry that it judges by."""
    return str(replica.http.get("/readyz").json()["registry"]["digest"])


def test_both_replicas_change_keys_in_the_second_that_the_registry_says(an_issuer):
    following = generate_key("P-256")
    first = an_issuer()
    replicas = [first.start(), an_issuer().start()]
    table, not_before = first.read_registry(), int(time.time()) + 8
    table["resources"][MAC_API]["jwks"]["keys"] += [
        public_jwk(following) | {"not_before": not_before}
    ]
    first.write_registry(table)
    digest = first.files().registry.digest
    first.wait_until(lambda: all(in_force(each) == digest for each in replicas))
    both = DecryptionKeys.from_jwks({"keys": [MAC_PRIVATE_JWK, following]})
    seen: set[tuple[int, str]] = set()
    while time.time() < not_before + 1:
        for number, each in enumerate(replicas):
            body = each.token(grant_type="client_credentials", resource=MAC_API).json()
            claims = jwt.decode(body["access_token"], options={"verify_signature": False})
            kid = header_of(claims)["kid"]
            is_due = claims["iat"] >= not_before
            assert kid == (following if is_due else MAC_PRIVATE_JWK)["kid"]
            opened = both.unwrap(claims["cnf"]["jwe"], claims["jti"], claims["iat"])
            assert opened == body["mac_key"].encode()
            seen.add((number, kid))
        time.sleep(0.05)
    assert len(seen) == 4, "each replica minted under each key"
