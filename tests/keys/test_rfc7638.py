"""RFC 7638, and the appendix of RFC 8037 that applies it: the names of keys."""

import pytest

from keys.algorithms import ALGORITHMS, thumbprint

RSA = {
    "kty": "RSA",
    "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc"
    "_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY"
    "368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4"
    "lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
    "e": "AQAB",
    "alg": "RS256",
    "kid": "2011-04-29",
}
ED25519 = {
    "kty": "OKP",
    "crv": "Ed25519",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
}


@pytest.mark.parametrize(
    ("jwk", "expected"),
    [
        pytest.param(RSA, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", id="RFC 7638 section 3.1"),
        pytest.param(
            ED25519, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", id="RFC 8037 appendix A.3"
        ),
    ],
)
def test_a_thumbprint_is_the_published_one(jwk, expected):
    assert thumbprint(jwk) == expected


def test_a_thumbprint_is_taken_of_the_required_members_alone():
    assert thumbprint({**ED25519, "d": "secret", "use": "sig"}) == thumbprint(ED25519)
    assert thumbprint({**ED25519, "x": RSA["e"]}) != thumbprint(ED25519)


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_private_key_has_the_thumbprint_of_its_public_key(alg):
    row = ALGORITHMS[alg]
    key = row.generate()
    assert thumbprint(row.to_jwk(key)) == thumbprint(row.to_jwk(key.public_key()))
