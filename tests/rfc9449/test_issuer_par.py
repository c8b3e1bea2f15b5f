"""RFC 9449 section 10: codes that are asked for with a key, at /authorize and at /par."""

import pytest

from issuer.browser import interaction, pushed
from issuer.errors import AccessTokenException, InvalidDPoPProof, InvalidRequest, UseDPoPNonce
from issuer.protocol.form import Form
from issuer.protocol.request import TokenRequest
from tests.browser.builders import a_form, refused
from tests.builders import NOW, a_client, a_public_client, a_server, basic
from tests.rfc9449.proving import PAR_URL, TOKEN_URL, Prover, nonce_of, proving

KEY, OTHER = Prover(), Prover()
SERVER = a_server()


def push(*proofs, server=SERVER, client_id="web", **changes):
    headers = {} if client_id == "spa" else {"authorization": basic(client_id)}
    form = a_form(client_id=client_id, **changes)
    request = TokenRequest(form=form, headers=headers, received_at=NOW)
    return pushed.push(server, proving(request, *proofs, url=PAR_URL))


def arrived(answer, *, client_id="web", server=SERVER):
    request_uri = answer.response.body["request_uri"]
    form = Form({"client_id": (client_id,), "request_uri": (request_uri,)})
    return interaction.receive(server, form, NOW)[0].request


def test_the_key_may_be_named_in_the_request():
    received, _ = interaction.receive(SERVER, a_form(dpop_jkt=KEY.jkt), NOW)
    assert received.request.dpop_jkt == KEY.jkt
    assert interaction.receive(SERVER, a_form(), NOW)[0].request.dpop_jkt is None


@pytest.mark.parametrize("jkt", ["x", KEY.jkt + "A", KEY.jkt[:-1] + "=", KEY.jkt[:-1] + "+", "\n"])
def test_what_is_no_thumbprint_is_refused_at_once(jkt):
    """Not after the person has logged in."""
    assert refused(SERVER, a_form(dpop_jkt=jkt))["error"] == "invalid_request"
    with pytest.raises(InvalidRequest, match="dpop_jkt"):
        push(dpop_jkt=jkt)


@pytest.mark.parametrize("client_id", ["web", "spa"])
def test_a_proof_of_the_push_names_the_key(client_id):
    """Section 10.1."""
    assert arrived(push(KEY.proof(PAR_URL), client_id=client_id), client_id=client_id).dpop_jkt == (
        KEY.jkt
    )
    both = push(KEY.proof(PAR_URL), client_id=client_id, dpop_jkt=KEY.jkt)
    assert arrived(both, client_id=client_id).dpop_jkt == KEY.jkt
    assert arrived(push(client_id=client_id, dpop_jkt=KEY.jkt), client_id=client_id).dpop_jkt == (
        KEY.jkt
    )
    assert arrived(push(client_id=client_id), client_id=client_id).dpop_jkt is None


def test_both_must_be_the_same_key():
    with pytest.raises(InvalidRequest, match="dpop_jkt"):
        push(KEY.proof(PAR_URL), dpop_jkt=OTHER.jkt)
    assert push(OTHER.proof(PAR_URL), dpop_jkt=OTHER.jkt)


@pytest.mark.parametrize("proofs", [
    (KEY.proof(TOKEN_URL),), (KEY.proof(PAR_URL, method="GET"),), ("x",), ("",),
    (KEY.proof(PAR_URL), KEY.proof(PAR_URL)),
])  # fmt: skip
def test_a_proof_of_something_else_is_refused(proofs):
    """P27: that of the token endpoint among them."""
    with pytest.raises(InvalidDPoPProof):
        push(*proofs)
    assert push(KEY.proof(PAR_URL)).response.status == 201


def test_a_push_is_asked_for_its_nonce():
    server = a_server(dpop_nonce="required")
    with pytest.raises(UseDPoPNonce):
        push(KEY.proof(PAR_URL), server=server)
    assert push(KEY.proof(PAR_URL, nonce=nonce_of(server)), server=server)
    assert push(server=server), "without a proof there is no nonce to have"


def test_a_client_that_must_prove_may_push_without():
    """It proves at the token endpoint, in any case."""
    server = a_server(a_client(dpop_bound_access_tokens=True), a_public_client())
    assert push(server=server).response.status == 201


def test_a_refusal_says_whose_push_it_was():
    with pytest.raises(AccessTokenException) as caught:
        push("x")
    assert caught.value.client_id == "web"


def test_what_is_good_once_is_said():
    assert len(push(KEY.proof(PAR_URL)).once) == 1
    assert push().once == ()
