"""Tokens of pairwise clients are exchanged for tokens about the same user (OIDC Core 8.1)."""

from dataclasses import replace
from typing import Any

import pytest

from issuer.grants.subject_token import ID_TOKEN
from issuer.registry.scope import Scope
from keys.subjects import SubjectKey
from tests.builders import ISSUER, NOW, OTHER_API, RING, a_client, a_server
from tests.rfc8693.exchanging import RULE, a_gateway, a_token, exchange, exchanged

KEYED = replace(RING, subject_key=SubjectKey(bytes(range(64))))
PAIRWISE: dict[str, Any] = {"subject_type": "pairwise"}
OWN = {"resource": OTHER_API, "subject_token_types": ("id_token",), "scope": Scope({"read"})}


def a_server_of(**gateway):
    web = a_client(**PAIRWISE)
    given = {"sector_identifier": "gateway.example"} if gateway else {}
    return a_server(web, a_gateway("gateway", RULE, OWN, **given, **gateway), ring=KEYED)


@pytest.mark.parametrize("gateway", [{}, PAIRWISE], ids=["public", "pairwise"])
def test_each_is_told_of_the_user_by_its_own_name(gateway):
    server = a_server_of(**gateway)
    web, target = (server.registry.clients[each] for each in ("web", "gateway"))
    text = a_token(server, sub=server.told_sub(web, "alice"))
    _, found = exchanged(server, exchange(text))
    assert found.subject == server.told_sub(target, "alice")
    assert (found.subject == "alice") is (not gateway)


def test_an_id_token_is_about_whom_the_client_knows_by_it():
    server = a_server_of(**PAIRWISE)
    told = server.told_sub(server.registry.clients["gateway"], "alice")
    claims = {"iss": ISSUER, "sub": told, "aud": "gateway", "iat": NOW, "exp": NOW + 60}
    text = server.signing_key(NOW).sign("JWT", claims)
    _, found = exchanged(server, exchange(text, subject_token_type=ID_TOKEN))
    assert found.subject == told
