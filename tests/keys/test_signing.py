"""Signing keys: a JWT with exactly these claims, and a name that the key itself determines."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc import jws
from joserfc.jwk import import_key

from keys.algorithms import ALGORITHMS, InvalidKey
from keys.encoding import from_base64url
from keys.signing import SigningKey
from keys.timetable import InvalidTimetable, State

CLAIMS = {"iss": "https://issuer.example", "sub": "müller", "exp": 1_800_000_000}


@pytest.fixture(scope="module", params=ALGORITHMS)
def key(request) -> SigningKey:
    return SigningKey.generate(request.param, activates_at=100)


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")  # RFC 9864 calls it Ed25519
def test_an_independent_library_verifies_what_the_key_signs(key):
    signed = jws.deserialize_compact(
        key.sign("at+jwt", CLAIMS), import_key(dict(key.public_jwk)), algorithms=[key.alg]
    )
    assert signed.headers() == {"typ": "at+jwt", "alg": key.alg, "kid": key.kid}
    assert json.loads(signed.payload) == CLAIMS


def test_each_type_has_its_own_header(key):
    headers = [key.sign(typ, CLAIMS).split(".")[0] for typ in ("at+jwt", "JWT", "at+jwt")]
    assert [json.loads(from_base64url(each))["typ"] for each in headers] == [
        "at+jwt",
        "JWT",
        "at+jwt",
    ]


def test_the_public_jwk_has_no_secret_number(key):
    """J28: a JWKS shows no private member."""
    assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & key.public_jwk.keys()
    assert key.public_jwk["use"] == "sig"
    assert key.public_jwk["alg"] == key.alg


def test_the_private_jwk_is_the_key(key):
    again = ALGORITHMS[key.alg].load_private(key.private_jwk)
    assert SigningKey(alg=key.alg, private_key=again, activates_at=100).kid == key.kid


def test_the_representation_of_a_key_shows_no_secret(key):
    shown = repr(key) + str(key)
    assert not any(key.private_jwk[name] in shown for name in ("d", "p") if name in key.private_jwk)
    assert "private_key" not in shown


def test_a_claim_that_is_no_json_is_refused(key):
    with pytest.raises(TypeError):
        key.sign("at+jwt", {"sub": object()})


def test_a_short_rsa_key_is_refused():
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - the subject
    algorithm = ALGORITHMS["RS256"]
    with pytest.raises(InvalidKey, match="2048"):
        algorithm.load_private(algorithm.to_jwk(key))


@pytest.mark.parametrize(
    ("now", "state"),
    [(99, State.NEXT), (100, State.CURRENT), (199, State.CURRENT), (200, State.RETIRED),
     (299, State.RETIRED), (300, State.EXPIRED)],
)  # fmt: skip
def test_the_state_of_a_key_is_read_off_the_clock(now, state):
    key = SigningKey.generate(activates_at=100)
    table = {"activates_at": 100, "retires_at": 200, "expires_at": 300}
    assert SigningKey(alg="ES256", private_key=key.private_key, **table).state(now) is state


@pytest.mark.parametrize("now", [100, 10**10])
def test_a_key_without_an_end_stays_current(now):
    assert SigningKey.generate(activates_at=100).state(now) is State.CURRENT


def test_a_retired_key_without_an_end_stays_retired():
    key = SigningKey.generate(activates_at=100)
    retired = SigningKey(alg="ES256", private_key=key.private_key, activates_at=100, retires_at=200)
    assert retired.state(10**10) is State.RETIRED


@pytest.mark.parametrize(
    ("table", "instant"),
    [
        pytest.param({"retires_at": 100}, "retires_at", id="it retires when it activates"),
        pytest.param({"expires_at": 300}, "expires_at", id="it expires and never retires"),
        pytest.param(
            {"retires_at": 200, "expires_at": 199}, "expires_at", id="it expires before it retires"
        ),
    ],
)
def test_a_timetable_that_contradicts_itself_is_refused(table, instant):
    key = SigningKey.generate(activates_at=100)
    with pytest.raises(InvalidTimetable) as refused:
        SigningKey(alg="ES256", private_key=key.private_key, activates_at=100, **table)
    assert refused.value.instant == instant
