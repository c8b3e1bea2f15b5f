"""Logout tokens: OpenID Connect Back-Channel Logout 1.0 section 2.4, read by others' libraries."""

import json

import pytest
from idpyoidc.message.oidc.session import LogoutToken
from joserfc import jwt
from joserfc.jwk import KeySet
from msgspec.structs import replace

from issuer.browser import backchannel, sessions
from issuer.browser.backchannel import Notice
from issuer.errors import InvalidRequest, TemporarilyUnavailable
from issuer.token_types.id_token import read_id_token_hint
from keys import InvalidToken, Verifier
from keys import KeySet as Keys
from keys.ring import KeyRing
from tests.browser.builders import a_session
from tests.builders import ISSUER, NOW
from tests.openid.builders import RING, a_relying_party, an_openid_server

URI = "https://rp.example/backchannel_logout"
NOTICE = Notice("web", "alice", "s-1")
CLIENT = a_relying_party(backchannel_logout_uri=URI)
SERVER = an_openid_server(CLIENT)


def token(server=SERVER, notice=NOTICE, now=NOW):
    message = backchannel.message(server, notice, now)
    assert message.uri == URI
    return message.logout_token


def read(text):
    """Its header and claims, as joserfc finds them signed."""
    keys = KeySet.import_key_set(json.loads(json.dumps(RING.jwks(NOW))))
    decoded = jwt.decode(text, keys, algorithms=["RS256", "ES256", "PS256", "EdDSA"])
    return decoded.header, decoded.claims


def test_it_has_exactly_these_claims():
    """And no nonce, by which it could be taken for an ID token."""
    header, claims = read(token())
    assert (header["typ"], header["alg"]) == ("logout+jwt", "RS256")
    assert len(claims.pop("jti")) >= 22
    assert claims == {
        "iss": ISSUER,
        "sub": "alice",
        "aud": "web",
        "iat": NOW,
        "exp": NOW + 120,
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
        "sid": "s-1",
    }
    assert LogoutToken(**claims, jti="1").verify(iss=ISSUER, aud="web", skew=NOW)


def test_no_two_are_called_the_same():
    """Each try is a token of its own, so none has expired and none seems to be replayed."""
    assert read(token())[1]["jti"] != read(token())[1]["jti"]
    assert read(token(now=NOW + 300))[1]["exp"] == NOW + 420


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
@pytest.mark.parametrize("alg", ["RS256", "ES256", "PS256", "EdDSA"])
def test_it_is_signed_as_the_client_s_id_tokens_are(alg):
    """Section 2.6, step 3."""
    client = a_relying_party(backchannel_logout_uri=URI, id_token_signed_response_alg=alg)
    assert read(token(an_openid_server(client)))[0]["alg"] == alg


def test_it_is_nothing_else_than_a_logout_token():
    """J13, section 4: the typ is its own."""
    with pytest.raises(InvalidRequest):
        read_id_token_hint(SERVER, token(), NOW)
    verifier = Verifier(ISSUER, "web", Keys.from_dict(RING.jwks(NOW)), clock=lambda: NOW)
    with pytest.raises(InvalidToken):
        verifier.verify(token())


def test_without_a_key_for_it_there_is_none_yet():
    ring = KeyRing.new("ES256", NOW - 1000)
    with pytest.raises(TemporarilyUnavailable):
        backchannel.message(an_openid_server(CLIENT, ring=ring), NOTICE, NOW)


@pytest.mark.parametrize("client", [a_relying_party(), a_relying_party("other")])
def test_whoever_wants_to_hear_nothing_by_now_is_told_nothing(client):
    server = an_openid_server(client)
    session = replace(a_session(server), clients=("web",))
    assert backchannel.notices(server, session) == ()
    assert backchannel.message(server, NOTICE, NOW) is None


def test_a_session_that_nobody_got_an_id_token_in_is_nobody_s_to_hear_of():
    assert backchannel.notices(SERVER, a_session(SERVER)) == ()


def test_each_client_is_told_once_by_the_sid_of_its_id_token():
    session = replace(a_session(SERVER), clients=("web",))
    assert backchannel.notices(SERVER, session) == (Notice("web", "alice", session.login.sid),)


def test_who_is_told_is_forgotten_last_and_the_oldest_first():
    """Of names of twelve characters, the cookie keeps more than a hundred."""
    names = tuple(f"client-{number:05}" for number in range(300))
    session = replace(a_session(SERVER), clients=names, consents={"web": {ISSUER: ("openid",)}})
    text = sessions.seal(SERVER, session, NOW)
    assert len(text) <= sessions.MAX_COOKIE
    held = sessions.read(SERVER, text, NOW)
    assert held.clients == names[-len(held.clients) :]
    assert len(held.clients) > 100
