"""RFC 6749 section 4.4: a client acts for itself."""

import pytest

from issuer.registry.client import ClientSecret
from issuer.registry.scope import Scope
from issuer.registry.secret import argon2id_hash, sha256_hash
from tests.asking import a_public_request, ask, claims_of, scope_of
from tests.builders import (
    API,
    NOW,
    PASSWORD,
    PASSWORD_HASH,
    SECRET,
    a_client,
    a_public_client,
    a_request,
    a_server,
    basic,
)


def test_a_client_gets_a_token_about_itself_and_no_refresh_token():
    """RFC 6749 section 4.4.3: a refresh token SHOULD NOT be included."""
    server = a_server()
    response = ask(server, a_request())
    claims = claims_of(server, response)
    assert (claims["sub"], claims["client_id"], claims["aud"]) == ("web", "web", API)
    assert "auth_time" not in claims
    assert "refresh_token" not in response.body


@pytest.mark.parametrize(
    ("scope", "given"),
    [
        pytest.param(None, {"read", "write"}, id="left out: all that is registered"),
        pytest.param("", {"read", "write"}, id="empty counts as left out"),
        pytest.param("read", {"read"}, id="a part"),
        pytest.param("write read", {"read", "write"}, id="all, in another order"),
        pytest.param("read read", {"read"}, id="one twice"),
    ],
)
def test_a_registered_scope_is_given(scope, given):
    """RFC 6749 section 3.3."""
    assert scope_of(ask(a_server(), a_request(scope=scope))) == given


@pytest.mark.parametrize(
    "scope",
    [
        pytest.param("admin", id="unknown"),
        pytest.param("read admin", id="one known, one not"),
        pytest.param("READ", id="another case"),
        pytest.param("pay", id="of a resource that is not the client's"),
        pytest.param("read  write", id="two blanks"),
        pytest.param(" read", id="a blank before"),
        pytest.param("read ", id="a blank behind"),
        pytest.param("read,write", id="a comma"),
        pytest.param('re"ad', id="a quotation mark"),
        pytest.param("re\\ad", id="a backslash"),
        pytest.param("read\twrite", id="a tab"),
        pytest.param("read\nwrite", id="a line feed"),
        pytest.param("r\u00e9ad", id="beyond ASCII"),
        pytest.param("x" * 10_000, id="10 000 characters"),
    ],
)
def test_another_scope_is_refused(scope):
    """RFC 6749 section 5.2."""
    assert ask(a_server(), a_request(scope=scope)).error == "invalid_scope"


def test_a_client_without_scope_gets_a_token_without_scope():
    """RFC 9068 section 2.2.3."""
    server = a_server(a_client(scope=Scope()))
    response = ask(server, a_request())
    assert "scope" not in response.body
    assert "scope" not in claims_of(server, response)


def test_a_public_client_cannot_act_for_itself():
    """RFC 6749 section 4.4: MUST only be used by confidential clients."""
    server = a_server(a_public_client(grant_types=("client_credentials",)))
    for request in (
        a_request(client_id=None, authorization=basic("spa", "")),
        a_public_request("client_credentials"),
    ):
        assert ask(server, request).error == "invalid_client"


@pytest.mark.parametrize(
    ("now", "error"),
    [
        pytest.param(NOW - 1, "invalid_client", id="a second before not_before"),
        pytest.param(NOW, None, id="from not_before"),
        pytest.param(NOW + 9, None, id="in its last second"),
        pytest.param(NOW + 10, "invalid_client", id="from expires_at"),
    ],
)
def test_a_secret_is_good_between_its_dates(now, error):
    secrets = (ClientSecret(hash=sha256_hash(SECRET), not_before=NOW, expires_at=NOW + 10),)
    server = a_server(a_client(client_secrets=secrets))
    assert ask(server, a_request(now=now)).error == error


def test_two_secrets_are_good_at_once_and_the_log_says_which_was_used():
    secrets = tuple(ClientSecret(hash=sha256_hash(each)) for each in ("old", "new"))
    server = a_server(a_client(client_secrets=secrets))
    used = [
        ask(server, a_request(authorization=basic("web", each))).log["credential"]
        for each in ("old", "new")
    ]
    assert used == ["client_secrets[0]", "client_secrets[1]"]


@pytest.mark.parametrize(
    ("secret", "error"),
    [
        pytest.param(PASSWORD, None, id="the right one"),
        pytest.param(PASSWORD.upper(), "invalid_client", id="another case"),
        pytest.param(PASSWORD_HASH, "invalid_client", id="its hash"),
        pytest.param("", "invalid_client", id="an empty one"),
    ],
)
def test_a_secret_that_a_person_chose_works_too(secret, error):
    server = a_server(a_client(client_secrets=(ClientSecret(hash=PASSWORD_HASH),)))
    assert ask(server, a_request(authorization=basic("web", secret))).error == error


def test_the_hashes_that_the_issuer_makes_are_ones_that_it_takes():
    secrets = (ClientSecret(hash=argon2id_hash("chosen")),)
    server = a_server(a_client(client_secrets=secrets))
    assert ask(server, a_request(authorization=basic("web", "chosen"))).status == 200
