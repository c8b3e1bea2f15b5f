"""Answers that the issuer signs: JWT Secured Authorization Response Mode for OAuth 2.0 (JARM).

Who carries such an answer, and whoever else sees it on its way, can neither change it nor hand the
client another's: it says who answers, and whom. Encrypting it as well is not offered: the code in
it is worth nothing without the client's own credentials, or its verifier.
"""

from dataclasses import replace
from types import MappingProxyType

from issuer.browser.authorization_response import AuthorizationResponse
from issuer.registry.client import Client
from issuer.server import AuthorizationServer
from keys.signing import SigningKey

TYP = "JWT"
"""JARM names no type, and verifiers that look at it know this one."""

LIFETIME = 300
"""Seconds from the answer to its arrival, with what clocks differ by (section 2.1: 600 at most)."""


def secure(
    server: AuthorizationServer, client: Client, answer: AuthorizationResponse, now: int
) -> AuthorizationResponse:
    """``answer`` as one signed parameter, where it is to travel so (sections 2.1 and 2.3).

    Its ``iss`` is that of RFC 9207, which then stands in the JWT alone (RFC 9207 section 4).

    Raises:
        TemporarilyUnavailable: no key of the client's algorithm is current.
    """
    if not answer.response_mode.is_signed:
        return answer
    key = _key(server, client, now)
    claims = {**answer.parameters, "aud": client.client_id, "exp": now + LIFETIME}
    return replace(answer, parameters=MappingProxyType({"response": key.sign(TYP, claims)}))


def _key(server: AuthorizationServer, client: Client, now: int) -> SigningKey:
    registered = client.authorization_signed_response_alg
    if registered is None and server.registry.is_fapi2(client):
        return server.signing_key(now)  # RS256, which clients expect, is not for it
    return server.answering_key(now, registered)
