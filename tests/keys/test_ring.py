"""The key ring: what it says at a given second, how it is written, and what it refuses."""

import json
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from keys import jws
from keys.algorithms import ALGORITHMS, thumbprint
from keys.ring import JWKS_MAX_AGE, InvalidKeyRing, KeyRing, NoCurrentKey, read, write
from keys.timetable import State

SAVE_IT = "save it as UTF-8 (in PowerShell: Set-Content -Encoding utf8)"
NOW = 1_800_000_000
DAY = 86400
LIFETIMES = {"longest_token_lifetime": 600, "longest_sealed_lifetime": 30 * DAY}


@pytest.fixture(scope="module")
def ring() -> KeyRing:
    return KeyRing.new("ES256", NOW)


def changed(ring: KeyRing, change) -> str:
    """The text of ``ring`` after ``change`` was made to the document."""
    document = json.loads(ring.format())
    change(document)
    return json.dumps(document)


def problems_of(text) -> tuple[str, ...]:
    with pytest.raises(InvalidKeyRing) as refused:
        KeyRing.parse(text)
    return refused.value.problems


# --- what it says ---


def test_a_new_ring_can_sign_and_seal_at_once(ring):
    assert ring.signing_key(NOW).alg == "ES256"
    assert ring.sealing_key(NOW) is ring.sealing_key_by_id(ring.sealing_keys[0].kid)
    assert ring.problems(NOW, **LIFETIMES) == []


def test_a_ring_without_a_current_key_says_so(ring):
    with pytest.raises(NoCurrentKey):
        ring.signing_key(NOW - 1)
    with pytest.raises(NoCurrentKey):
        ring.sealing_key(NOW - 1)


def test_an_unknown_sealing_key_is_none(ring):
    assert ring.sealing_key_by_id("../../etc/passwd") is None


def test_the_published_keys_have_no_secret_member(ring):
    (jwk,) = ring.jwks(NOW)["keys"]
    assert jwk.keys() == {"kty", "crv", "x", "y", "use", "alg", "kid"}
    assert jwk["kid"] == thumbprint(jwk)


def test_the_representation_of_a_ring_shows_no_key(ring):
    assert ring.signing_keys[0].private_jwk["d"] not in repr(ring)
    assert "secret" not in repr(ring)


# --- rotation ---


def test_a_successor_is_published_first_used_later_and_every_replica_switches_in_one_second(ring):
    rotated = ring.rotate(NOW, **LIFETIMES, lead=400)
    new, old = rotated.signing_keys
    assert {key["kid"] for key in rotated.jwks(NOW)["keys"]} == {old.kid, new.kid}
    assert rotated.signing_key(NOW + 399) is old
    assert rotated.signing_key(NOW + 400) is new
    assert rotated.sealing_key(NOW + 399) is rotated.sealing_keys[1]
    assert rotated.sealing_key(NOW + 400) is rotated.sealing_keys[0]


def test_what_was_granted_before_a_rotation_is_made_with_the_old_keys_after_it(ring):
    """A code is redeemed again on the other side of it."""
    rotated = ring.rotate(NOW, **LIFETIMES, lead=400, alg="EdDSA").add("RS256", NOW - 1, lead=None)
    new, old, _ = rotated.signing_keys
    newer, older = rotated.sealing_keys
    for now in (NOW + 399, NOW + 400, NOW + 459):
        assert rotated.signing_key(now, issued_at=NOW + 399) is old
        assert rotated.sealing_key(now, issued_at=NOW + 399) is older
        assert rotated.signing_key(now, issued_at=NOW + 400) is new
        assert rotated.sealing_key(now, issued_at=NOW + 400) is newer
    assert rotated.signing_key(NOW + 400, "ES256", issued_at=NOW + 399) is old
    assert rotated.signing_key(NOW + 400, "RS256", issued_at=NOW + 399).alg == "RS256"
    with pytest.raises(NoCurrentKey):
        rotated.signing_key(NOW + 400, "ES256", issued_at=NOW + 400)


def test_what_the_old_key_signs_after_a_rotation_ends_before_it_is_published_no_more(ring):
    """The token's time began when its code was issued: no margin is used up."""
    rotated = ring.rotate(NOW, **LIFETIMES, lead=400)
    issued_at, longest = NOW + 399, LIFETIMES["longest_token_lifetime"]
    kid = rotated.signing_key(issued_at + 60, issued_at=issued_at).kid
    last = issued_at + longest + JWKS_MAX_AGE
    assert kid in rotated.verification_keys(last)
    assert kid not in rotated.verification_keys(last + 1)


def test_a_key_that_is_gone_or_has_expired_makes_nothing_for_whatever_was_granted_earlier(ring):
    """Somebody had it, and it was taken out by hand: nobody would accept what it makes."""
    (old,), (older,) = ring.signing_keys, ring.sealing_keys
    ends = {"retires_at": NOW + 20, "expires_at": NOW + 20}
    new = KeyRing.new("ES256", NOW + 20)
    kept = KeyRing(
        (*new.signing_keys, replace(old, **ends)), (*new.sealing_keys, replace(older, **ends))
    )
    for each in (new, kept):
        assert each.signing_key(NOW + 20, issued_at=NOW + 19) is new.signing_keys[0]
        assert each.sealing_key(NOW + 20, issued_at=NOW + 19) is new.sealing_keys[0]
    assert kept.signing_key(NOW + 19, issued_at=NOW + 19).kid == old.kid
    with pytest.raises(NoCurrentKey):
        new.signing_key(NOW + 19, issued_at=NOW + 18)


def test_the_old_key_is_published_until_its_last_token_has_expired(ring):
    rotated = ring.rotate(NOW, **LIFETIMES, lead=400)
    old = rotated.signing_keys[1]
    gone = NOW + 400 + 600 + JWKS_MAX_AGE
    assert old.state(gone - 1) is State.RETIRED
    assert len(rotated.jwks(gone - 1)["keys"]) == 2
    assert len(rotated.jwks(gone)["keys"]) == 1


def test_rotating_again_drops_what_has_expired(ring):
    rotated = ring.rotate(NOW, **LIFETIMES)
    later = rotated.rotate(NOW + DAY, **LIFETIMES)
    assert len(later.signing_keys) == 2
    assert len(later.sealing_keys) == 3
    assert rotated.signing_keys[0].kid in {key.kid for key in later.signing_keys}


def test_rotating_can_change_the_algorithm(ring):
    rotated = ring.rotate(NOW, **LIFETIMES, alg="EdDSA")
    assert [key.alg for key in rotated.signing_keys] == ["EdDSA", "ES256"]


def test_ten_rotations_leave_no_gap(ring):
    now = NOW
    for _ in range(10):
        ring = ring.rotate(now, **LIFETIMES)
        for instant in range(now, now + 7 * DAY, 600):
            assert ring.problems(instant, **LIFETIMES) == []
        now += 7 * DAY


def test_a_rotation_that_caches_would_miss_is_refused(ring):
    with pytest.raises(ValueError, match="before it is used"):
        ring.rotate(NOW, **LIFETIMES, lead=JWKS_MAX_AGE)


def test_a_second_rotation_waits_for_the_first(ring):
    rotated = ring.rotate(NOW, **LIFETIMES, lead=400)
    with pytest.raises(ValueError, match="already waiting"):
        rotated.rotate(NOW + 399, **LIFETIMES)
    assert len(rotated.rotate(NOW + 400, **LIFETIMES).signing_keys) == 3


def test_the_latest_activated_of_several_current_keys_is_used():
    first, second = KeyRing.new("ES256", NOW), KeyRing.new("ES256", NOW + 10)
    for keys in (
        first.signing_keys + second.signing_keys,
        second.signing_keys + first.signing_keys,
    ):
        both = KeyRing(keys, first.sealing_keys)
        assert both.signing_key(NOW + 9) is first.signing_keys[0]
        assert both.signing_key(NOW + 10) is second.signing_keys[0]


def test_caches_end_no_later_than_a_published_key(ring):
    rotated = ring.rotate(NOW, **LIFETIMES, lead=400)
    gone = NOW + 400 + 600 + JWKS_MAX_AGE
    assert ring.max_age(NOW) == JWKS_MAX_AGE
    assert rotated.max_age(gone - JWKS_MAX_AGE - 1) == JWKS_MAX_AGE
    assert rotated.max_age(gone - 5) == 5
    assert rotated.max_age(gone) == JWKS_MAX_AGE


# --- several algorithms ---


@pytest.fixture(scope="module")
def both() -> KeyRing:
    return KeyRing.new("ES256", NOW, "RS256", "ES256")


def test_each_algorithm_has_its_key_and_the_first_is_preferred(both):
    assert both.algs(NOW) == ("ES256", "RS256")
    assert both.signing_key(NOW).alg == "ES256"
    assert both.signing_key(NOW, "RS256").alg == "RS256"
    with pytest.raises(NoCurrentKey):
        both.signing_key(NOW, "EdDSA")
    assert both.problems(NOW, **LIFETIMES) == []


def test_rotating_succeeds_the_key_of_each_algorithm(both):
    rotated = both.rotate(NOW, **LIFETIMES, lead=400)
    assert [key.alg for key in rotated.signing_keys] == ["ES256", "RS256", "ES256", "RS256"]
    for alg in ("ES256", "RS256"):
        new, old = [key for key in rotated.signing_keys if key.alg == alg]
        assert rotated.signing_key(NOW + 399, alg) is old
        assert rotated.signing_key(NOW + 400, alg) is new
    assert rotated.signing_key(NOW + 399).alg == rotated.signing_key(NOW + 400).alg == "ES256"
    assert rotated.problems(NOW, **LIFETIMES) == []


def test_the_preferred_algorithm_can_be_changed_and_the_others_stay(both):
    rotated = both.rotate(NOW, **LIFETIMES, lead=400, alg="EdDSA")
    assert rotated.signing_key(NOW + 399).alg == "ES256"
    assert rotated.signing_key(NOW + 400).alg == "EdDSA"
    assert rotated.algs(NOW + 400) == ("EdDSA", "RS256")
    assert rotated.gap("ES256", NOW) == "from 2027-01-15T08:06:40Z on"
    assert rotated.gap("RS256", NOW) is None


def test_an_algorithm_that_is_there_already_can_take_over(both):
    rotated = both.rotate(NOW, **LIFETIMES, lead=400, alg="RS256")
    assert [key.alg for key in rotated.signing_keys] == ["RS256", "ES256", "RS256"]
    assert rotated.algs(NOW + 400) == ("RS256",)


def test_an_algorithm_that_is_added_is_published_first_and_preferred_last(ring):
    added = ring.add("RS256", NOW, lead=400)
    assert {key["alg"] for key in added.jwks(NOW)["keys"]} == {"ES256", "RS256"}
    assert (added.gap("RS256", NOW), added.gap("RS256", NOW + 400)) == ("now", None)
    assert added.algs(NOW + 399) == ("ES256",)
    assert added.algs(NOW + 400) == ("ES256", "RS256")
    assert added.problems(NOW, **LIFETIMES) == []


def test_an_algorithm_that_caches_would_miss_is_not_added(ring):
    with pytest.raises(ValueError, match="before it is used"):
        ring.add("RS256", NOW, lead=JWKS_MAX_AGE)


def test_an_algorithm_is_added_at_once_where_there_are_no_caches(ring):
    added = ring.add("RS256", NOW + 10, lead=None)
    assert added.algs(NOW + 10) == ("ES256", "RS256")
    assert added.problems(NOW + 10, **LIFETIMES) == []


def test_an_algorithm_is_added_once_or_after_it_has_retired(both):
    with pytest.raises(ValueError, match="there is a key for RS256"):
        both.add("RS256", NOW)
    rotated = both.rotate(NOW, **LIFETIMES, lead=400, alg="EdDSA")
    assert rotated.add("ES256", NOW + 400).signing_keys[-1].alg == "ES256"


def test_whoever_verifies_has_the_published_keys(both):
    rotated = both.rotate(NOW, **LIFETIMES, lead=400)
    gone = NOW + 400 + 600 + JWKS_MAX_AGE
    for now, number in ((NOW, 4), (gone - 1, 4), (gone, 2)):
        published = rotated.verification_keys(now)
        assert published.keys() == {key["kid"] for key in rotated.jwks(now)["keys"]}
        assert len(published) == number
    token = rotated.signing_key(NOW, "RS256").sign("JWT", {})
    unverified = jws.parse(token)
    assert unverified.verify(rotated.verification_keys(NOW)[unverified.header.kid]) == {}


# --- what will go wrong ---


def test_a_gap_is_found_before_it_comes(ring):
    rotated = ring.rotate(NOW, **LIFETIMES, lead=400)
    gap = KeyRing(rotated.signing_keys[1:], rotated.sealing_keys[1:])
    assert gap.problems(NOW, **LIFETIMES) == [
        "signing_keys: no key is current from 2027-01-15T08:06:40Z on",
        "sealing_keys: no key is current from 2027-01-15T08:06:40Z on",
    ]
    assert gap.problems(NOW + 400, **LIFETIMES)[0] == "signing_keys: no key is current now"


def test_an_empty_ring_has_no_current_key():
    assert KeyRing((), ()).problems(NOW, **LIFETIMES) == [
        "signing_keys: no key is current now",
        "sealing_keys: no key is current now",
    ]


def test_a_key_that_dies_before_its_last_token_is_found(ring):
    rotated = ring.rotate(NOW, **LIFETIMES)
    assert rotated.problems(NOW, longest_token_lifetime=3600, longest_sealed_lifetime=31 * DAY) == [
        "signing_keys[1].expires_at: must be at least 3600 s after retires_at, "
        "or what the key made last outlives it",
        "sealing_keys[1].expires_at: must be at least 2678400 s after retires_at, "
        "or what the key made last outlives it",
    ]
    assert (
        rotated.problems(NOW + 90 * DAY, longest_token_lifetime=9**9, longest_sealed_lifetime=9**9)
        == []
    )


def test_a_successor_that_comes_before_caches_have_run_out_is_found(ring):
    def hurry(document):
        document["signing_keys"][0]["activates_at"] = "2027-01-15T08:01:00Z"

    rushed = KeyRing.parse(changed(ring.rotate(NOW, **LIFETIMES), hurry))
    (problem,) = rushed.problems(NOW, **LIFETIMES)
    assert problem.startswith("signing_keys[0].activates_at: must be at least 360 s")
    assert rushed.problems(NOW + 360, **LIFETIMES) == []


# --- the file ---


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_what_is_written_is_read_again(alg):
    ring = KeyRing.new(alg, NOW).rotate(NOW, **LIFETIMES)
    again = KeyRing.parse(ring.format())
    assert again == ring
    assert again.format() == ring.format()
    token = again.signing_key(NOW).sign("at+jwt", {})
    assert token.startswith(ring.signing_key(NOW).sign("at+jwt", {}).rpartition(".")[0])


def test_rings_that_differ_have_different_digests(ring):
    again = KeyRing.parse(json.dumps(json.loads(ring.format())))
    assert again.digest == ring.digest
    assert ring.rotate(NOW, **LIFETIMES).digest != ring.digest


ALG = "must be one of ES256, RS256, PS256, EdDSA"
OTHER = "not a key for ES256: its kty or crv is another"
MEMBERS = "a key for ES256 has kty, crv, x, y, d, and all are strings"
THUMBPRINT = "must be the RFC 7638 thumbprint of the key"
INSTANT = "must be a UTC time like 2026-11-01T00:00:00Z"
SECRET = "must be 32 bytes in base64url"
SPELLING = "the numbers are not in their one spelling, or do not belong together"
SEALING_KID = "must be 1 to 32 of the characters A-Z a-z 0-9 - _"


def signing(document) -> dict:
    return document["signing_keys"][0]


def sealing(document) -> dict:
    return document["sealing_keys"][0]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        pytest.param(
            lambda d: d.pop("sealing_keys"),
            "sealing_keys: must be an array of keys",
            id="a list is missing",
        ),
        pytest.param(
            lambda d: d.update(signing_keys={}),
            "signing_keys: must be an array of keys",
            id="a list is an object",
        ),
        pytest.param(
            lambda d: d.update(signing_key=[]),
            "signing_key: unknown; did you mean signing_keys?",
            id="a misspelt list",
        ),
        pytest.param(lambda d: d.update(version=1), "version: unknown", id="an unknown member"),
        pytest.param(
            lambda d: signing(d).update(retire_at=1),
            "signing_keys[0].retire_at: unknown; did you mean retires_at?",
            id="a misspelt instant",
        ),
        pytest.param(
            lambda d: signing(d).update(use="sig"),
            "signing_keys[0].use: unknown",
            id="use in a signing key",
        ),
        pytest.param(
            lambda d: signing(d).update(alg="HS256"),
            f"signing_keys[0].alg: {ALG}",
            id="an alg that is not on offer",
        ),
        pytest.param(
            lambda d: signing(d).update(alg=["ES256"]),
            f"signing_keys[0].alg: {ALG}",
            id="a list of algs",
        ),
        pytest.param(
            lambda d: signing(d).update(crv="P-384"),
            f"signing_keys[0]: {OTHER}",
            id="the curve of another alg",
        ),
        pytest.param(
            lambda d: signing(d).update(kty="RSA"),
            f"signing_keys[0]: {OTHER}",
            id="the kty of another alg",
        ),
        pytest.param(
            lambda d: signing(d).pop("d"), f"signing_keys[0]: {MEMBERS}", id="no private number"
        ),
        pytest.param(
            lambda d: signing(d).update(d=7),
            f"signing_keys[0]: {MEMBERS}",
            id="a number as a number",
        ),
        pytest.param(
            lambda d: signing(d).update(d=signing(d)["x"]),
            "signing_keys[0]: the numbers are no key for ES256",
            id="the private number of another key",
        ),
        pytest.param(
            lambda d: signing(d).update(d=signing(d)["d"] + "="),
            f"signing_keys[0]: {SPELLING}",
            id="a padded number",
        ),
        pytest.param(
            lambda d: signing(d).update(kid="2026"),
            f"signing_keys[0].kid: {THUMBPRINT}",
            id="a kid of its own",
        ),
        pytest.param(
            lambda d: signing(d).pop("kid"), f"signing_keys[0].kid: {THUMBPRINT}", id="no kid"
        ),
        pytest.param(
            lambda d: signing(d).pop("activates_at"),
            "signing_keys[0].activates_at: missing",
            id="never activated",
        ),
        pytest.param(
            lambda d: signing(d).update(activates_at=NOW),
            f"signing_keys[0].activates_at: {INSTANT}",
            id="an instant in seconds",
        ),
        pytest.param(
            lambda d: signing(d).update(activates_at="2026-11-01T00:00:00+01:00"),
            f"signing_keys[0].activates_at: {INSTANT}",
            id="an instant with an offset",
        ),
        pytest.param(
            lambda d: signing(d).update(activates_at="2026-11-1T00:00:00Z"),
            f'signing_keys[0].activates_at: {INSTANT}; "2026-11-1T00:00:00Z" is no time: '
            "month and day have two digits each",
            id="an instant without a zero",
        ),
        pytest.param(
            lambda d: signing(d).update(expires_at="2030-01-01T00:00:00Z"),
            "signing_keys[0].expires_at: a key that expires retires first",
            id="expires and never retires",
        ),
        pytest.param(
            lambda d: signing(d).update(retires_at="2020-01-01T00:00:00Z"),
            "signing_keys[0].retires_at: a key retires after it activates",
            id="retires before it activates",
        ),
        pytest.param(
            lambda d: d["signing_keys"].append(5),
            f"signing_keys[1].alg: {ALG}",
            id="a number among the signing keys",
        ),
        pytest.param(
            lambda d: d["signing_keys"].append(signing(d)),
            "signing_keys[1].kid: an earlier key has the same",
            id="a key given twice",
        ),
        pytest.param(
            lambda d: d["sealing_keys"].append("x"),
            "sealing_keys[1]: must be an object",
            id="a string among the sealing keys",
        ),
        pytest.param(
            lambda d: sealing(d).update(kid="a.b"),
            f"sealing_keys[0].kid: {SEALING_KID}",
            id="a dot in a sealing kid",
        ),
        pytest.param(
            lambda d: sealing(d).update(kty="EC"),
            "sealing_keys[0].kty: must be oct",
            id="a sealing key of another type",
        ),
        pytest.param(
            lambda d: sealing(d).update(k="AAAA"),
            f"sealing_keys[0].k: {SECRET}",
            id="a short secret",
        ),
        pytest.param(
            lambda d: sealing(d).update(k=sealing(d)["k"] + "="),
            f"sealing_keys[0].k: {SECRET}",
            id="a padded secret",
        ),
        pytest.param(lambda d: sealing(d).pop("k"), f"sealing_keys[0].k: {SECRET}", id="no secret"),
    ],
)
def test_a_problem_is_named_with_its_place(ring, change, problem):
    assert f"keyring.json: {problem}" in problems_of(changed(ring, change))
    KeyRing.parse(ring.format())


def test_all_problems_are_named_at_once(ring):
    def ruin(document):
        signing(document).update(kid="x", activates_at="soon")
        sealing(document).update(k="short")

    assert len(problems_of(changed(ring, ruin))) == 3


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param(b"", "keyring.json: not JSON at line 1", id="empty"),
        pytest.param(
            b'{"signing_keys": [\n', "keyring.json: not JSON at line 2", id="half written"
        ),
        pytest.param(
            b"\xff{}", f"keyring.json: is not UTF-8, first at line 1: {SAVE_IT}", id="not UTF-8"
        ),
        pytest.param(
            "{}".encode("utf-16-be"),
            f"keyring.json: is UTF-16 (big-endian), not UTF-8: {SAVE_IT}",
            id="UTF-16",
        ),
        pytest.param(b"[" * 100_000, "keyring.json: not JSON that belongs here", id="a JSON bomb"),
        pytest.param(b"9" * 5000, "keyring.json: not JSON that belongs here", id="a long number"),
        pytest.param(b"[]", "keyring.json: must be an object", id="an array"),
        pytest.param(
            b'{"signing_keys": [], "signing_keys": []}',
            "keyring.json: signing_keys: named twice",
            id="a member twice",
        ),
    ],
)
def test_a_text_that_is_no_ring_is_refused(text, problem):
    """F24."""
    assert problem in problems_of(text)


def test_a_member_named_twice_in_a_key_is_refused(ring):
    text = ring.format().replace('"kty": "EC"', '"kty": "EC", "kty": "EC"')
    assert problems_of(text) == ("keyring.json: signing_keys[0].kty: named twice",)


def test_a_short_rsa_key_is_refused(ring):
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505
    jwk = ALGORITHMS["RS256"].to_jwk(short)
    entry = {**jwk, "alg": "RS256", "kid": thumbprint(jwk), "activates_at": "2026-11-01T00:00:00Z"}
    problems = problems_of(changed(ring, lambda d: d["signing_keys"].append(entry)))
    assert problems == ("keyring.json: signing_keys[1]: an RSA key has 2048 to 8192 bits",)


def test_a_key_of_another_algorithm_is_refused(ring):
    problems = problems_of(changed(ring, lambda d: signing(d).update(alg="EdDSA")))
    assert (
        "keyring.json: signing_keys[0]: not a key for EdDSA: its kty or crv is another" in problems
    )


def test_no_problem_repeats_key_material(ring):
    secrets = (signing(json.loads(ring.format()))["d"], sealing(json.loads(ring.format()))["k"])

    def misplace(document):
        signing(document)[secrets[0]] = 1
        signing(document)["kid"] = secrets[0]
        sealing(document)["kid"] = secrets[1] + "."
        sealing(document)[secrets[1]] = secrets[1]

    problems = "\n".join(problems_of(changed(ring, misplace)))
    assert "(a member): unknown" in problems
    assert not any(secret in problems for secret in secrets)


def test_a_ring_survives_the_disk(ring, tmp_path):
    path = tmp_path / "keyring.json"
    write(path, ring)
    assert KeyRing.parse(read(path), path.name) == ring
