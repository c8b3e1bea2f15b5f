"""RFC 9449 section 8: nonces out of the clock and the key ring."""

import pytest

from issuer.possession import nonces
from keys.dpop_nonce import LIFETIME
from keys.ring import KeyRing
from tests.asking import ask
from tests.builders import ISSUER, NOW, RING, a_request, a_server
from tests.rfc9449.proving import Prover, nonce_of, proving

KEY = Prover()
OPTIONAL = a_server()
REQUIRED = a_server(dpop_nonce="required")
WITHOUT = a_server(dpop_nonce="none")
START = NOW - NOW % LIFETIME
ROTATION = {"longest_token_lifetime": 600, "longest_sealed_lifetime": 86400}


def asked(server, *, now=NOW, **claims):
    return ask(server, proving(a_request(now=now), KEY.proof(now=now, **claims)))


def test_a_nonce_is_offered_with_every_answer_to_a_proof():
    """Section 8.2: whatever it is, for the client may have to come again."""
    nonce = nonce_of(OPTIONAL)
    assert asked(OPTIONAL).headers["DPoP-Nonce"] == nonce
    refused = ask(OPTIONAL, proving(a_request("authorization_code", code="x"), KEY.proof()))
    assert (refused.error, refused.headers["DPoP-Nonce"]) == ("invalid_grant", nonce)
    invalid = ask(OPTIONAL, proving(a_request(), "x"))
    assert (invalid.error, invalid.headers["DPoP-Nonce"]) == ("invalid_dpop_proof", nonce)
    assert "DPoP-Nonce" not in ask(OPTIONAL, a_request()).headers, "no proof, no nonce"
    assert "DPoP-Nonce" not in ask(REQUIRED, a_request()).headers


@pytest.mark.parametrize("claims", [{}, {"nonce": ""}, {"nonce": "x"}, {"nonce": "é"}])
def test_where_it_is_required_the_first_answer_says_it(claims):
    refused = asked(REQUIRED, **claims)
    assert (refused.status, refused.error) == (400, "use_dpop_nonce")
    assert asked(REQUIRED, nonce=refused.headers["DPoP-Nonce"]).status == 200


def test_where_it_is_optional_a_proof_may_be_without_but_not_with_a_wrong_one():
    """One who sends an old nonce is not told less than one who sends none."""
    assert asked(OPTIONAL).status == 200
    assert asked(OPTIONAL, nonce=nonce_of(OPTIONAL)).status == 200
    old = asked(OPTIONAL, nonce=nonce_of(OPTIONAL, NOW - 5 * LIFETIME))
    assert old.error == "use_dpop_nonce"
    assert asked(OPTIONAL, nonce=old.headers["DPoP-Nonce"]).status == 200


def test_where_there_are_none_a_nonce_is_no_difference():
    answer = asked(WITHOUT, nonce="whatever")
    assert answer.status == 200
    assert "DPoP-Nonce" not in answer.headers


def test_a_nonce_is_good_for_one_to_two_windows():
    nonce = nonce_of(REQUIRED, START)
    assert nonce == nonce_of(REQUIRED, START + LIFETIME - 1)
    for at, status in ((START - 1, 200), (START + 2 * LIFETIME - 1, 200),
                       (START + 2 * LIFETIME, 400), (START - LIFETIME - 1, 400)):  # fmt: skip
        assert asked(REQUIRED, now=at, nonce=nonce).status == status


def test_any_replica_accepts_what_any_other_gave_out():
    """Nothing is shared but the two files; a copy of the ring is the same ring."""
    other = a_server(ring=KeyRing.parse(RING.format()), dpop_nonce="required")
    assert asked(other, nonce=nonce_of(REQUIRED)).status == 200
    assert nonce_of(other) == nonce_of(REQUIRED)


def test_of_another_issuer_or_ring_it_is_none():
    """P27: a foreign nonce. Two issuers may have one ring."""
    stranger = a_server(ring=KeyRing.new("ES256", NOW - 1000))
    elsewhere = a_server(url=f"{ISSUER}/tenant")
    for nonce in (nonce_of(stranger), nonce_of(elsewhere)):
        assert asked(REQUIRED, nonce=nonce).error == "use_dpop_nonce"
    assert asked(REQUIRED, nonce=nonce_of(REQUIRED)).status == 200


@pytest.mark.parametrize("into", [0, 1, LIFETIME // 2, LIFETIME - 1])
def test_a_rotation_of_the_ring_refuses_nobody(into):
    """Whichever second of a window the keys change in, and whichever replica has the new file."""
    changes_at = START + 10 * LIFETIME + into
    rotated = RING.rotate(changes_at - 400, **ROTATION, lead=400)
    before, after = REQUIRED, a_server(ring=rotated, dpop_nonce="required")
    for given in range(changes_at - 2 * LIFETIME, changes_at + 2 * LIFETIME, 7):
        nonce = nonce_of(after, given)
        for later in (0, 1, LIFETIME // 2, LIFETIME - 1, LIFETIME):
            assert nonces.accepts(after, nonce, given + later)
            if given + later < changes_at:
                assert nonces.accepts(before, nonce, given + later)
    begun = changes_at + LIFETIME
    assert nonce_of(after, begun) != nonce_of(before, begun), "by the new key by then"


def test_a_ring_of_this_very_second_has_nonces():
    server = a_server(ring=KeyRing.new("ES256", NOW), dpop_nonce="required")
    for later in (0, LIFETIME):
        assert nonces.accepts(server, nonce_of(server), NOW + later)


def test_a_gap_of_the_ring_is_our_fault():
    server = a_server(ring=KeyRing.new("ES256", NOW + 10_000), dpop_nonce="required")
    refused = asked(server, nonce="x")
    assert refused.error == "temporarily_unavailable"
    assert "DPoP-Nonce" not in refused.headers
