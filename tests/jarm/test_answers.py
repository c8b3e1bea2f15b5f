"""JWT Secured Authorization Response Mode (JARM): what the answers say, and who signs them."""

import pytest
from joserfc import jwt as joserfc
from joserfc.jwk import KeySet

from issuer.browser import answering, interaction, jarm, pushed
from issuer.browser.answering import Answered
from issuer.browser.authorization_request import ResponseMode
from issuer.browser.steps import AskConsent, Granted, next_step
from issuer.errors import InvalidRequest, TemporarilyUnavailable
from issuer.metadata import metadata
from issuer.protocol.request import TokenRequest
from issuer.registry.scope import Scope
from issuer.token_types.id_token import read_id_token_hint
from keys import InvalidToken
from keys.ring import KeyRing
from keys.signing import SigningKey
from tests.asking import ask
from tests.browser.builders import a_form, a_session, agreed, an_interaction, parameters
from tests.builders import (
    CALLBACK,
    ISSUER,
    NOW,
    RING,
    VERIFIER,
    a_client,
    a_public_client,
    a_request,
    a_server,
    basic,
)

SIGNED = ["jwt", "query.jwt", "form_post.jwt"]
ALL = KeyRing.new("ES256", NOW - 1000, "RS256", "PS256", "EdDSA")
SERVER = a_server(ring=ALL)


def read(answer, *, server=SERVER, client_id="web", now=NOW):
    """What the client learns that believes nothing unsigned (JARM section 2.4)."""
    assert answer.parameters.keys() == {"response"}
    keys = KeySet.import_key_set(server.ring.jwks(now))
    algs = list(server.ring.algs(now))
    token = joserfc.decode(answer.parameters["response"], keys, algorithms=algs)
    claims = joserfc.JWTClaimsRegistry(
        now=now,
        iss={"essential": True, "value": server.issuer},
        aud={"essential": True, "value": client_id},
        exp={"essential": True},
    )
    claims.validate(token.claims)
    return token.header, token.claims


def granted(server=SERVER, *, now=NOW, **changes):
    """The answer to a person who has agreed."""
    held = an_interaction(server, **changes)
    session = agreed(server, a_session(server), "read")
    step = next_step(server, held, session, now)
    assert isinstance(step, Granted)
    return answering.grant(server, step.requested, session, now)


def refused(server=SERVER, *, now=NOW, **changes):
    with pytest.raises(Answered) as caught:
        interaction.receive(server, a_form(**changes), now)
    return caught.value.response


@pytest.mark.parametrize("mode", SIGNED)
def test_a_code_comes_in_a_jwt_that_says_who_answers_whom(mode):
    """Sections 2.1 and 2.3; P15: the iss of RFC 9207 stands in it, and nowhere else."""
    answer = granted(response_mode=mode)
    header, claims = read(answer)
    assert header["typ"] == "JWT"
    assert claims.keys() == {"iss", "aud", "exp", "code", "state"}
    assert (claims["state"], claims["iss"]) == ("a-state", ISSUER)
    request = a_request("authorization_code", code=claims["code"], code_verifier=VERIFIER)
    assert ask(SERVER, request).status == 200


def test_a_state_that_was_not_sent_is_not_said():
    _, claims = read(granted(response_mode="jwt", state=None))
    assert claims.keys() == {"iss", "aud", "exp", "code"}


def test_it_is_short_lived():
    """Section 2.1: ten minutes at most are recommended."""
    answer = granted(response_mode="jwt")
    _, claims = read(answer, now=NOW + jarm.LIFETIME - 1)
    assert claims["exp"] == NOW + jarm.LIFETIME <= NOW + 600


@pytest.mark.parametrize(
    ("mode", "is_posted"),
    [("jwt", False), ("query.jwt", False), ("form_post.jwt", True)],
)
def test_it_travels_as_the_mode_says(mode, is_posted):
    """Section 2.3.4: of a code, jwt alone means query.jwt."""
    answer = granted(response_mode=mode)
    assert answer.response_mode.is_posted is is_posted
    assert answer.location.startswith(f"{CALLBACK}?response=ey")


@pytest.mark.parametrize("mode", ["fragment.jwt", "fragment", "web_message", "JWT", "jwt ", "."])
def test_modes_that_are_not_offered_are_named_with_those_that_are(mode):
    """B28: an unreadable mode is answered in the query, unsigned."""
    told = parameters(refused(response_mode=mode))
    assert told["error"] == "invalid_request"
    offered = "query, form_post, jwt, query.jwt or form_post.jwt"
    assert told["error_description"] == f"The response_mode must be {offered}."
    assert granted(response_mode="jwt")


@pytest.mark.parametrize("mode", SIGNED)
@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"scope": "admin"}, "invalid_scope"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge": None}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"registration": "{}"}, "registration_not_supported"),
        ({"response_type": None}, "invalid_request"),
    ],
)
def test_whatever_is_refused_is_refused_in_the_mode_that_was_asked_for(mode, changes, error):
    """Section 2.1: error responses are signed as well."""
    _, claims = read(refused(response_mode=mode, **changes))
    assert claims.keys() == {"iss", "aud", "exp", "error", "error_description", "state"}
    assert (claims["error"], claims["state"]) == (error, "a-state")


def test_what_the_pages_refuse_is_signed_too():
    """OpenID Connect Core section 3.1.2.6; the answer comes from a later page than the request."""
    held = an_interaction(SERVER, response_mode="jwt", prompt="none")
    text = interaction.seal(SERVER, held, NOW)
    resumed = interaction.resume(SERVER, text, NOW + 60)
    for session, error in [(None, "login_required"), (a_session(SERVER), "consent_required")]:
        with pytest.raises(Answered) as caught:
            next_step(SERVER, resumed, session, NOW + 60)
        _, claims = read(caught.value.response, now=NOW + 60)
        assert claims["error"] == error
    assert next_step(SERVER, resumed, agreed(SERVER, a_session(SERVER), "read"), NOW + 60)


def test_so_is_a_no():
    step = next_step(SERVER, an_interaction(SERVER, response_mode="jwt"), a_session(SERVER), NOW)
    assert isinstance(step, AskConsent)
    _, claims = read(answering.deny(SERVER, step.requested, NOW))
    assert claims["error"] == "access_denied"


def test_a_request_that_is_too_long_is_refused_in_its_mode():
    held = an_interaction(SERVER, response_mode="jwt", state="s" * 20_000)
    with pytest.raises(Answered) as caught:
        interaction.seal(SERVER, held, NOW)
    _, claims = read(caught.value.response)
    assert claims["error"] == "invalid_request"


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")  # joserfc on RFC 9864
@pytest.mark.parametrize(
    ("ring", "registered", "alg"),
    [
        pytest.param(ALL, None, "RS256", id="nothing registered"),
        pytest.param(RING, None, "ES256", id="nothing registered, a ring without RS256"),
        *(pytest.param(ALL, alg, alg, id=alg) for alg in ("ES256", "RS256", "PS256", "EdDSA")),
    ],
)
def test_it_is_signed_as_the_client_registered(ring, registered, alg):
    """Section 3."""
    server = a_server(a_client(authorization_signed_response_alg=registered), ring=ring)
    for answer in (
        granted(server, response_mode="jwt"),
        refused(server, response_mode="jwt", scope="bad"),
    ):
        header, _ = read(answer, server=server)
        assert header["alg"] == alg


@pytest.mark.parametrize(("registered", "alg"), [(None, "ES256"), ("PS256", "PS256")])
def test_rs256_is_not_for_a_client_of_fapi_2(registered, alg):
    """FAPI 2.0 Security Profile section 5.4.1."""
    held = a_client(profile="fapi2", authorization_signed_response_alg=registered)
    server = a_server(held, ring=ALL)
    header, claims = read(refused(server, response_mode="jwt"), server=server)
    assert (header["alg"], claims["error"]) == (alg, "invalid_request")  # it has to push


def test_a_public_client_may_have_it_too():
    server = a_server(a_public_client())
    answer = refused(server, client_id="spa", response_mode="jwt", scope="bad")
    _, claims = read(answer, server=server, client_id="spa")
    assert claims["error"] == "invalid_scope"


@pytest.mark.parametrize("mode", [None, "query", "form_post"])
def test_a_client_that_registered_an_algorithm_is_told_nothing_unsigned(mode):
    """Section 3: with it, "the response will be signed". Else it could be asked for unsigned by
    whoever changes a request on its way."""
    server = a_server(a_client(authorization_signed_response_alg="ES256"), a_client("other"))
    told = refused(server, response_mode=mode)
    assert told.parameters["error"] == "invalid_request"
    assert "authorization_signed_response_alg" in told.parameters["error_description"]
    assert granted(server, response_mode="jwt")
    assert an_interaction(server, client_id="other", response_mode=mode)


def push(server, **changes):
    headers = {"authorization": basic("web")}
    request = TokenRequest(form=a_form(**changes), headers=headers, received_at=NOW)
    return pushed.push(server, request).response


def test_neither_can_it_push_what_would_be():
    server = a_server(a_client(authorization_signed_response_alg="ES256"))
    with pytest.raises(InvalidRequest, match="authorization_signed_response_alg"):
        push(server)
    assert push(server, response_mode="form_post.jwt").status == 201


def test_the_mode_of_a_pushed_request_is_its_own():
    """What stands beside the request_uri does not count."""
    request_uri = push(SERVER, response_mode="jwt", prompt="none").body["request_uri"]
    form = a_form(request_uri=request_uri, response_mode="query", state="other")
    held, _ = interaction.receive(SERVER, form, NOW)
    assert held.request.response_mode is ResponseMode.JWT
    with pytest.raises(Answered) as caught:
        next_step(SERVER, held, None, NOW)
    _, claims = read(caught.value.response)
    assert (claims["error"], claims["state"]) == ("login_required", "a-state")


@pytest.mark.parametrize("changes", [{"client_id": "nobody"}, {"redirect_uri": "https://evil/"}])
def test_nothing_is_signed_for_whom_nobody_knows(changes):
    """B2."""
    with pytest.raises(InvalidRequest):
        interaction.receive(SERVER, a_form(response_mode="jwt", **changes), NOW)


def test_where_no_key_is_current_the_person_is_asked_to_come_again():
    """A page: an answer that the client cannot believe would lose the request."""
    ended = SigningKey.generate("ES256", activates_at=NOW + 500, published_at=NOW)
    server = a_server(ring=replace_signing(RING, ended))
    with pytest.raises(TemporarilyUnavailable):
        interaction.receive(server, a_form(response_mode="jwt", scope="bad"), NOW)
    with pytest.raises(Answered):
        interaction.receive(server, a_form(scope="bad"), NOW)


def replace_signing(ring, *signing):
    return KeyRing(signing, ring.sealing_keys)


def test_an_answer_is_no_token_of_another_kind():
    """J13, J14: an id_token_hint, an access token."""
    server = a_server(a_client(scope=Scope({"openid", "read"})), ring=ALL)
    answer = refused(server, response_mode="jwt", scope="bad")
    text = answer.parameters["response"]
    with pytest.raises(InvalidRequest):
        read_id_token_hint(server, text, NOW)
    with pytest.raises(InvalidToken):
        server.issued.verify(text, NOW)


def test_the_metadata_say_what_there_is():
    """Section 4."""
    said = metadata(SERVER, NOW)
    assert said["response_modes_supported"] == ["query", "form_post", *SIGNED]
    assert said["authorization_signing_alg_values_supported"] == [
        "ES256",
        "RS256",
        "PS256",
        "EdDSA",
    ]
    assert not [each for each in said if each.startswith("authorization_encryption")]
    only = metadata(a_server(), NOW)
    assert only["authorization_signing_alg_values_supported"] == ["ES256"]
