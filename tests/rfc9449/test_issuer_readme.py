"""What the README promises of DPoP, to the letter and to the second."""

from pathlib import Path

import pytest

from keys.algorithms import ALGORITHMS
from keys.dpop import LEEWAY, MAX_AGE
from keys.dpop_nonce import LIFETIME
from tests.asking import ask
from tests.builders import NOW, a_request, a_server
from tests.rfc9449.proving import Prover, nonce_of, proving

README = (Path(__file__).parents[2] / "README.md").read_text()
SECTION = README.partition("## Tokens that are bound to a key\n")[2].partition("\n## ")[0]
KEY = Prover()
SERVER = a_server()


def status(at: int, **claims) -> int:
    return ask(SERVER, proving(a_request(now=at), KEY.proof(**claims))).status


def test_the_table_says_for_how_long_a_proof_is_good_without_a_store():
    """From ``iat`` on, and not from when it came first."""
    assert (
        f"| DPoP proof used again | accepted for {MAX_AGE} s after its `iat`, which may be up to "
        f"{LEEWAY} s ahead of the issuer's clock; a nonce is good for {LIFETIME} to {2 * LIFETIME} "
        "s. To use it for another request takes the key | refused |"
    ) in README
    accepted = [at for at in range(NOW - 200, NOW + 200) if status(at, iat=NOW) == 200]
    assert accepted == [*range(NOW - LEEWAY, NOW + MAX_AGE + 1)]


def test_nor_does_it_last_longer_with_a_nonce():
    start = NOW - NOW % LIFETIME
    nonce = nonce_of(SERVER, start)
    good = [
        at for at in range(start, start + 3 * LIFETIME) if status(at, nonce=nonce, iat=at) == 200
    ]
    assert good == [*range(start, start + 2 * LIFETIME)]


@pytest.mark.parametrize(
    "said",
    ["dpop_bound_access_tokens", "dpop_jkt", "use_dpop_nonce", "cnf.jkt", "--dpop", *ALGORITHMS],
)
def test_the_section_names_what_there_is(said):
    assert said in SECTION
