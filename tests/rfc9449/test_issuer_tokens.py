"""RFC 9449 sections 4 to 6 at the token endpoint: which tokens are bound, and by which proofs."""

import pytest

from issuer.registry.scope import Scope
from keys.ring import KeyRing
from tests.asking import a_public_request, ask, claims_of, refresh, scope_of, told
from tests.builders import (
    API,
    ISSUER,
    MAC_API,
    NOW,
    OTHER_API,
    PASSWORD,
    RING,
    VERIFIER,
    a_client,
    a_code,
    a_public_client,
    a_request,
    a_server,
    basic,
)
from tests.rfc9449.proving import MAKERS, Prover, proving

KEY, OTHER = Prover(), Prover()
PHONE = a_public_client("spa", grant_types=("authorization_code", "refresh_token", "password"))
SERVER = a_server(a_client(), PHONE)
BOUND = a_server(a_client(dpop_bound_access_tokens=True))
USER = {"username": "alice", "password": PASSWORD}


def a_proved_request(grant_type="client_credentials", *, key=KEY, now=NOW, public=False, **more):
    make = a_public_request if public else a_request
    return proving(make(grant_type, now=now, **more), key.proof(now=now))


def redeemed(server, code, *, key=KEY, now=NOW, public=False):
    request = {"code": code, "code_verifier": VERIFIER, "now": now, "public": public}
    if key is None:
        make = a_public_request if public else a_request
        request.pop("public")
        return ask(server, make("authorization_code", **request))
    return ask(server, a_proved_request("authorization_code", key=key, **request))


def refreshed(server, refresh_token, *, key=KEY, public=False, now=NOW + 5):
    more = {"refresh_token": refresh_token, "now": now}
    if key is None:
        make = a_public_request if public else a_request
        return ask(server, make("refresh_token", **more))
    return ask(server, a_proved_request("refresh_token", key=key, public=public, **more))


@pytest.mark.parametrize("alg", MAKERS)
def test_a_token_is_bound_to_the_key_of_the_proof(alg):
    """Sections 5 and 6.1."""
    key = Prover.by(alg)
    answer = ask(SERVER, a_proved_request(key=key))
    assert answer.body["token_type"] == "DPoP"
    assert claims_of(SERVER, answer)["cnf"] == {"jkt": key.jkt}


@pytest.mark.parametrize("public", [False, True])
@pytest.mark.parametrize("grant_type", ["client_credentials", "password", "authorization_code"])
def test_each_grant_can_be_bound_and_need_not(grant_type, public):
    if public and grant_type == "client_credentials":
        pytest.skip("a public client cannot act for itself")
    more = {
        "client_credentials": {},
        "password": USER,
        "authorization_code": {
            "code": a_code(SERVER, client_id="spa" if public else "web"),
            "code_verifier": VERIFIER,
        },
    }[grant_type]
    bound = ask(SERVER, a_proved_request(grant_type, public=public, **more))
    assert bound.body["token_type"] == "DPoP"
    assert claims_of(SERVER, bound)["cnf"] == {"jkt": KEY.jkt}
    make = a_public_request if public else a_request
    borne = ask(SERVER, make(grant_type, **more))
    assert borne.body["token_type"] == "Bearer"
    assert "cnf" not in claims_of(SERVER, borne)


def test_a_client_that_registered_it_gets_no_token_without_a_proof():
    """Section 5.2."""
    refused = ask(BOUND, a_request())
    assert refused.error == "invalid_dpop_proof"
    assert "dpop_bound_access_tokens" in str(refused.body["error_description"])
    assert ask(BOUND, a_proved_request()).body["token_type"] == "DPoP"


@pytest.mark.parametrize(
    ("proofs", "word"),
    [
        ((KEY.proof(), KEY.proof()), "one"),
        ((KEY.proof(), ""), "one"),
        (("",), "compact"),
        (("x",), "compact"),
        ((KEY.proof(method="GET"),), "htm"),
        ((KEY.proof(method="post"),), "htm"),
        ((KEY.proof("https://other.example/token"),), "htu"),
        ((KEY.proof(f"{ISSUER}/par"),), "htu"),
        ((KEY.proof(f"{ISSUER}/token/"),), "htu"),
        ((KEY.proof("http://issuer.example/token"),), "htu"),
        ((KEY.proof(now=NOW - 61),), "iat"),
        ((KEY.proof(now=NOW + 61),), "iat"),
        ((KEY.proof(iat=float(NOW)),), "iat"),
        ((KEY.proof(iat=str(NOW)),), "iat"),
        ((KEY.proof(jti=None),), "jti"),
        ((KEY.proof(jti="j" * 1000),), "jti"),
        ((KEY.proof(jti=["j"]),), "text"),
        ((KEY.proof(htm=None),), "htm"),
        ((KEY.proof(htu=None),), "htu"),
        ((KEY.proof(header={"typ": "JWT"}),), "typ"),
        ((KEY.proof(header={"typ": "at+jwt"}),), "typ"),
        ((KEY.proof(header={"alg": "none"}),), "alg"),
        ((KEY.proof(header={"alg": "HS256"}),), "alg"),
        ((KEY.proof(header={"jwk": None}),), "jwk"),
        ((KEY.proof(header={"jwk": OTHER.jwk}),), "signature"),
        ((KEY.proof(header={"jwk": dict(KEY.key.as_dict(private=True))}),), "public"),
        ((KEY.proof(header={"crit": ["exp"]}),), "crit"),
        ((KEY.proof()[:-4] + "AAAA",), "signature"),
        ((KEY.proof() + "=",), "compact"),
        ((KEY.proof(jti="j" * 1_000_000),), "length"),
    ],
)  # fmt: skip
def test_a_proof_that_is_not_of_this_request_gets_no_token(proofs, word):
    """P27, J1 to J12, J20, J23, J29. The answer says what is wrong, and quotes nothing."""
    refused = ask(SERVER, proving(a_request(), *proofs))
    assert (refused.status, refused.error) == (400, "invalid_dpop_proof")
    assert word in str(refused.body["error_description"])
    assert ask(SERVER, a_proved_request()).status == 200


@pytest.mark.parametrize(
    "url", [f"{ISSUER}/token?x=1", f"{ISSUER}/token#f", "HTTPS://Issuer.Example:443/%74oken"]
)
def test_other_spellings_of_the_url_are_the_same_url(url):
    """Section 4.3: RFC 3986 section 6.2.2 and 6.2.3."""
    assert ask(SERVER, proving(a_request(), KEY.proof(url))).status == 200


def test_a_proof_comes_after_who_the_client_is():
    """P24: who is not the client hears nothing of what is registered."""
    wrong = proving(a_request(authorization="Basic d2ViOndyb25n"), "x")
    assert ask(BOUND, wrong).error == "invalid_client"
    assert ask(BOUND, proving(a_request(), "x")).error == "invalid_dpop_proof"


def test_a_token_of_type_mac_is_bound_to_its_own_key():
    server = a_server(a_client(resources=(API, MAC_API)))
    refused = ask(server, a_proved_request(resource=MAC_API))
    assert refused.error == "invalid_target"
    assert "of type mac" in str(refused.body["error_description"])
    assert ask(server, a_request(resource=MAC_API)).body["token_type"] == "mac"
    assert ask(server, a_proved_request(resource=API)).body["token_type"] == "DPoP"


# --- refresh tokens ---


def test_a_public_client_refreshes_with_its_key_and_no_store_is_needed():
    """Section 5. B12, RFC 9700 section 4.14.2: sender-constrained."""
    first = redeemed(SERVER, a_code(SERVER, client_id="spa"), public=True)
    held = str(first.body["refresh_token"])
    for _ in "12":
        again = refreshed(SERVER, held, public=True)
        assert claims_of(SERVER, again)["cnf"] == {"jkt": KEY.jkt}
        assert again.body["refresh_token"] == held, "it does not rotate"
    for key in (OTHER, None):
        assert refreshed(SERVER, held, key=key, public=True).error == "invalid_grant"
    assert refreshed(SERVER, held, public=True).status == 200


def test_a_public_client_without_a_key_has_no_refresh_token():
    first = redeemed(SERVER, a_code(SERVER, client_id="spa"), key=None, public=True)
    assert first.status == 200
    assert "refresh_token" not in first.body


def test_a_confidential_client_may_change_its_key():
    """Section 5: its refresh tokens are bound to the client."""
    held = str(redeemed(SERVER, a_code(SERVER)).body["refresh_token"])
    other = refreshed(SERVER, held, key=OTHER)
    assert claims_of(SERVER, other)["cnf"] == {"jkt": OTHER.jkt}
    assert refresh(SERVER, held, now=NOW + 5).body["token_type"] == "Bearer"
    assert refresh(BOUND, held, now=NOW + 5).error == "invalid_dpop_proof"
    assert refreshed(BOUND, held).body["token_type"] == "DPoP"


def test_a_bound_refresh_token_of_a_client_that_is_confidential_by_now_stays_bound():
    held = str(redeemed(SERVER, a_code(SERVER, client_id="spa"), public=True).body["refresh_token"])
    later = a_server(a_client("spa"))
    for key, status in ((KEY, 200), (OTHER, 400)):
        request = a_request(
            "refresh_token", refresh_token=held, authorization=basic("spa"), now=NOW + 5
        )
        assert ask(later, proving(request, key.proof(now=NOW + 5))).status == status


@pytest.mark.parametrize(
    ("scope", "asked", "key", "given"),
    [
        ("read offline_access", "read offline_access", KEY, True),
        ("read offline_access", "read offline_access", None, False),
        ("read offline_access", "read", KEY, False),
        ("read", "read", KEY, True),
        ("read", "read", None, False),
    ],
)
@pytest.mark.parametrize("registered", [False, True])
def test_offline_access_of_a_public_client_without_a_store(scope, asked, key, given, registered):
    """OpenID Connect Core section 11: by the key it can be had, and then the scope says so."""
    client = a_public_client(
        scope=Scope.parse(scope),
        grant_types=("authorization_code", "refresh_token"),
        dpop_bound_access_tokens=registered,
    )
    server = a_server(client)
    answer = redeemed(server, a_code(server, client_id="spa", scope=asked), key=key, public=True)
    if registered and key is None:
        assert answer.error == "invalid_dpop_proof"
        return
    assert ("refresh_token" in answer.body) == given
    wished = given and "offline_access" in asked
    assert scope_of(answer) == {"read", *(["offline_access"] if wished else [])}
    if given:
        again = refreshed(server, str(answer.body["refresh_token"]), public=True)
        assert scope_of(again) == scope_of(answer)


# --- codes ---


@pytest.mark.parametrize("public", [False, True])
def test_a_code_that_was_asked_for_with_a_key_is_redeemed_with_that_key(public):
    """Section 10, P18."""
    client_id = "spa" if public else "web"
    code = a_code(SERVER, client_id=client_id, dpop_jkt=KEY.jkt)
    missing, other = (redeemed(SERVER, code, key=key, public=public) for key in (None, OTHER))
    assert missing.error == "invalid_grant"
    assert told(missing)[:2] == told(other)[:2] == told(redeemed(SERVER, "x", public=public))[:2]
    assert claims_of(SERVER, redeemed(SERVER, code, public=public))["cnf"] == {"jkt": KEY.jkt}


@pytest.mark.parametrize("public", [False, True])
def test_a_code_redeemed_again_yields_the_same_tokens_for_the_same_key_alone(public):
    """P18: without a store. Two tokens of two keys are two tokens, and have two names."""
    code = a_code(SERVER, client_id="spa" if public else "web")
    first, again = (redeemed(SERVER, code, now=at, public=public) for at in (NOW, NOW + 3))
    for name in ("access_token", "refresh_token"):
        assert first.body[name] == again.body[name]
    other = redeemed(SERVER, code, key=OTHER, public=public)
    borne = redeemed(SERVER, code, key=None, public=public)
    ids = [claims_of(SERVER, each)["jti"] for each in (first, again, other, borne)]
    assert len(set(ids)) == 3
    assert claims_of(SERVER, other)["cnf"] == {"jkt": OTHER.jkt}
    if public:  # whose key it is bound to, its holder proves at each use
        assert other.body["refresh_token"] != first.body["refresh_token"]
        stolen = refreshed(SERVER, str(other.body["refresh_token"]), public=True)
        assert stolen.error == "invalid_grant"


def test_a_rotation_of_the_key_ring_changes_nothing_of_that():
    later = RING.rotate(NOW, longest_token_lifetime=600, longest_sealed_lifetime=86400, lead=400)
    code = a_code(SERVER, now=NOW + 390)
    first = redeemed(SERVER, code, now=NOW + 395)
    again = redeemed(a_server(a_client(), PHONE, ring=later), code, now=NOW + 405)
    assert again.body["access_token"] == first.body["access_token"]


def test_a_bound_token_is_for_each_resource_of_the_code():
    server = a_server(a_client(resources=(API, OTHER_API)))
    code = a_code(server, resource=(API, OTHER_API))
    for resource in (API, OTHER_API):
        more = {"code": code, "code_verifier": VERIFIER, "resource": resource}
        answer = ask(server, a_proved_request("authorization_code", **more))
        claims = claims_of(server, answer)
        assert (claims["aud"], claims["cnf"]) == (resource, {"jkt": KEY.jkt})


def test_another_ring_opens_nothing():
    code = a_code(a_server(ring=KeyRing.new("ES256", NOW - 1000)), dpop_jkt=KEY.jkt)
    assert redeemed(SERVER, code).error == "invalid_grant"
