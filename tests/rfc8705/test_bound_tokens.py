"""Section 3: which tokens are bound to the certificate that their client connects with."""

import pytest

from issuer.browser.userinfo import tell
from keys import InvalidToken
from keys.client_certificates import thumbprint
from tests.asking import a_public_request, ask, claims_of
from tests.builders import (
    PASSWORD,
    VERIFIER,
    a_client,
    a_code,
    a_public_client,
    a_request,
    a_server,
    showing,
)
from tests.openid.builders import a_code_with, a_relying_party, an_openid_server
from tests.rfc7662.test_introspection import a_server as introspecting
from tests.rfc7662.test_introspection import told as introspected
from tests.rfc8705.certificates import BILLING, STRANGER, certified
from tests.rfc8705.connecting import by, by_billing
from tests.rfc8705.registries import BEHIND_A_PROXY
from tests.rfc9449.proving import Prover, proving

CNF = {"x5t#S256": thumbprint(BILLING.der)}
WEB = a_client(tls_client_certificate_bound_access_tokens=True)
PHONE = a_public_client(
    tls_client_certificate_bound_access_tokens=True,
    grant_types=("authorization_code", "refresh_token", "password"),
)
SERVER = a_server(WEB, PHONE, **BEHIND_A_PROXY)
UNBOUND = a_server(**BEHIND_A_PROXY)
USER = {"username": "alice", "password": PASSWORD}


def a_grant(grant_type, *, public):
    more = {
        "client_credentials": {},
        "password": USER,
        "authorization_code": {
            "code": a_code(SERVER, client_id="spa" if public else "web"),
            "code_verifier": VERIFIER,
        },
    }[grant_type]
    return (a_public_request if public else a_request)(grant_type, **more)


GRANTS = [
    ("client_credentials", False),
    ("password", False),
    ("authorization_code", False),
    ("password", True),
    ("authorization_code", True),
]


@pytest.mark.parametrize(("grant_type", "public"), GRANTS)
def test_tokens_are_bound_where_the_client_registered_that(grant_type, public):
    """Sections 3.1 and 3.4; they are borne like any other, so their type is Bearer."""
    answer = ask(SERVER, by_billing(a_grant(grant_type, public=public)))
    assert answer.body["token_type"] == "Bearer"
    assert claims_of(SERVER, answer)["cnf"] == CNF


@pytest.mark.parametrize(("grant_type", "public"), GRANTS)
def test_without_a_certificate_there_is_no_such_token(grant_type, public):
    request = a_grant(grant_type, public=public)
    answer = ask(SERVER, request)
    assert (answer.status, answer.error) == (400, "invalid_request")
    assert "certificate" in answer.body["error_description"]
    assert claims_of(SERVER, ask(SERVER, by_billing(request)))["cnf"] == CNF


def test_a_certificate_binds_nobody_who_did_not_register_that():
    """A client behind a mesh has one in each of its requests, and its APIs may not know it."""
    answer = ask(UNBOUND, by_billing(a_request()))
    assert "cnf" not in claims_of(UNBOUND, answer)
    assert claims_of(SERVER, ask(SERVER, by_billing(a_request())))["cnf"] == CNF


def test_who_is_bound_to_a_certificate_is_bound_to_nothing_else():
    """A proof may be anybody's, the registration is the client's."""
    answer = ask(SERVER, proving(by_billing(a_request()), Prover().proof()))
    assert (answer.body["token_type"], claims_of(SERVER, answer)["cnf"]) == ("Bearer", CNF)
    assert ask(SERVER, proving(a_request(), Prover().proof())).error == "invalid_request"


def test_a_certificate_need_not_be_vouched_for_to_be_bound_to():
    """Section 3: it is compared, and no more. That it was shown with its key TLS has seen to."""
    for each in (STRANGER, certified(ends=1_700_000_000, begins=1_600_000_000)):
        answer = ask(SERVER, by(each, a_request()))
        assert claims_of(SERVER, answer)["cnf"] == {"x5t#S256": thumbprint(each.der)}


def refreshed(server, refresh_token, certificate, *, public):
    make = a_public_request if public else a_request
    return ask(server, by(certificate, make("refresh_token", refresh_token=refresh_token)))


def test_a_public_client_can_refresh_with_its_certificate_alone():
    """Section 7.1 of RFC 8705's security considerations, and no store is needed for it."""
    given = ask(SERVER, by_billing(a_grant("authorization_code", public=True)))
    refresh_token = given.body["refresh_token"]
    for other in (None, STRANGER, certified(key=BILLING.key)):
        refused = refreshed(SERVER, refresh_token, other, public=True)
        expected = "invalid_request" if other is None else "invalid_grant"
        assert (refused.status, refused.error) == (400, expected)
    again = refreshed(SERVER, refresh_token, BILLING, public=True)
    assert claims_of(SERVER, again)["cnf"] == CNF


def test_a_confidential_client_may_change_its_certificate():
    """It proves who it is by other means, so its refresh token is bound to it alone."""
    given = ask(SERVER, by_billing(a_grant("authorization_code", public=False)))
    again = refreshed(SERVER, given.body["refresh_token"], STRANGER, public=False)
    assert claims_of(SERVER, again)["cnf"] == {"x5t#S256": thumbprint(STRANGER.der)}


def test_a_code_that_is_redeemed_twice_yields_no_two_tokens_of_one_name():
    """RFC 7519 section 4.1.7: a token that is bound to something else is another one."""
    request = a_grant("authorization_code", public=False)
    first, again, other = (
        claims_of(SERVER, ask(SERVER, by(each, request))) for each in (BILLING, BILLING, STRANGER)
    )
    assert first == again
    assert first["jti"] != other["jti"]


def test_introspection_says_to_what_a_token_is_bound():
    """Section 3.2."""
    server = introspecting(WEB, **BEHIND_A_PROXY)
    said = introspected(ask(server, by_billing(a_request())), server=server)
    assert (said["active"], said["cnf"], said["token_type"]) == (True, CNF, "Bearer")


WHO = an_openid_server(
    a_relying_party(tls_client_certificate_bound_access_tokens=True), **BEHIND_A_PROXY
)


def test_userinfo_is_told_by_the_certificate_that_the_token_is_bound_to():
    """Section 3: what is bound is refused to whoever has another, or none."""
    request = a_request("authorization_code", code=a_code_with(WHO), code_verifier=VERIFIER)
    token = ask(WHO, by_billing(request)).access_token
    for other in (None, STRANGER, certified(key=BILLING.key)):
        with pytest.raises(InvalidToken) as refused:
            tell(WHO, by(other, showing(f"Bearer {token}")))
        assert (refused.value.status, refused.value.error) == (401, "invalid_token")
    with pytest.raises(InvalidToken):
        tell(WHO, by_billing(showing(f"DPoP {token}")))
    assert tell(WHO, by_billing(showing(f"Bearer {token}"))).claims["email"]
