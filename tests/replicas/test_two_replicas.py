"""Two issuers that share nothing but two files, and a resource server that has neither."""

from collections.abc import Iterator

import pytest

from issuer.metadata import JWKS
from tests.builders import API, OTHER_API, VERIFIER
from tests.running import RunningIssuer
from tests.verifying import verified_apart

Pair = tuple[RunningIssuer, RunningIssuer]


@pytest.fixture(scope="module")
def replicas(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Two gunicorns on two ports, over the same two files."""
    directory = tmp_path_factory.mktemp("replicas")
    pair = RunningIssuer(directory), RunningIssuer(directory)
    for each in pair:
        each.start()
    yield pair
    for each in pair:
        each.stop()


@pytest.fixture(params=["forth", "back"])
def one_and_other(replicas: Pair, request: pytest.FixtureRequest) -> Pair:
    """The two, both ways round."""
    return replicas if request.param == "forth" else (replicas[1], replicas[0])


def test_both_are_the_same_issuer(one_and_other):
    """RFC 8414 section 2: whoever asks either gets the same documents."""
    one, other = one_and_other
    assert one.url != other.url
    for path in ("/.well-known/oauth-authorization-server", JWKS):
        assert one.http.get(path).json() == other.http.get(path).json()
    in_force = [each.http.get("/readyz").json() for each in one_and_other]
    assert in_force[0]["registry"] == in_force[1]["registry"]
    assert in_force[0]["keyring"] == in_force[1]["keyring"]


def test_what_one_issued_is_good_at_the_other(one_and_other):
    """F3: the refresh token of one, and then that of the other, at the one that did not give it."""
    one, other = one_and_other
    first = one.redeem(one.code(scope="read"))
    assert first.status_code == 200
    held = first.json()["refresh_token"]
    second = other.refresh(held)
    assert second.status_code == 200
    assert second.json()["scope"] == "read"
    third = one.refresh(second.json()["refresh_token"])
    assert third.status_code == 200


def test_a_code_that_one_redeemed_yields_the_same_token_at_the_other(one_and_other):
    """The table of properties, store none: the second redemption yields no more than the first."""
    one, other = one_and_other
    code = one.code()
    tokens = [each.redeem(code).json()["access_token"] for each in one_and_other]
    issuer = one.files().issuer
    first, second = verified_apart(other.url + JWKS, issuer, API, tokens)
    assert first == second


def test_what_another_issuer_sealed_is_good_at_neither(one_and_other, an_issuer):
    """The accepted neighbours are above; here the two files are others."""
    stranger = an_issuer("stranger")
    code = stranger.code()
    for each in one_and_other:
        assert each.redeem(code).json()["error"] == "invalid_grant"


def test_a_token_of_either_is_verified_by_who_has_only_the_jwks_url(one_and_other):
    """RFC 9068 section 4: a process that never saw the two files, asking the other replica."""
    one, other = one_and_other
    granted = one.redeem(one.code()).json()
    answers = [
        one.token("billing", grant_type="client_credentials"),
        one.token("web", grant_type="client_credentials", resource=API),
        one.refresh(granted["refresh_token"]),
    ]
    tokens = [granted["access_token"], *(each.json()["access_token"] for each in answers)]
    found = verified_apart(other.url + JWKS, one.files().issuer, API, tokens)
    assert [each["sub"] for each in found] == ["alice", "billing", "web", "alice"]
    assert len({each["jti"] for each in found}) == 4


def test_a_grant_of_one_is_narrowed_at_the_other_and_never_widened(one_and_other):
    """RFC 6749 section 6, RFC 8707 section 2.2."""
    one, other = one_and_other
    resources = {"resource": (API, OTHER_API), "scope": "read"}
    held = one.redeem(one.code(**resources)).json()["refresh_token"]
    assert other.refresh(held, resource=OTHER_API).json()["scope"] == "read"
    assert other.refresh(held, scope="read write").json()["error"] == "invalid_scope"
    assert other.refresh(held, resource="https://x.example").json()["error"] == "invalid_target"
    assert other.refresh(held, "billing").json()["error"] == "unauthorized_client"


def test_a_wrong_verifier_is_wrong_at_both(one_and_other):
    """RFC 7636 section 4.6; the attempt costs the code nothing."""
    one, other = one_and_other
    code = one.code()
    for each in one_and_other:
        assert each.redeem(code, code_verifier="x" * 43).json()["error"] == "invalid_grant"
    assert other.redeem(code, code_verifier=VERIFIER).status_code == 200
