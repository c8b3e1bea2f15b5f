"""id_token_hint: an ID token of ours says whom a client means, expired or not."""

import pytest

from issuer.errors import InvalidRequest
from issuer.protocol.sealed import Login
from issuer.token_types.id_token import IdTokenHint, read_id_token_hint
from tests.builders import ISSUER, NOW
from tests.keys.builders import OTHER_KEY, a_signed_token
from tests.openid.builders import RING, a_relying_party, an_openid_server, redeemed

SERVER = an_openid_server()
ANSWER = redeemed(SERVER, login=Login(sid="s-1"))
TEXT = str(ANSWER.body["id_token"])
KEY = RING.signing_key(NOW, "RS256")
YEAR = 365 * 86400
CLAIMS = {"iss": ISSUER, "sub": "alice", "aud": "web", "iat": NOW, "exp": NOW + 600}


@pytest.mark.parametrize("now", [NOW, NOW + 600, NOW + YEAR])
def test_a_hint_says_whom_and_for_whom_long_after_it_has_expired(now):
    """OpenID Connect Core section 3.1.2.1."""
    hint = read_id_token_hint(SERVER, TEXT, now)
    assert hint == IdTokenHint(sub="alice", client_id="web", sid="s-1")


@pytest.mark.parametrize("alg", ["ES256", "PS256", "EdDSA"])
def test_every_algorithm_will_do(alg):
    server = an_openid_server(a_relying_party(id_token_signed_response_alg=alg))
    hint = read_id_token_hint(server, str(redeemed(server).body["id_token"]), NOW)
    assert hint == IdTokenHint(sub="alice", client_id="web", sid="")


def signed(typ: str = "JWT", **changes) -> str:
    said = {name: value for name, value in (CLAIMS | changes).items() if value is not None}
    return KEY.sign(typ, said)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("x", id="no token"),
        pytest.param(TEXT[:-8] + "AAAAAAAA", id="another signature"),
        pytest.param(str(ANSWER.access_token), id="an access token"),
        pytest.param(str(ANSWER.body["refresh_token"]), id="a sealed value"),
        pytest.param(OTHER_KEY.sign("JWT", CLAIMS), id="somebody else's key"),
        pytest.param(a_signed_token(payload=CLAIMS, key=KEY, typ="JWT", alg="none"), id="alg none"),
        pytest.param(signed("at+jwt"), id="of another type"),
        pytest.param(signed("logout+jwt"), id="a logout token"),
        pytest.param(signed(iss="https://other.example"), id="another issuer's"),
        pytest.param(signed(iss=None), id="nobody's"),
        pytest.param(signed(sub=None), id="about nobody"),
        pytest.param(signed(aud=["web", "other"]), id="for several"),
        pytest.param("a" * 9000, id="too long"),
    ],
)
def test_what_is_no_id_token_of_ours_is_refused(text):
    """J13, J14, J16."""
    assert read_id_token_hint(SERVER, signed(), NOW).sub == "alice"
    with pytest.raises(InvalidRequest) as refused:
        read_id_token_hint(SERVER, text, NOW)
    said = "The id_token_hint is not an ID token of this issuer."
    assert refused.value.description == said


def test_a_hint_goes_with_its_key():
    lifetimes = {"longest_token_lifetime": 600, "longest_sealed_lifetime": 86400}
    rotated = an_openid_server(ring=RING.rotate(NOW, **lifetimes))
    assert read_id_token_hint(rotated, TEXT, NOW + 1000).sub == "alice"
    with pytest.raises(InvalidRequest):
        read_id_token_hint(rotated, TEXT, NOW + YEAR)
