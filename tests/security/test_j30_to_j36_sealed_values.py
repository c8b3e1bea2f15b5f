"""Security J30 to J36 at the token endpoint: sealed values that somebody has worked on."""

from dataclasses import replace

import pytest

from issuer.errors import InvalidGrant
from issuer.token import handler
from keys.ring import KeyRing
from keys.sealing import MAX_SEALED, SealingKey
from tests.asking import a_refresh_token, ask, redeem, refresh, told
from tests.builders import NOW, RING, VERIFIER, a_client, a_code, a_request, a_server, a_user

SERVER = a_server()
CODE = a_code(SERVER)
REFRESH_TOKEN = a_refresh_token(SERVER)
SEALED = [
    pytest.param("authorization_code", "code", CODE, id="a code"),
    pytest.param("refresh_token", "refresh_token", REFRESH_TOKEN, id="a refresh token"),
]


def validated(grant_type, parameter, text):
    given = {parameter: text}
    if grant_type == "authorization_code":
        given["code_verifier"] = VERIFIER
    return handler.validate(SERVER, a_request(grant_type, **given))


def assert_refused(grant_type, parameter, texts):
    """Each of ``texts`` is refused, all in the same words."""
    told = set()
    for text in texts:
        with pytest.raises(InvalidGrant) as refused:
            validated(grant_type, parameter, text)
        told.add(refused.value.description)
    assert len(told) == 1


@pytest.mark.parametrize(("grant_type", "parameter", "sealed"), SEALED)
def test_no_bit_of_it_can_be_changed(grant_type, parameter, sealed):
    """Security J30."""
    assert validated(grant_type, parameter, sealed)
    flipped = (
        sealed[:at] + chr(ord(sealed[at]) ^ 1 << bit) + sealed[at + 1 :]
        for at in range(len(sealed))
        for bit in range(7)
    )
    assert_refused(grant_type, parameter, flipped)


@pytest.mark.parametrize(("grant_type", "parameter", "sealed"), SEALED)
def test_it_can_be_neither_cut_nor_extended(grant_type, parameter, sealed):
    """Security J30, P19: one spelling, and nothing behind it."""
    assert_refused(grant_type, parameter, (sealed[:end] for end in range(1, len(sealed))))
    behind = ("=", "==", "A", "!", " ", "\n", ".", "\0", "AAAA", "A" * 20_000)
    assert_refused(grant_type, parameter, [sealed + each for each in behind])
    before = (" ", "A", "\0", ".", "1.", "Bearer ")
    assert_refused(grant_type, parameter, [each + sealed for each in before])


@pytest.mark.parametrize(("grant_type", "parameter", "sealed"), SEALED)
def test_it_has_one_spelling(grant_type, parameter, sealed):
    """Security P19: otherwise one code could be redeemed under two names."""
    version, kid, box = sealed.split(".")
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    others = [
        *(f"{version}.{kid}.{box[:-1]}{each}" for each in last if each != box[-1]),
        f"{version}.{kid}.{box.replace('-', '+').replace('_', '/')}=",
        f"0{version}.{kid}.{box}",
        f"v{version}.{kid}.{box}",
        f"{version}..{box}",
        f"{version}.{kid}",
        f"{version}.{kid}.",
        f"2.{kid}.{box}",
        f"{version}.{kid}.{box}.{box}",
        box,
        ".",
        "..",
        "x" * (MAX_SEALED + 1),
    ]
    assert_refused(grant_type, parameter, others)


def test_parts_of_two_codes_do_not_make_a_third():
    """Security J30."""
    one, two = CODE.split("."), a_code(SERVER).split(".")
    halves = (
        f"1.{one[1]}.{one[2][:cut]}{two[2][cut:]}" for cut in (1, 16, 17, 100, len(one[2]) - 22)
    )
    assert_refused("authorization_code", "code", halves)


def test_one_purpose_is_not_another():
    """Security J31: not even with the access token that came with it."""
    access_token = str(redeem(SERVER).access_token)
    assert_refused("authorization_code", "code", [REFRESH_TOKEN, access_token])
    assert_refused("refresh_token", "refresh_token", [CODE, access_token])


@pytest.mark.parametrize(
    "issuer", ["https://other.example", "https://issuer.example/tenant", "https://issuer.exampl"]
)
def test_one_issuer_is_not_another(issuer):
    """Security J32: the same keys, another name."""
    other = a_server(url=issuer)
    assert told(redeem(other, CODE)) == told(redeem(SERVER, "x"))
    assert told(refresh(other, REFRESH_TOKEN)) == told(refresh(SERVER, "x"))
    assert redeem(SERVER, CODE).status == refresh(SERVER, REFRESH_TOKEN).status == 200


def test_one_key_is_not_another_of_the_same_name():
    """Security J34: the key that is named is tried, and no other."""
    named = RING.sealing_keys[0]
    forged = SealingKey(
        kid=named.kid, secret=bytes(32), activates_at=NOW - 10, published_at=NOW - 10
    )
    theirs = a_server(ring=KeyRing(RING.signing_keys, (forged,)))
    assert redeem(theirs).status == 200
    assert redeem(SERVER, a_code(theirs)).error == "invalid_grant"
    both = a_server(ring=KeyRing(RING.signing_keys, (SealingKey.generate(
        activates_at=NOW - 10, published_at=NOW - 10), named)))  # fmt: skip
    version, _, box = CODE.split(".")
    other_kid = both.ring.sealing_keys[0].kid
    assert redeem(both, CODE).status == 200
    assert redeem(both, f"{version}.{other_kid}.{box}").error == "invalid_grant"


def test_a_key_that_has_expired_opens_nothing():
    """Security J34."""
    held = RING.sealing_keys[0]
    ended = replace(held, retires_at=NOW + 5, expires_at=NOW + 10)
    later = SealingKey.generate(activates_at=NOW + 5, published_at=NOW)
    server = a_server(ring=KeyRing(RING.signing_keys, (ended, later)))
    assert redeem(server, CODE, now=NOW + 9).status == 200
    assert redeem(server, CODE, now=NOW + 10).error == "invalid_grant"


def test_the_length_of_a_code_does_not_tell_the_name_in_it():
    """Security J35: lengths come in steps."""
    names = [f"user{'x' * more}" for more in range(64)]
    server = a_server(users=tuple(a_user(name) for name in names))
    assert len({len(a_code(server, username=name)) for name in names}) <= 2


def test_no_two_sealed_values_are_equal():
    """Security J33: nor do they begin alike after the name of their key."""
    boxes = [a_code(SERVER).split(".")[2][:16] for _ in range(200)]
    assert len(set(boxes)) == 200


def test_nothing_of_a_grant_can_be_read_in_its_code():
    """Security J36: sealed, not merely signed."""
    for sealed in (CODE, REFRESH_TOKEN):
        assert not any(word in sealed for word in ("alice", "web", "read", "YWxpY2"))


def test_a_ring_without_a_current_key_is_a_fault_of_ours():
    """A client must not throw its grant away for that: 503, not invalid_grant."""
    held = RING.signing_keys[0]
    ended = replace(held, retires_at=NOW + 5, expires_at=NOW + 1000)
    server = a_server(a_client(), ring=KeyRing((ended,), RING.sealing_keys))
    assert ask(server, a_request(now=NOW + 4)).status == 200
    later = ask(server, a_request(now=NOW + 1000))
    assert (later.status, later.error) == (503, "temporarily_unavailable")
    assert later.headers["Retry-After"].isdecimal()
