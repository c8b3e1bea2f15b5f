"""Sections 3.3 and 5: what clients read of certificates, and where to come with them."""

import pytest

from issuer.metadata import metadata
from tests.asking import ask
from tests.builders import ISSUER, NOW, a_client, a_request, a_server
from tests.openid.builders import a_relying_party, an_openid_server
from tests.rfc7662.test_introspection import a_server as introspecting
from tests.rfc8705.registries import BEHIND_A_PROXY
from tests.rfc9449.proving import Prover, proving

MTLS = "https://mtls.issuer.example"
BOUND = "tls_client_certificate_bound_access_tokens"
ALIASES = "mtls_endpoint_aliases"
ELSEWHERE = BEHIND_A_PROXY | {"mtls_url": MTLS}


def test_where_no_certificate_can_be_known_nothing_is_said_of_them():
    document = metadata(a_server(), NOW)
    assert not {BOUND, ALIASES} & document.keys()
    assert metadata(a_server(**BEHIND_A_PROXY), NOW)[BOUND] is True
    assert metadata(a_server(tls_client_certificates=True), NOW)[BOUND] is True


def test_another_host_is_named_where_there_is_one():
    assert ALIASES not in metadata(a_server(**BEHIND_A_PROXY), NOW)
    document = metadata(a_server(**ELSEWHERE), NOW)
    assert document[ALIASES] == {
        "token_endpoint": f"{MTLS}/token",
        "pushed_authorization_request_endpoint": f"{MTLS}/par",
        "userinfo_endpoint": f"{MTLS}/userinfo",
    }
    assert document["token_endpoint"] == f"{ISSUER}/token"


def test_each_endpoint_that_takes_certificates_has_its_alias():
    server = introspecting(replay_store="sqlite:replay.db", **ELSEWHERE)
    document = metadata(server, NOW)
    aliases = document[ALIASES]
    assert aliases["revocation_endpoint"] == f"{MTLS}/revoke"
    assert aliases["introspection_endpoint"] == f"{MTLS}/introspect"
    for name, alias in aliases.items():
        assert alias.removeprefix(MTLS) == document[name].removeprefix(ISSUER)


def test_an_issuer_with_a_path_has_the_same_there():
    settings = ELSEWHERE | {"url": f"{ISSUER}/tenant", "mtls_url": f"{MTLS}/tenant"}
    document = metadata(an_openid_server(a_relying_party(), **settings), NOW)
    assert document[ALIASES]["token_endpoint"] == f"{MTLS}/tenant/token"


@pytest.mark.parametrize("url", [f"{ISSUER}/token", f"{MTLS}/token"])
def test_a_proof_may_be_for_either_host(url):
    """RFC 9449 section 4.3: where the request really went."""
    server, prover = a_server(a_client(dpop_bound_access_tokens=True), **ELSEWHERE), Prover()
    assert ask(server, proving(a_request(), prover.proof(url))).status == 200
    for other in (f"{MTLS}/par", "https://other.example/token"):
        assert ask(server, proving(a_request(), prover.proof(other))).status == 400
    alone = a_server(a_client(), **BEHIND_A_PROXY)
    assert ask(alone, proving(a_request(), prover.proof(f"{MTLS}/token"))).status == 400
