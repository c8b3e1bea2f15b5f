"""A device that proves a key gets tokens that are bound to it, each time it asks (RFC 9449)."""

import jwt
import pytest
from msgspec.structs import replace

from issuer.protocol.device import GRANT_TYPE
from issuer.token import handler
from tests.builders import NOW
from tests.rfc8628.devices import Home, a_tv, an_issuer_of_devices
from tests.rfc9449.proving import TOKEN_URL, Prover

BOUND = an_issuer_of_devices(a_tv(dpop_bound_access_tokens=True))


def ask(home, begun, *proofs, now):
    sent = {"grant_type": GRANT_TYPE, "device_code": begun["device_code"]}
    request = replace(home.request("tv", now, **sent), dpop=proofs, url=TOKEN_URL)
    return home.run(handler(home.server, request, store=home.store))


def refresh(home, held, *proofs, now):
    sent = {"grant_type": "refresh_token", "refresh_token": held}
    request = replace(home.request("tv", now, **sent), dpop=proofs, url=TOKEN_URL)
    return home.run(handler(home.server, request, store=home.store))


@pytest.mark.parametrize("server", [None, BOUND], ids=["who likes", "who registered it"])
def test_tokens_and_refresh_tokens_are_bound_to_the_key_that_was_proved(homes, server):
    home: Home = homes(server)
    begun, one, other = home.begin(scope="read"), Prover(), Prover()
    pending = ask(home, begun, one.proof(now=NOW + 5), now=NOW + 5)
    assert pending.error == "authorization_pending"
    assert "DPoP-Nonce" in pending.headers
    home.decide(begun)
    answer = ask(home, begun, one.proof(now=NOW + 15), now=NOW + 15)
    assert (answer.status, answer.body["token_type"]) == (200, "DPoP")
    claims = jwt.decode(answer.access_token, options={"verify_signature": False})
    assert claims["cnf"] == {"jkt": one.jkt}
    held, now = answer.body["refresh_token"], NOW + 20
    assert refresh(home, held, other.proof(now=now), now=now).status == 400
    assert refresh(home, held, now=now).status == 400
    assert refresh(home, held, one.proof(now=now), now=now).status == 200


def test_who_registered_a_proof_is_not_even_told_to_wait_without_one(homes):
    home: Home = homes(BOUND)
    begun, prover = home.begin(), Prover()
    assert ask(home, begun, now=NOW + 5).error == "invalid_dpop_proof"
    assert ask(home, begun, prover.proof(now=NOW + 6), now=NOW + 6).error == "authorization_pending"


def test_a_proof_that_was_seen_while_the_device_waited_is_good_no_more(homes):
    """RFC 9449 section 11.1: else whoever saw it could ask with it at the right moment."""
    home: Home = homes()
    begun, prover = home.begin(), Prover()
    proof = prover.proof(now=NOW + 5)
    assert ask(home, begun, proof, now=NOW + 5).error == "authorization_pending"
    home.decide(begun, now=NOW + 6)
    assert ask(home, begun, proof, now=NOW + 10).error == "invalid_dpop_proof"
    assert ask(home, begun, prover.proof(now=NOW + 11), now=NOW + 11).status == 200
