"""Sealed values: section 2.2 of the security rules, J30 to J36, and the format itself."""

import ast
import hmac
import os
import subprocess
import sys
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import ClassVar

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from hypothesis import given
from hypothesis import strategies as st

import keys.sealing
from keys.encoding import from_base64url, to_base64url
from keys.ring import KeyRing
from keys.sealing import MAX_SEALED, Sealer, SealingKey, Unsealable

NOW = 1_800_000_000
ISSUER = "https://issuer.example"


class Scope(frozenset[str]):
    """A set with a type of its own."""


NOTHING = Scope()


class Method(StrEnum):
    PASSWORD = "pwd"


@dataclass(frozen=True, slots=True)
class Binding:
    jkt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationCode:
    PURPOSE: ClassVar[str] = "authorization_code"
    id: str
    client_id: str
    scope: Scope = NOTHING
    resources: tuple[str, ...] = ()
    redirect_uri: str | None = None
    roles: frozenset[str] | None = None
    claims: tuple[tuple[str, str], ...] = ()
    method: Method | None = None
    binding: Binding | None = None
    active: bool = True
    expires_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshToken:
    PURPOSE: ClassVar[str] = "refresh_token"
    id: str
    client_id: str
    expires_at: int


RING = KeyRing.new("ES256", NOW)
SEALER = Sealer(RING, ISSUER)
CODE = AuthorizationCode(
    id="c1",
    client_id="billing",
    scope=Scope({"write", "read"}),
    resources=("https://api.example",),
    roles=frozenset({"b", "a"}),
    claims=(("sub", "alice"), ("name", "Älice")),
    method=Method.PASSWORD,
    binding=Binding("thumb"),
    expires_at=NOW + 60,
)
SEALED = SEALER.seal(CODE, now=NOW)


def detail(text: str, *, kind=AuthorizationCode, sealer=SEALER, now=NOW) -> str:
    """Why ``text`` is not opened; that the text from which it was made still opens, too."""
    with pytest.raises(Unsealable) as refused:
        sealer.open(kind, text, now=now)
    assert str(refused.value) == "The value is not valid here."
    assert SEALER.open(AuthorizationCode, SEALED, now=NOW) == CODE
    return refused.value.detail


def test_what_was_sealed_is_opened_with_the_types_it_had():
    opened = SEALER.open(AuthorizationCode, SEALED, now=NOW)
    assert opened == CODE
    assert type(opened.scope) is Scope
    assert type(opened.roles) is frozenset
    assert type(opened.method) is Method
    assert type(opened.binding) is Binding


def test_two_seals_of_one_value_differ():
    assert SEALER.seal(CODE, now=NOW) != SEALED


# --- the same text each time ---


def test_what_converges_is_the_same_text_each_time_and_opens():
    text = SEALER.seal(CODE, now=NOW, convergent=True)
    assert SEALER.seal(CODE, now=NOW + 1, convergent=True) == text
    assert Sealer(KeyRing.parse(RING.format()), ISSUER).seal(CODE, now=NOW, convergent=True) == text
    assert SEALER.open(AuthorizationCode, text, now=NOW) == CODE


def test_what_converges_is_the_same_text_whatever_the_seed_of_the_hashes():
    """The order in which a set comes out differs from process to process."""
    program = (
        "import sys; from tests.keys.test_sealing import *;"
        "ring = KeyRing.parse(sys.stdin.read());"
        "scope = Scope(f'scope-{n}' for n in range(9));"
        "code = replace(CODE, scope=scope, roles=frozenset('gfedcba'));"
        "print(Sealer(ring, ISSUER).seal(code, now=NOW, convergent=True))"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", program],
            input=RING.format(),
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(texts) == 1


@pytest.mark.parametrize(
    ("value", "sealer"),
    [
        pytest.param(replace(CODE, id="c2"), SEALER, id="another id"),
        pytest.param(replace(CODE, expires_at=NOW + 61), SEALER, id="a second later"),
        pytest.param(CODE, Sealer(RING, f"{ISSUER}/b"), id="another issuer"),
        pytest.param(CODE, Sealer(KeyRing.new("ES256", NOW), ISSUER), id="another key"),
        pytest.param(
            RefreshToken(id="c1", client_id="billing", expires_at=NOW + 60),
            SEALER,
            id="another purpose",
        ),
    ],
)
def test_of_two_values_that_converge_no_nonce_is_the_same(value, sealer):
    """J33."""
    nonces = {
        from_base64url(text.rpartition(".")[2])[:12]
        for text in (
            SEALER.seal(CODE, now=NOW, convergent=True),
            sealer.seal(value, now=NOW, convergent=True),
            SEALED,
        )
    }
    assert len(nonces) == 3


# --- J30: malleability ---


@pytest.mark.parametrize("index", range(len(SEALED)))
def test_a_changed_character_is_refused(index):
    """J30, over the text: version, kid, nonce, ciphertext and tag."""
    for character in ("A", "_", ".", "=", "!"):
        if SEALED[index] != character:
            detail(SEALED[:index] + character + SEALED[index + 1 :])


def test_every_flipped_bit_is_refused():
    """J30, over the bytes beneath the text."""
    prefix, _, box = SEALED.rpartition(".")
    data = from_base64url(box)
    for index in range(len(data)):
        for bit in range(8):
            flipped = bytearray(data)
            flipped[index] ^= 1 << bit
            text = f"{prefix}.{to_base64url(bytes(flipped))}"
            assert detail(text) == "not authentic, or sealed for another purpose"


def test_every_truncation_and_every_extension_is_refused():
    """J30."""
    for length in range(len(SEALED)):
        detail(SEALED[:length])
    for more in ("A", "AAAA", "=", "==", "!", "\n", " ", ".", ".AAAA"):
        detail(SEALED + more)
        detail(more + SEALED)


def test_parts_of_two_values_do_not_fit_together():
    """J30: the nonce of one, the ciphertext or the tag of the other."""
    prefix, _, one = SEALED.rpartition(".")
    other = from_base64url(SEALER.seal(CODE, now=NOW).rpartition(".")[2])
    mine = from_base64url(one)
    for mixed in (mine[:12] + other[12:], other[:12] + mine[12:], mine[:-16] + other[-16:]):
        detail(f"{prefix}.{to_base64url(mixed)}")


@given(st.text(max_size=80))
def test_no_text_makes_open_fail_in_another_way(text):
    detail(text)


@given(st.text(alphabet="ABab01-_.", max_size=80))
def test_no_text_of_the_right_characters_does_either(text):
    detail(f"1.{RING.sealing_keys[0].kid}.{text}")


def test_a_text_beyond_the_cap_is_refused_before_any_work():
    assert detail("1." + "A" * MAX_SEALED) == "too long"


def test_a_value_that_could_not_be_opened_again_is_not_sealed():
    with pytest.raises(ValueError, match="too long"):
        SEALER.seal(replace(CODE, redirect_uri="x" * MAX_SEALED), now=NOW)


def test_a_version_that_is_not_known_here_is_refused():
    assert detail("2" + SEALED[1:]) == "of no version known here"


# --- J31, J32, J34: what a value is bound to ---


def test_a_value_opens_for_its_own_purpose_only():
    """J31."""
    refresh_token = RefreshToken(id="r1", client_id="billing", expires_at=NOW + 60)
    sealed = SEALER.seal(refresh_token, now=NOW)
    assert detail(sealed) == "not authentic, or sealed for another purpose"
    assert detail(SEALED, kind=RefreshToken) == "not authentic, or sealed for another purpose"
    assert SEALER.open(RefreshToken, sealed, now=NOW) == refresh_token


def test_key_and_associated_data_both_know_the_purpose():
    """J31: either of them alone would do."""
    code, token = (
        SEALER._purpose(RING.sealing_keys[0], kind.PURPOSE)
        for kind in (AuthorizationCode, RefreshToken)
    )
    assert code.associated_data != token.associated_data
    nonce = bytes(12)
    assert code.cipher.encrypt(nonce, b"", b"") != token.cipher.encrypt(nonce, b"", b"")


@pytest.mark.parametrize("issuer", ["https://other.example", ISSUER + "/", ISSUER + '","'])
def test_a_value_opens_at_its_own_issuer_only(issuer):
    """J32."""
    other = Sealer(RING, issuer)
    assert "not authentic" in detail(SEALED, sealer=other)
    assert other.open(AuthorizationCode, other.seal(CODE, now=NOW), now=NOW) == CODE


def test_another_replica_with_the_same_ring_opens_it():
    replica = Sealer(KeyRing.parse(RING.format()), ISSUER)
    assert replica.open(AuthorizationCode, SEALED, now=NOW) == CODE


class OneKey:
    """A ring of one key that counts how often it is asked for."""

    def __init__(self, key: SealingKey) -> None:
        self.key = key
        self.asked = 0

    def sealing_key(self, now: int, *, issued_at: int | None = None) -> SealingKey:
        return self.key

    def sealing_key_by_id(self, kid: str) -> SealingKey | None:
        self.asked += 1
        return self.key if kid == self.key.kid else None


def test_exactly_one_key_is_tried():
    """J34: the kid of one key over what another one sealed."""
    first, second = (SealingKey.generate(activates_at=NOW) for _ in range(2))
    sealed = Sealer(OneKey(replace(second, kid=first.kid)), ISSUER).seal(CODE, now=NOW)
    ring = KeyRing((), (first, second))
    assert "not authentic" in detail(sealed, sealer=Sealer(ring, ISSUER))
    keys = OneKey(second)
    assert "unknown" in detail(sealed, sealer=Sealer(keys, ISSUER))
    assert keys.asked == 1


def test_a_foreign_kid_is_refused():
    """J9, for sealed values."""
    box = SEALED.rpartition(".")[2]
    for kid in ("", "../../etc/passwd", "x' OR 1=1--", "\x00", "é"):
        assert "unknown" in detail(f"1.{kid}.{box}")


# --- time ---


@pytest.mark.parametrize(("late", "accepted"), [(-1, True), (0, False), (1, False)])
def test_open_enforces_the_expiry_that_is_inside(late, accepted):
    now = CODE.expires_at + late
    if accepted:
        assert SEALER.open(AuthorizationCode, SEALED, now=now) == CODE
    else:
        assert detail(SEALED, now=now) == "expired"


def test_values_open_before_during_and_after_a_rotation():
    lifetimes = {"longest_token_lifetime": 600, "longest_sealed_lifetime": 3600}
    sealer = Sealer(RING.rotate(NOW, **lifetimes, lead=400), ISSUER)
    code = replace(CODE, expires_at=NOW + 9000)
    old, new = sealer.seal(code, now=NOW + 399), sealer.seal(code, now=NOW + 400)
    assert old.split(".")[1] != new.split(".")[1]
    assert sealer.open(AuthorizationCode, old, now=NOW + 400) == code
    # A replica whose clock is behind meets a key that is next for it.
    assert sealer.open(AuthorizationCode, new, now=NOW + 399) == code
    gone = NOW + 400 + 3600 + 300
    assert sealer.open(AuthorizationCode, old, now=gone - 1) == code
    assert detail(old, sealer=sealer, now=gone) == "its key is unknown or has expired"
    assert sealer.open(AuthorizationCode, new, now=gone) == code


# --- J33, J35, J36 ---


def test_nonces_of_forked_workers_are_all_different():
    """J33."""
    program = (
        "import os\n"
        "from tests.keys.test_sealing import CODE, NOW, SEALER\n"
        "for _ in range(3): os.fork() and os.wait()\n"
        "texts = [SEALER.seal(CODE, now=NOW) for _ in range(1000)]\n"
        "os.write(1, ''.join(t.split('.')[2][:16] + '\\n' for t in texts).encode())\n"
    )
    made = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        check=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    nonces = made.stdout.split()
    assert len(nonces) == 8000
    assert len(set(nonces)) == 8000


def test_the_length_of_a_value_does_not_tell_the_length_of_a_name():
    """J35."""
    lengths = {len(SEALER.seal(replace(CODE, client_id="x" * n), now=NOW)) for n in range(64)}
    assert len(lengths) == 2


def test_nothing_is_compressed():
    """J36."""
    tree = ast.parse(Path(keys.sealing.__file__).read_text())
    imported = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert not imported & {"zlib", "gzip", "bz2", "lzma"}
    same, random = (
        replace(CODE, redirect_uri="a" * 500),
        replace(CODE, redirect_uri=os.urandom(250).hex()),
    )
    assert len(SEALER.seal(same, now=NOW)) == len(SEALER.seal(random, now=NOW))


def test_a_value_shows_nothing_in_clear():
    assert "billing" not in SEALED
    assert b"billing" not in from_base64url(SEALED.rpartition(".")[2])


# --- two versions side by side (F31) ---


@dataclass(frozen=True, slots=True, kw_only=True)
class NewerCode:
    PURPOSE: ClassVar[str] = "authorization_code"
    id: str
    client_id: str
    nonce: str = "none"
    tags: list[str] = field(default_factory=list)
    expires_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DemandingCode:
    PURPOSE: ClassVar[str] = "authorization_code"
    id: str
    nonce: str
    expires_at: int


def test_an_older_reader_ignores_what_a_newer_writer_added():
    newer = NewerCode(id="c1", client_id="billing", nonce="n", expires_at=NOW + 60)
    opened = SEALER.open(AuthorizationCode, SEALER.seal(newer, now=NOW), now=NOW)
    assert opened == AuthorizationCode(id="c1", client_id="billing", expires_at=NOW + 60)


def test_a_newer_reader_takes_its_default_for_what_an_older_writer_left_out():
    opened = SEALER.open(NewerCode, SEALED, now=NOW)
    assert opened == NewerCode(id="c1", client_id="billing", expires_at=NOW + 60)


def test_a_reader_that_misses_a_required_member_refuses():
    assert "version" in detail(SEALED, kind=DemandingCode)


def test_a_member_that_cannot_become_its_type_is_refused():
    @dataclass(frozen=True, slots=True)
    class Odd:
        PURPOSE: ClassVar[str] = "authorization_code"
        expires_at: int
        method: str

    assert "version" in detail(SEALER.seal(Odd(NOW + 60, "x"), now=NOW))


def test_a_field_that_is_no_json_is_a_mistake_of_the_programmer():
    with pytest.raises(TypeError, match="object"):
        SEALER.seal(replace(CODE, redirect_uri=object()), now=NOW)


def test_a_value_of_a_single_field_is_sealed_too():
    @dataclass(frozen=True, slots=True)
    class Notice:
        PURPOSE: ClassVar[str] = "notice"
        expires_at: int

    sealed = SEALER.seal(Notice(NOW + 1), now=NOW)
    assert SEALER.open(Notice, sealed, now=NOW) == Notice(NOW + 1)


# --- vectors ---


@pytest.mark.parametrize(
    ("plain", "associated_data", "result"),
    [
        ("", "", "07f5f4169bbf55a8400cd47ea6fd400f"),
        ("0100000000000000", "", "c2ef328e5c71c83b843122130f7364b761e0b97427e3df28"),
        (
            "010000000000000000000000",
            "",
            "9aab2aeb3faa0a34aea8e2b18ca50da9ae6559e48fd10f6e5c9ca17e",
        ),
        (
            "01000000000000000000000000000000",
            "",
            "85a01b63025ba19b7fd3ddfc033b3e76c9eac6fa700942702e90862383c6c366",
        ),
        (
            "0100000000000000000000000000000002000000000000000000000000000000",
            "",
            "4a6a9db4c8c6549201b9edb53006cba821ec9cf850948a7c86c68ac7539d027f"
            "e819e63abcd020b006a976397632eb5d",
        ),
        ("0200000000000000", "01", "1de22967237a813291213f267e3b452f02d01ae33e4ec854"),
    ],
)
def test_the_cipher_gives_the_results_of_rfc_8452_appendix_c_2(plain, associated_data, result):
    cipher = AESGCMSIV(bytes([1, *bytes(31)]))
    sealed = cipher.encrypt(
        bytes([3, *bytes(11)]), bytes.fromhex(plain), bytes.fromhex(associated_data)
    )
    assert sealed.hex() == result


def test_the_format_does_not_change_by_accident():
    """Our own vector: where it fails, an upgrade would make every sealed value unreadable."""
    key = SealingKey(kid="k1", secret=bytes(range(32)), activates_at=0)
    value = RefreshToken(id="r1", client_id="billing", expires_at=NOW)
    sealer = Sealer(OneKey(key), ISSUER)
    text = sealer._seal(value, key, bytes(12))
    assert text == (
        "1.k1.AAAAAAAAAAAAAAAA5rzZ0tI1hgTQOpsWhT8nYKtnjKhSzcaoof_yo4QjOmGTSjbuzs9H7ug2Pf7NCddw"
        "xLXJ24gWuWzhBU2lqgnuSVohZJ3Ouuaxq0EcYb6fqgQ"
    )
    assert sealer.open(RefreshToken, text, now=0) == value


def test_the_vector_is_what_the_format_says():
    """The same text from HMAC (RFC 5869 section 2.3) and the cipher, with nothing of ours."""
    key = SealingKey(kid="k1", secret=bytes(range(32)), activates_at=0)
    value = RefreshToken(id="r1", client_id="billing", expires_at=NOW)
    derived = hmac.digest(key.secret, b"issuer/sealed/v1/refresh_token\x01", "sha256")
    associated_data = b'["1", "k1", "refresh_token", "https://issuer.example"]'
    plain = b'{"id":"r1","client_id":"billing","expires_at":1800000000}'.ljust(64)
    box = AESGCMSIV(derived).encrypt(bytes(12), plain, associated_data)
    text = f"1.k1.{to_base64url(bytes(12) + box)}"
    assert Sealer(OneKey(key), ISSUER)._seal(value, key, bytes(12)) == text


def test_the_nonce_of_what_converges_is_what_the_format_says():
    """Two versions that run side by side make the same text."""
    key = SealingKey(kid="k1", secret=bytes(range(32)), activates_at=0)
    value = RefreshToken(id="r1", client_id="billing", expires_at=NOW)
    nonce_key = hmac.digest(key.secret, b"issuer/sealing_nonce/v1/refresh_token\x01", "sha256")
    associated_data = b'["1", "k1", "refresh_token", "https://issuer.example"]'
    plain = b'{"id":"r1","client_id":"billing","expires_at":1800000000}'.ljust(64)
    nonce = hmac.digest(nonce_key, associated_data + b"\0" + plain, "sha256")[:12]
    sealer = Sealer(OneKey(key), ISSUER)
    text = sealer.seal(value, now=0, convergent=True)
    assert text == sealer._seal(value, key, nonce)
    assert text.startswith("1.k1.")


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_sealing_key_has_32_bytes(length):
    with pytest.raises(ValueError, match="32 bytes"):
        SealingKey(kid="k1", secret=bytes(length), activates_at=0)
