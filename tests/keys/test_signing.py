"""Signing keys: a JWT with exactly these claims, and a name that the key itself determines."""

import json
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import import_key
from jwt.algorithms import ECAlgorithm

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


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
def test_what_converges_is_the_same_text_each_time_by_every_algorithm_but_ps256(key):
    texts = [key.sign("at+jwt", CLAIMS, convergent=True) for _ in range(3)]
    assert key.converges == (key.alg != "PS256")
    assert len(set(texts)) == (1 if key.converges else 3)
    assert len({each.rpartition(".")[0] for each in texts}) == 1
    assert key.sign("at+jwt", CLAIMS | {"exp": 1}, convergent=True) not in texts
    for each in texts:
        jws.deserialize_compact(each, import_key(dict(key.public_jwk)), algorithms=[key.alg])


def test_es256_signs_otherwise_each_time_where_nothing_has_to_converge():
    """It is a tenth faster than RFC 6979."""
    key = SigningKey.generate("ES256", activates_at=0)
    assert len({key.sign("at+jwt", CLAIMS) for _ in range(3)}) == 3


def test_es256_converges_upon_the_signatures_of_rfc_6979_appendix_a_2_5():
    """With P-256 and SHA-256, of the message "sample"."""
    number = 0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721
    key = ec.derive_private_key(number, ec.SECP256R1())
    signature = ALGORITHMS["ES256"].convergent.sign(b"sample", key)
    assert signature.hex().upper() == (
        "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"
        "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8"
    )


KEY = ec.generate_private_key(ec.SECP256R1())
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
SIGNATURE = ALGORITHMS["ES256"].signature.sign(b"sample", KEY)


@given(st.binary(max_size=500))
def test_es256_signs_64_bytes_and_verifies_what_pyjwt_does(message):
    """RFC 7518 section 3.4: both numbers are 32 bytes, however small they are."""
    ours, theirs = ALGORITHMS["ES256"].signature, ECAlgorithm(ECAlgorithm.SHA256)
    signature = ours.sign(message, KEY)
    assert len(signature) == 64
    assert theirs.verify(message, KEY.public_key(), signature)
    assert ours.verify(message, KEY.public_key(), theirs.sign(message, KEY))
    assert not ours.verify(message + b"x", KEY.public_key(), signature)


@given(
    st.binary(max_size=70)
    | st.integers(0, 70).map(lambda length: SIGNATURE[:length].ljust(length, b"\0"))
    | st.tuples(st.integers(0, 64), st.integers(1, 64)).map(
        lambda zeros: SIGNATURE[: zeros[0]] + bytes(zeros[1]) + SIGNATURE[sum(zeros) :]
    )
)
def test_es256_verifies_no_signature_that_pyjwt_does_not(signature):
    """Of whatever length, with numbers of whatever length in it."""
    ours, theirs = ALGORITHMS["ES256"].signature, ECAlgorithm(ECAlgorithm.SHA256)
    verified = theirs.verify(b"sample", KEY.public_key(), signature)
    assert ours.verify(b"sample", KEY.public_key(), signature) == verified
    assert verified == (signature == SIGNATURE)


@pytest.mark.parametrize(
    ("r", "s"),
    [(0, 0), (0, 1), (1, 0), (1, 1), (ORDER, 1), (1, ORDER), (2**256 - 1, 2**256 - 1)],
)
def test_es256_refuses_numbers_that_no_signature_has(r, s):
    """They are in no signature by a key of P-256: the psychic ones, of CVE-2022-21449."""
    signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    assert not ALGORITHMS["ES256"].signature.verify(b"sample", KEY.public_key(), signature)


def test_where_cryptography_cannot_do_rfc_6979_es256_still_signs_and_verifies():
    """It may be built against what is no OpenSSL 3.2, or run in FIPS mode; it then says so."""
    program = (
        "from cryptography.hazmat.backends.openssl.backend import Backend;"
        "Backend.ecdsa_deterministic_supported = lambda self: False;"
        "from keys.signing import SigningKey; from keys.algorithms import ALGORITHMS;"
        "key = SigningKey.generate('ES256', activates_at=0);"
        "text = key.sign('at+jwt', {}, convergent=True);"
        "from keys import jws;"
        "from keys.jwks import VerificationKey;"
        "public = key.private_key.public_key();"
        "jws.parse(text).verify(VerificationKey(key.kid, ALGORITHMS['ES256'], key.kid, public));"
        "print(key.converges)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=False, text=True
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "False\n", "")


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
