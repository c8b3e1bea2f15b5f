"""What the README says of the profile, to the letter."""

from pathlib import Path

from issuer.registry.fapi2 import FAPI2_ALGS, METHODS, MOST_CODE_LIFETIME

README = Path(__file__).parents[2] / "README.md"


def test_the_readme_names_what_the_profile_has():
    section = README.read_text().split("## FAPI 2.0\n")[1].split("\n## ")[0]
    first, second, third = FAPI2_ALGS
    for said in (
        'profile = "fapi2"',
        f"`{METHODS[0]}`, `{METHODS[1]}` or `{METHODS[2]}`",
        f"for {MOST_CODE_LIFETIME} seconds at most",
        f"{first}, {second} and {third}",
        "issuer client add bank --fapi2",
        "`dpop_bound_access_tokens` or `tls_client_certificate_bound_access_tokens`",
    ):
        assert said in section, said
