"""What the README promises of client assertions, to the letter and to the second."""

from pathlib import Path

import pytest

from issuer.client_auth.private_key_jwt import ASSERTION_TYPE, LEEWAY, MAX_LIFETIME, TYPS
from issuer.errors import InvalidClient
from keys.algorithms import ALGORITHMS
from keys.key_set import MAX_STALENESS, REFETCH_INTERVAL
from tests.builders import NOW, a_server
from tests.rfc7523.builders import a_signing_client, an_assertion, validated

README = (Path(__file__).parents[2] / "README.md").read_text()
SECTION = README.partition("## How a client proves who it is\n")[2].partition("\n## ")[0]
SERVER = a_server(a_signing_client())


def is_good(assertion: str, at: int) -> bool:
    try:
        return validated(SERVER, assertion, now=at).client.client_id == "signer"
    except InvalidClient:
        return False


@pytest.mark.parametrize("lifetime", [1, 60, MAX_LIFETIME])
def test_the_table_says_for_how_long_an_assertion_is_good_without_a_store(lifetime):
    assert (
        f"| client assertion used again | accepted until {LEEWAY} s after its `exp`, which is "
        f"{MAX_LIFETIME} s after its `iat` at most | refused, at every replica and endpoint |"
    ) in README
    assertion = an_assertion(exp=NOW + lifetime)
    good = [at for at in range(NOW - 200, NOW + 500) if is_good(assertion, at)]
    assert good == [*range(NOW - LEEWAY, NOW + lifetime + LEEWAY)]


@pytest.mark.parametrize(
    "said",
    [
        *ALGORITHMS, *filter(None, TYPS - {"jwt"}), ASSERTION_TYPE, f"{MAX_LIFETIME} s later",
        f"twice in {REFETCH_INTERVAL} s", "`client_secret_jwt` is not offered", "jwks_file",
        "jwks_uri", "jwks_uri_networks", "SSL_CERT_FILE",
        'token_endpoint_auth_audience = "endpoint"',
        "token_endpoint_auth_signing_alg", "--private-key-jwt", "issuer client key",
        "expires_in=60",
    ],
)  # fmt: skip
def test_the_section_names_what_there_is(said):
    assert said in SECTION
    assert MAX_STALENESS == 86_400, "it says a day"
