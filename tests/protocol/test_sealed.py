"""What the issuer seals, and reads again as it was."""

import pytest

from issuer.protocol.sealed import AuthorizationCode, Login, RefreshToken
from issuer.registry.scope import Scope
from keys.sealing import Sealer
from tests.builders import API, CALLBACK, ISSUER, NOW, RING

SEALER = Sealer(RING, ISSUER)
GRANT = {
    "id": "1", "client_id": "web", "sub": "alice", "scope": Scope({"openid"}),
    "resources": (API,), "auth_time": NOW, "issued_at": NOW, "expires_at": NOW + 60,
}  # fmt: skip
LOGINS = [
    pytest.param(None, id="no browser was there"),
    pytest.param(Login(amr=("pwd",), acr="1", sid="s"), id="of the registry"),
    pytest.param(Login(claims={"email": "a@b.example", "address": {"country": "DE"}}), id="own"),
]


@pytest.mark.parametrize("login", LOGINS)
def test_a_login_travels_in_a_code_and_in_a_refresh_token(login):
    code = AuthorizationCode(redirect_uri=CALLBACK, nonce="n", login=login, **GRANT)
    held = RefreshToken(login=login, **GRANT)
    for value in (code, held):
        assert SEALER.open(type(value), SEALER.seal(value, now=NOW), now=NOW) == value


def test_what_is_known_of_a_person_is_in_no_traceback():
    assert "a@b.example" not in repr(Login(claims={"email": "a@b.example"}))


def test_a_code_of_a_release_that_did_not_say_whether_it_had_a_redirect_uri_is_taken_to_have():
    """While replicas are exchanged: a client that wants it to the letter gets no less."""
    assert AuthorizationCode(redirect_uri=CALLBACK, **GRANT).redirect_uri_sent
