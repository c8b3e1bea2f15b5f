"""Clients that are known by their connection, and bring a federation's token as their grant."""

import pytest

from issuer.errors import InvalidClient, InvalidGrant
from issuer.registry.federation import JWT_BEARER
from issuer.server import AuthorizationServer
from issuer.token import TokenGenerator
from tests.builders import RING, a_client, a_registry
from tests.federation.asking import a_request, as_grant
from tests.federation.tokens import a_federation, github, token
from tests.rfc8705.certificates import AUTHORITY, BILLING, STRANGER
from tests.rfc8705.connecting import by
from tests.rfc8705.registries import BEHIND_A_PROXY


def a_server() -> AuthorizationServer:
    client = a_client(
        "billing",
        token_endpoint_auth_method="tls_client_auth",
        tls_client_auth_subject_dn="CN=billing,O=Example",
        client_secrets=(),
        grant_types=(JWT_BEARER,),
        federated=({"federation": "github", "subject": github()["sub"]},),
    )
    registry = a_registry(client, federations=(a_federation(),), **BEHIND_A_PROXY)
    object.__setattr__(registry, "authorities", AUTHORITY.pem)
    return AuthorizationServer.of(registry, RING)


def test_both_are_proved():
    """RFC 7521 section 4.1: client authentication that is registered is not left out."""
    server, validate = a_server(), TokenGenerator().validate
    request = a_request(as_grant(token(), client_id="billing"))
    for certificate in (None, STRANGER):
        with pytest.raises(InvalidClient):
            validate(server, by(certificate, request))
    evil = as_grant(token(github(sub="repo:evil/shop:pull_request")), client_id="billing")
    with pytest.raises(InvalidGrant):
        validate(server, by(BILLING, a_request(evil)))
    with pytest.raises(InvalidGrant):
        validate(server, by(BILLING, a_request(as_grant(token()))))
    assert validate(server, by(BILLING, request)).sub == "billing"
