"""FAPI 2.0 Security Profile (final): what a client that is held to it is answered, rule by rule.

Each test is named by the section, and the number of the rule in its list where it has one. What a
registry may not say is in ``test_registration.py``.
"""

from collections.abc import Iterator
from pathlib import Path

import jwt
import pytest
from msgspec.structs import replace

from issuer.browser import interaction
from issuer.browser.answering import grant
from issuer.browser.steps import Granted, next_step
from issuer.errors import AccessTokenException, InvalidClient, InvalidRequest
from issuer.metadata import metadata
from issuer.protocol.form import Form
from issuer.protocol.sealed import AuthorizationCode
from issuer.stores.sqlite import SQLiteStore
from tests.asking import ask
from tests.browser.builders import a_form, a_session, parameters, refused
from tests.builders import API, CHALLENGE, ISSUER, NOW, VERIFIER, a_request
from tests.fapi2.asking import (
    BANK,
    KEY,
    OTHER_KEY,
    SHOP,
    a_bank_code,
    a_push,
    a_token_request,
    asked,
    redeemed,
    the_server,
)
from tests.rfc9449.proving import Prover

SERVER = the_server()
TOKEN = f"{ISSUER}/token"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SQLiteStore]:
    held = SQLiteStore(tmp_path / "replay.db")
    yield held
    held.close()


def test_5_3_2_1_1_metadata_are_published():
    published = metadata(SERVER, NOW)
    assert published["issuer"] == ISSUER
    assert "private_key_jwt" in published["token_endpoint_auth_methods_supported"]


def test_5_3_2_1_2_a_password_is_no_grant():
    answer = asked(SERVER, grant_type="password", username="alice", password="x")
    assert answer.body["error"] == "unauthorized_client"
    assert asked(SERVER).status == 200


def test_5_3_2_1_4_and_5_tokens_are_bound_to_their_sender():
    bare = asked(SERVER, key=None)
    assert (bare.status, bare.body["error"]) == (400, "invalid_dpop_proof")
    bound = asked(SERVER)
    assert (bound.status, bound.body["token_type"]) == (200, "DPoP")
    claims = jwt.decode(str(bound.body["access_token"]), options={"verify_signature": False})
    assert claims["cnf"] == {"jkt": KEY.jkt}


def test_5_3_2_1_6_a_secret_proves_nothing():
    answer = ask(SERVER, a_request("client_credentials", client_id=BANK))
    assert (answer.status, answer.body["error"]) == (401, "invalid_client")
    assert asked(SERVER).status == 200


@pytest.mark.parametrize("aud", [[ISSUER], [ISSUER, TOKEN], TOKEN, ISSUER + "/", None])
def test_5_3_2_1_8_an_assertion_is_for_the_issuer_alone(aud: object):
    answer = asked(SERVER, assertion={"aud": aud})
    assert (answer.status, answer.body["error"]) == (401, "invalid_client")
    assert asked(SERVER, assertion={"aud": ISSUER}).status == 200


def test_5_3_2_1_9_refresh_tokens_stay_and_take_another_key(store: SQLiteStore):
    first = redeemed(SERVER, a_bank_code(SERVER), store)
    held = str(first.body["refresh_token"])
    for now, key in ((NOW + 1, KEY), (NOW + 31, OTHER_KEY), (NOW + 62, KEY)):
        answer = asked(
            SERVER, store, grant_type="refresh_token", refresh_token=held, key=key, now=now
        )
        assert (answer.status, answer.body["refresh_token"]) == (200, held)


def test_5_3_2_1_10_a_nonce_may_be_asked_for():
    strict = the_server(dpop_nonce="required")
    answer = asked(strict)
    assert answer.body["error"] == "use_dpop_nonce"
    nonce = answer.headers["DPoP-Nonce"]
    assert asked(strict, proof={"nonce": nonce}).status == 200


def test_5_3_2_1_11_codes_live_for_a_minute_whatever_the_issuer_says():
    server = the_server(authorization_code_lifetime=300, access_token_lifetime=3600)
    lives = {}
    for client_id in (BANK, SHOP):
        text = a_bank_code(server, client_id=client_id)
        code = server.sealer.open(AuthorizationCode, text, now=NOW)
        lives[client_id] = code.expires_at - code.issued_at
    assert lives == {BANK: 60, SHOP: 300}


def test_5_3_2_1_12_a_code_can_be_bound_to_a_key(store: SQLiteStore):
    bound = a_bank_code(SERVER, dpop_jkt=KEY.jkt)
    assert redeemed(SERVER, bound, store, key=OTHER_KEY).body["error"] == "invalid_grant"
    assert redeemed(SERVER, bound, store, key=KEY).status == 200


@pytest.mark.parametrize("name", ["iat", "nbf"])
def test_5_3_2_1_13_clocks_may_differ_by_ten_seconds_and_not_by_more_than_sixty(name: str):
    for ahead, status in ((10, 200), (61, 401)):
        answer = asked(SERVER, assertion={name: NOW + ahead, "exp": NOW + ahead + 60})
        assert answer.status == status, ahead
    for ahead, status in ((10, 200), (61, 400)) if name == "iat" else ():
        assert asked(SERVER, proof={"iat": NOW + ahead}).status == status, ahead


def test_5_3_2_2_1_codes_are_all_that_is_answered():
    with pytest.raises(AccessTokenException) as caught:
        a_push(SERVER, response_type="code id_token")
    assert caught.value.error == "unsupported_response_type"
    assert a_push(SERVER).status == 201


def test_5_3_2_2_2_and_3_requests_are_pushed():
    said = refused(SERVER, a_form(client_id=BANK))
    assert (said["error"], said["iss"]) == ("invalid_request", ISSUER)
    assert interaction.receive(SERVER, a_form(client_id=SHOP), NOW)
    request_uri = str(a_push(SERVER).body["request_uri"])
    form = Form({"client_id": (BANK,), "request_uri": (request_uri,)})
    assert interaction.receive(SERVER, form, NOW)


def test_5_3_2_2_4_a_push_is_authenticated():
    with pytest.raises(InvalidClient):
        a_push(SERVER, client_assertion=None, client_assertion_type=None)
    assert a_push(SERVER).status == 201


@pytest.mark.parametrize(
    "pkce",
    [
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge": VERIFIER, "code_challenge_method": "plain"},
        {"code_challenge": CHALLENGE, "code_challenge_method": None},
    ],
)
def test_5_3_2_2_5_pkce_is_by_s256(pkce: dict[str, str | None]):
    with pytest.raises(InvalidRequest):
        a_push(SERVER, **pkce)
    assert a_push(SERVER).status == 201


def test_5_3_2_2_6_a_push_names_its_redirect_uri():
    with pytest.raises(InvalidRequest, match="must send its redirect_uri"):
        a_push(SERVER, scope="read", redirect_uri=None)
    assert a_push(SERVER, SHOP, scope="read", redirect_uri=None).status == 201
    assert a_push(SERVER, scope="read").status == 201


def test_5_3_2_2_7_the_answer_says_who_answers():
    request_uri = str(a_push(SERVER, scope="read").body["request_uri"])
    form = Form({"client_id": (BANK,), "request_uri": (request_uri,)})
    begun, _ = interaction.receive(SERVER, form, NOW)
    session = replace(a_session(SERVER), consents={BANK: {API: ("read",)}})
    step = next_step(SERVER, begun, session, NOW)
    assert isinstance(step, Granted)
    assert parameters(grant(SERVER, step.requested, session, NOW))["iss"] == ISSUER


def test_5_3_2_2_9_a_code_is_good_once(store: SQLiteStore):
    code = a_bank_code(SERVER)
    assert redeemed(SERVER, code, store).status == 200
    assert redeemed(SERVER, code, store, now=NOW + 1).body["error"] == "invalid_grant"


def test_5_3_2_2_11_a_request_uri_lives_for_less_than_ten_minutes():
    assert int(str(a_push(SERVER).body["expires_in"])) < 600


@pytest.mark.parametrize("alg", ["PS256", "ES256", "EdDSA", "RS256"])
def test_5_4_1_what_signs(alg: str):
    """For a client that is not held to it, RS256 signs as well."""
    for client_id, algs in ((BANK, {"PS256", "ES256", "EdDSA"}), (SHOP, {alg})):
        is_good = alg in algs
        by_assertion = asked(SERVER, None, client_id, assertion={"alg": alg})
        assert (by_assertion.status == 200) is is_good, client_id
        by_proof = asked(SERVER, None, client_id, key=Prover.by(alg))
        assert (by_proof.status == 200) is is_good, client_id


def test_5_4_1_none_signs_nothing():
    request = a_token_request(assertion={"header": {"alg": "none"}})
    assert ask(SERVER, request).body["error"] == "invalid_client"
    assert asked(SERVER).status == 200
