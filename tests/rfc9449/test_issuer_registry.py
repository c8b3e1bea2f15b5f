"""What registries may say of DPoP, and what is made of it: metadata and checks."""

import pytest

from issuer.metadata import metadata
from issuer.registry.advice import warnings
from keys.algorithms import ALGORITHMS
from keys.mac.key_wrapping import public_jwk
from tests.builders import API, MAC_API, MAC_PRIVATE_JWK, NOW, a_server
from tests.registry.test_refusals import WEB, changed, parsed, problems_in
from tests.rfc9449.proving import MAKERS

BOUND = (*WEB, "dpop_bound_access_tokens")
MAC = {
    "scopes": ["read"],
    "access_token_type": "mac",
    "jwks": {"keys": [public_jwk(MAC_PRIVATE_JWK)]},
}


def test_the_metadata_name_what_proofs_can_be_signed_with():
    """Section 5.1."""
    assert metadata(a_server(), NOW)["dpop_signing_alg_values_supported"] == [*ALGORITHMS]
    assert set(MAKERS) == set(ALGORITHMS)


@pytest.mark.parametrize(
    ("resources", "scope", "refused", "warned"),
    [
        ([MAC_API], "read", True, True),
        ([API, MAC_API], "read", False, True),
        ([API], "read", False, False),
        ([MAC_API], "openid read", False, True),
    ],
)
def test_tokens_of_type_mac_are_bound_to_no_other_key(resources, scope, refused, warned):
    table = changed(
        ((("resources"), MAC_API), MAC),
        ((*WEB, "resources"), resources),
        ((*WEB, "scope"), scope),
        (BOUND, True),
    )
    at = "clients.web.dpop_bound_access_tokens"
    if refused:
        (problem,) = problems_in(table)
        assert at in problem
        assert problem.endswith("take this out")
    else:
        found = [path for path, _ in warnings(parsed(table))]
        assert found.count(BOUND) == warned
    table["clients"]["web"]["dpop_bound_access_tokens"] = False
    assert BOUND not in [path for path, _ in warnings(parsed(table))]


@pytest.mark.parametrize("nonce", ["none", "optional", "required"])
def test_nonces_are_chosen_by_a_word(nonce):
    assert parsed(changed((("issuer", "dpop_nonce"), nonce))).issuer.dpop_nonce == nonce
    (problem,) = problems_in(changed((("issuer", "dpop_nonce"), nonce.upper())))
    assert "issuer.dpop_nonce" in problem
    assert parsed(changed()).issuer.dpop_nonce == "optional"
