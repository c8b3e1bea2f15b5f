"""FAPI 2.0 Security Profile: what a registry may not say of a client that is held to it.

Each test is named by the section, and the number of the rule in its list where it has one.
"""

import copy
from typing import Any

import pytest

from issuer.load import Refused, combine
from issuer.registry.secret import sha256_hash
from keys.mac.key_wrapping import public_jwk
from keys.ring import KeyRing
from keys.signing import SigningKey
from tests.builders import MAC_API, MAC_PRIVATE_JWK, NOW, SECRET
from tests.fapi2.registering import BANK, GOOD, changed, parsed, problems_in

RSA_KEY = SigningKey.generate("PS256", activates_at=NOW - 10)
SECRETS = [{"hash": sha256_hash(SECRET)}]
ALG = "must be PS256, ES256 or EdDSA (FAPI 2.0 section 5.4.1)"
METHOD = (
    "must be private_key_jwt, tls_client_auth or self_signed_tls_client_auth: FAPI 2.0 has no "
    "secrets and no public clients (section 5.3.2.1)"
)
LIFETIME = "must be at most 60 seconds in FAPI 2.0 (section 5.3.2.1)"
URI = "must be https in FAPI 2.0, or a native application's loopback address (section 5.3.2.2)"


def test_the_registry_that_the_others_are_changed_from_keeps_every_rule():
    assert parsed(GOOD).is_fapi2(parsed(GOOD).clients["bank"])


BROKEN: list[tuple[str, list[tuple[tuple[Any, ...], Any]], str]] = [
    (
        "5.3.2.1-2 no password grant",
        [((*BANK, "grant_types"), ["authorization_code", "password"])],
        "clients.bank.grant_types: must not have password in FAPI 2.0 (section 5.3.2.1)",
    ),
    (
        "5.3.2.1-3 no public client",
        [
            ((*BANK, "token_endpoint_auth_method"), "none"),
            ((*BANK, "token_endpoint_auth_signing_alg"), None),
            ((*BANK, "jwks"), None),
            ((*BANK, "grant_types"), ["authorization_code"]),
        ],
        f"clients.bank.token_endpoint_auth_method: {METHOD}",
    ),
    (
        "5.3.2.1-4 no token for whoever bears it",
        [((*BANK, "dpop_bound_access_tokens"), None)],
        "clients.bank.dpop_bound_access_tokens: must be true, or "
        "tls_client_certificate_bound_access_tokens: FAPI 2.0 has no tokens for whoever bears them "
        "(section 5.3.2.1)",
    ),
    (
        "5.3.2.1-6 no secret",
        [
            ((*BANK, "token_endpoint_auth_method"), "client_secret_basic"),
            ((*BANK, "token_endpoint_auth_signing_alg"), None),
            ((*BANK, "jwks"), None),
            ((*BANK, "client_secrets"), SECRETS),
        ],
        f"clients.bank.token_endpoint_auth_method: {METHOD}",
    ),
    (
        "5.3.2.1-8 no other audience",
        [((*BANK, "token_endpoint_auth_audience"), "endpoint")],
        'clients.bank.token_endpoint_auth_audience: must be "issuer": assertions name nothing else '
        "in FAPI 2.0 (section 5.3.2.1)",
    ),
    (
        "5.3.2.1-9 no rotation of refresh tokens",
        [((*BANK, "rotate_refresh_tokens"), True)],
        "clients.bank.rotate_refresh_tokens: must be false: FAPI 2.0 lets refresh tokens be, as a "
        "lost answer would end the grant (section 5.3.2.1)",
    ),
    (
        "5.3.2.1-11 no code of more than a minute",
        [((*BANK, "authorization_code_lifetime"), 61)],
        f"clients.bank.authorization_code_lifetime: {LIFETIME}",
    ),
    (
        "5.3.2.2-5 no going without PKCE",
        [((*BANK, "require_pkce"), False)],
        "clients.bank.require_pkce: must be true: FAPI 2.0 wants PKCE (section 5.3.2.2)",
    ),
    (
        "5.3.2.2-8 no answer over a network without TLS",
        [((*BANK, "redirect_uris"), ["http://127.0.0.1/callback"])],
        f"clients.bank.redirect_uris[0]: {URI}",
    ),
    (
        "5.3.2.2-9 no codes that can be used again",
        [(("issuer", "replay_store"), None)],
        'clients.bank.profile: needs a replay_store under [issuer], such as "sqlite:replay.db": '
        "FAPI 2.0 wants codes refused that were used (section 5.3.2.2)",
    ),
    (
        "5.4.1 no RS256 for ID tokens",
        [((*BANK, "id_token_signed_response_alg"), None)],
        f"clients.bank.id_token_signed_response_alg: {ALG}",
    ),
    (
        "5.4.1 no RS256 for answers",
        [((*BANK, "authorization_signed_response_alg"), "RS256")],
        f"clients.bank.authorization_signed_response_alg: {ALG}, which is what signs the answers "
        "to it",
    ),
]


@pytest.mark.parametrize(
    ("changes", "problem"), [each[1:] for each in BROKEN], ids=[each[0] for each in BROKEN]
)
@pytest.mark.parametrize("whose", ["the client's", "the issuer's"])
def test_a_broken_rule_is_named_where_it_is_broken(
    whose: str, changes: list[tuple[tuple[Any, ...], Any]], problem: str
):
    table = changed(*changes)
    if whose == "the issuer's":
        del table["clients"]["bank"]["profile"]
        table["issuer"]["profile"] = "fapi2"
    assert problem in problems_in(table)
    free = copy.deepcopy(table)
    free["issuer"].pop("profile", None)
    free["clients"]["bank"].pop("profile", None)
    free["issuer"].setdefault("replay_store", "sqlite:replay.db")
    assert parsed(free)


def test_5_4_1_rsa_keys_that_do_not_say_are_for_ps256_where_their_client_does():
    jwk = RSA_KEY.public_jwk
    silent = {name: value for name, value in jwk.items() if name != "alg"}
    table = changed(
        ((*BANK, "jwks"), {"keys": [silent]}), ((*BANK, "token_endpoint_auth_signing_alg"), None)
    )
    assert problems_in(table) == [
        f"clients.bank.token_endpoint_auth_signing_alg: {ALG}: its keys are for RS256, or do not "
        "say, and then PS256 goes here"
    ]
    table["clients"]["bank"]["token_endpoint_auth_signing_alg"] = "PS256"
    assert parsed(table)


def test_5_3_2_1_no_mac_tokens():
    mac = {"scopes": ["read"], "access_token_type": "mac"}
    mac["jwks"] = {"keys": [public_jwk(MAC_PRIVATE_JWK)]}
    table = changed((("resources", MAC_API), mac))
    table["clients"]["bank"]["resources"].append(MAC_API)
    assert problems_in(table) == [
        "clients.bank.resources[1]: takes mac tokens, and FAPI 2.0 binds tokens by DPoP or TLS "
        "(section 5.3.2.1)"
    ]


def test_5_3_2_1_11_an_issuer_that_holds_all_its_clients_to_it_has_no_longer_codes_either():
    table = changed((("issuer", "profile"), "fapi2"))
    table["issuer"]["authorization_code_lifetime"] = 90
    assert problems_in(table) == [f"issuer.authorization_code_lifetime: {LIFETIME}"]
    table["issuer"]["authorization_code_lifetime"] = 60
    assert parsed(table)


def test_5_4_1_a_ring_that_signs_access_tokens_by_rs256_does_not_fit():
    registry = parsed(GOOD)
    good = KeyRing.new("ES256", NOW - 1000)
    assert combine(registry, good, NOW).ring is good
    bad = _preferring("RS256", good)
    with pytest.raises(Refused) as refused:
        combine(registry, bad, NOW)
    assert [each for each in refused.value.problems if "FAPI" in each] == [
        'key ring: access tokens are signed by RS256, and for client "bank" it '
        f"{ALG}; `issuer keys rotate --alg ES256` makes one"
    ]


def test_a_client_of_another_profile_is_refused_by_name():
    (problem,) = problems_in(changed(((*BANK, "profile"), "fapi1")))
    assert problem.startswith("clients.bank.profile: ")
    assert "fapi2" in problem


def _preferring(alg: str, ring: KeyRing) -> KeyRing:
    """``ring`` with a key for ``alg`` before its own."""
    first = KeyRing.new(alg, NOW - 1000)
    return KeyRing((*first.signing_keys, *ring.signing_keys), ring.sealing_keys)
