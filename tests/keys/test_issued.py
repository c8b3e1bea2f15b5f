"""The access tokens of an issuer as it reads them itself."""

import pytest

from keys import InvalidToken
from keys.issued import IssuedTokens
from keys.ring import KeyRing

NOW = 1_800_000_000
ISSUER = "https://issuer.example"
RING = KeyRing.new("ES256", NOW - 1000, "RS256")
CLAIMS = {
    "iss": ISSUER, "sub": "alice", "aud": "https://api.example", "client_id": "web",
    "iat": NOW, "exp": NOW + 600, "jti": "1",
}  # fmt: skip


def a_token(typ: str = "at+jwt", *, ring: KeyRing = RING, alg: str = "ES256", **claims) -> str:
    return ring.signing_key(NOW, alg).sign(typ, CLAIMS | claims)


@pytest.fixture
def issued() -> IssuedTokens:
    return IssuedTokens(ISSUER, RING.verification_key)


@pytest.mark.parametrize(("typ", "scheme"), [("at+jwt", "Bearer"), ("mac-at+jwt", "MAC")])
@pytest.mark.parametrize("alg", ["ES256", "RS256"])
@pytest.mark.parametrize("audience", ["https://api.example", ["urn:other"], ISSUER])
def test_a_token_of_either_type_and_of_any_audience_is_read(issued, typ, scheme, alg, audience):
    read = issued.verify(a_token(typ, alg=alg, aud=audience), NOW)
    assert (read.subject, read.scheme) == ("alice", scheme)
    assert [read.audience] == ([audience] if isinstance(audience, str) else audience)


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(a_token("JWT"), id="an ID token"),
        pytest.param(a_token("logout+jwt"), id="of another type"),
        pytest.param(a_token(iss="https://other.example"), id="of another issuer"),
        pytest.param(a_token(ring=KeyRing.new("ES256", NOW - 1000)), id="by a strange key"),
        pytest.param(a_token(aud=[ISSUER, "https://api.example"]), id="for two audiences"),
        pytest.param(a_token(aud=None), id="for nobody"),
        pytest.param(a_token(jti=""), id="without a name"),
        pytest.param(a_token(iat=NOW + 61), id="not begun"),
        pytest.param(a_token(exp=NOW - 60), id="expired"),
        pytest.param(a_token()[:-4] + "AAAA", id="with another signature"),
        pytest.param("x", id="no token"),
        pytest.param("", id="nothing"),
        pytest.param("a.b.c" * 2000, id="too long"),
    ],
)
def test_nothing_else_is(issued, token):
    """J1 to J16: not the first time, and not when it is asked about again."""
    for _ in range(2):
        with pytest.raises(InvalidToken):
            issued.verify(token, NOW)


def test_what_is_remembered_expires_all_the_same(issued):
    token = a_token()
    assert issued.verify(token, NOW) is issued.verify(token, NOW + 659)
    for late in (NOW + 660, NOW - 61):
        with pytest.raises(InvalidToken):
            issued.verify(token, late)


def test_what_is_remembered_goes_with_its_key():
    """A key that is published no more vouches for nothing, whoever saw its tokens before."""
    lifetimes = {"longest_token_lifetime": 1, "longest_sealed_lifetime": 1}
    ring = RING.rotate(NOW, **lifetimes, lead=400)
    (ends,) = {key.expires_at for key in ring.signing_keys if key.expires_at is not None}
    issued = IssuedTokens(ISSUER, ring.verification_key)
    token = a_token(exp=ends + 600)
    assert issued.verify(token, ends - 1).jti == "1"
    with pytest.raises(InvalidToken, match="not valid"):
        issued.verify(token, ends)


def test_only_so_many_are_remembered(issued):
    first = a_token()
    read = issued.verify(first, NOW)
    for number in range(1024):
        issued.verify(a_token(jti=f"n{number}"), NOW)
    again = issued.verify(first, NOW)
    assert again == read
    assert again is not read
