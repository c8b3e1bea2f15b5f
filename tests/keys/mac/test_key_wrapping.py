"""The MAC key on its way to the resource server: mac.md section 3, and P28 of the rules."""

import hmac
import json
from base64 import urlsafe_b64decode
from secrets import token_urlsafe

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwe
from joserfc.jwk import ECKey, OctKey, OKPKey

from keys import private_file
from keys.encoding import from_base64url, to_base64url, to_json
from keys.errors import InvalidToken, KeysUnavailable
from keys.mac.key_wrapping import (
    REREAD_INTERVAL,
    DecryptionKeys,
    EncryptionKey,
    generate_key,
    public_jwk,
)

NOW = 1_800_000_000
JTI = "t1"
MAC_KEY = "bXk0c2VjcmV0LW1hYy1rZXktb2YtMzItYnl0ZXMtISE"
CURVES = ("X25519", "P-256")
PRIVATE = {crv: generate_key(crv) for crv in CURVES}
PUBLIC = {crv: public_jwk(jwk) for crv, jwk in PRIVATE.items()}
HELD = {crv: DecryptionKeys.from_jwks({"keys": [jwk]}) for crv, jwk in PRIVATE.items()}
PLAINTEXT = {"kty": "oct", "alg": "HS256", "kid": JTI, "k": to_base64url(MAC_KEY.encode())}
OTHERS = jwe.JWERegistry(
    algorithms=["ECDH-ES", "ECDH-ES+A128KW", "dir", "A256GCM", "A128GCM", "A128CBC-HS256", "DEF"],
    strict_check_header=False,
)


@pytest.fixture(params=CURVES)
def crv(request):
    return request.param


def wrapped(crv: str = "X25519", mac_key: str = MAC_KEY, jti: str = JTI) -> str:
    return EncryptionKey.from_jwk(PUBLIC[crv]).wrap(mac_key, jti)


def a_jwe(crv: str = "X25519", plaintext: object = PLAINTEXT, **header) -> str:
    """What another issuer might wrap to the key of ``crv``."""
    key = (OKPKey if crv == "X25519" else ECKey).import_key(PUBLIC[crv])
    usual = {"alg": "ECDH-ES", "enc": "A256GCM", "kid": PUBLIC[crv]["kid"], "cty": "jwk+json"}
    content = plaintext if isinstance(plaintext, bytes) else to_json(plaintext)
    return jwe.encrypt_compact(usual | header, content, key, registry=OTHERS)


def with_header(text: str, **changes) -> str:
    """``text`` under another header; what was encrypted for the old one does not open."""
    header, rest = text.split(".", 1)
    members = json.loads(from_base64url(header)) | changes
    kept = {name: value for name, value in members.items() if value is not None}
    return f"{to_base64url(to_json(kept))}.{rest}"


def refusal(text: str, crv: str = "X25519", jti: str = JTI) -> str:
    with pytest.raises(InvalidToken) as refused:
        HELD[crv].unwrap(text, jti, NOW)
    assert MAC_KEY not in refused.value.detail
    return refused.value.detail


def test_the_holder_of_the_private_key_gets_the_characters_of_the_mac_key(crv):
    assert HELD[crv].unwrap(wrapped(crv), JTI, NOW) == MAC_KEY.encode()


def test_another_library_opens_it(crv):
    """mac.md section 3: the header and the plaintext, member for member."""
    key = (OKPKey if crv == "X25519" else ECKey).import_key(PRIVATE[crv])
    opened = jwe.decrypt_compact(wrapped(crv), key)
    assert opened.protected.pop("epk").keys() == PUBLIC[crv].keys() - {"kid", "use", "alg"}
    assert opened.protected == {
        "alg": "ECDH-ES", "enc": "A256GCM", "kid": PRIVATE[crv]["kid"], "cty": "jwk+json",
    }  # fmt: skip
    members = json.loads(opened.plaintext)
    assert urlsafe_b64decode(members.pop("k") + "==").decode() == MAC_KEY
    assert members == {"kty": "oct", "alg": "HS256", "kid": JTI}


def test_what_another_library_wrapped_is_opened(crv):
    assert HELD[crv].unwrap(a_jwe(crv), JTI, NOW) == MAC_KEY.encode()


@given(st.binary(min_size=32, max_size=32), st.text(min_size=1, max_size=64))
def test_the_key_never_shows(secret, jti):
    """P28."""
    mac_key = to_base64url(secret)
    text = wrapped(mac_key=mac_key, jti=jti)
    parts = b" ".join(from_base64url(part) for part in text.split(".") if part)
    for spelling in (mac_key, to_base64url(mac_key.encode())):
        assert spelling not in text
        assert spelling.encode() not in parts
    assert secret not in parts
    assert HELD["X25519"].unwrap(text, jti, NOW) == mac_key.encode()


def test_no_two_wrappings_are_alike(crv):
    assert wrapped(crv) != wrapped(crv)


SECRET = bytes(range(32))


def test_with_one_secret_a_wrapping_is_the_same_text_each_time(crv):
    text = EncryptionKey.from_jwk(PUBLIC[crv]).wrap(MAC_KEY, JTI, SECRET)
    assert EncryptionKey.from_jwk(PUBLIC[crv]).wrap(MAC_KEY, JTI, SECRET) == text
    assert HELD[crv].unwrap(text, JTI, NOW) == MAC_KEY.encode()


@pytest.mark.parametrize(
    ("jwk", "arguments"),
    [
        pytest.param({}, (MAC_KEY, JTI, bytes(32)), id="another secret"),
        pytest.param({}, (MAC_KEY[::-1], JTI, SECRET), id="another MAC key"),
        pytest.param({}, (MAC_KEY, "t2", SECRET), id="another token"),
        pytest.param({"kid": "k2"}, (MAC_KEY, JTI, SECRET), id="another name"),
        pytest.param("another", (MAC_KEY, JTI, SECRET), id="another key of this name"),
    ],
)
def test_two_messages_under_one_secret_have_neither_key_nor_nonce_in_common(crv, jwk, arguments):
    """With one of each for both, AES-GCM would show what they differ in, and sign for anybody."""
    if jwk == "another":
        jwk = public_jwk(generate_key(crv)) | {"kid": PUBLIC[crv]["kid"]}
    texts = [
        EncryptionKey.from_jwk(PUBLIC[crv]).wrap(MAC_KEY, JTI, SECRET),
        EncryptionKey.from_jwk(PUBLIC[crv] | jwk).wrap(*arguments),
    ]
    ephemeral, nonces = [], set()
    for header, _, nonce, _, _ in (each.split(".") for each in texts):
        ephemeral.append(json.loads(from_base64url(header))["epk"]["x"])
        nonces.add(nonce)
    assert len(set(ephemeral)) == len(nonces) == 2


def test_what_follows_from_a_secret_does_not_change_by_accident():
    """Two versions that run side by side make the same text of a code."""
    jwk = {"kty": "OKP", "crv": "X25519", "x": PUBLIC["X25519"]["x"], "kid": "k1"}
    text = EncryptionKey.from_jwk(jwk).wrap(MAC_KEY, JTI, SECRET)
    header, _, nonce, *_ = text.split(".")
    public = {"kty": "OKP", "crv": "X25519", "x": jwk["x"]}
    plaintext = to_json(PLAINTEXT).decode()
    protected = {"alg": "ECDH-ES", "enc": "A256GCM", "kid": "k1", "cty": "jwk+json"}
    message = to_json([public, protected, plaintext])
    private, iv = (
        hmac.digest(SECRET, f"keys/mac/v1/{label}\0".encode() + message, "sha512")
        for label in ("epk", "iv")
    )
    x = X25519PrivateKey.from_private_bytes(private[:32]).public_key().public_bytes_raw()
    assert json.loads(from_base64url(header))["epk"]["x"] == to_base64url(x)
    assert from_base64url(nonce) == iv[:12]


def test_the_key_of_another_token_is_refused(crv):
    assert refusal(wrapped(crv, jti="t2"), crv) == "cnf.jwe: the key of another token"


@pytest.mark.parametrize(
    "header",
    [
        pytest.param({"alg": "ECDH-ES+A128KW"}, id="another alg"),
        pytest.param({"enc": "A128GCM"}, id="a shorter enc"),
        pytest.param({"enc": "A128CBC-HS256"}, id="another enc"),
        pytest.param({"zip": "DEF"}, id="compressed"),
    ],
)
def test_another_way_to_encrypt_is_refused(crv, header):
    refusal(a_jwe(crv, **header), crv)


def test_dir_is_refused():
    text = jwe.encrypt_compact(
        {"alg": "dir", "enc": "A256GCM", "kid": PUBLIC["X25519"]["kid"]},
        to_json(PLAINTEXT),
        OctKey.generate_key(256),
        registry=OTHERS,
    )
    assert refusal(text) == "cnf.jwe header: not ECDH-ES with A256GCM"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"crit": ["exp"], "exp": 1}, id="crit"),
        pytest.param({"crit": []}, id="an empty crit"),
        pytest.param({"zip": "DEF"}, id="zip"),
        pytest.param({"kid": None}, id="no kid"),
        pytest.param({"kid": 1}, id="a kid that is no string"),
        pytest.param({"epk": None}, id="no epk"),
        pytest.param({"epk": "x"}, id="an epk that is no object"),
        pytest.param({"epk": {}}, id="an empty epk"),
        pytest.param({"epk": PUBLIC["P-256"]}, id="an epk with more than its numbers"),
        pytest.param({"epk": {"kty": "OKP", "crv": ["X25519"], "x": ""}}, id="a list for crv"),
        pytest.param({"epk": {"kty": "OKP", "crv": "X25519", "x": 1}}, id="a number for x"),
        pytest.param({"epk": {"kty": "OKP", "crv": "X25519", "x": "AA"}}, id="an x too short"),
        pytest.param({"epk": {"kty": "OKP", "crv": "X25519", "x": "A" * 43}}, id="small order"),
        pytest.param({"epk": {"kty": "EC", "crv": "X25519", "x": "A" * 43}}, id="another kty"),
        pytest.param({"alg": ["ECDH-ES"]}, id="a list for alg"),
        pytest.param({"apu": "AA"}, id="authenticated, and changed"),
        pytest.param({"x": 1}, id="a parameter that nobody knows"),
    ],
)
def test_another_header_is_refused(changes):
    refusal(with_header(wrapped(), **changes))


@pytest.mark.parametrize("y", ["A" * 43, PUBLIC["P-256"]["x"]], ids=["zero", "its x"])
def test_an_epk_off_the_curve_is_refused(y):
    """The invalid curve attack on ECDH-ES (CVE-2017-16007 and its kin)."""
    epk = {"kty": "EC", "crv": "P-256", "x": PUBLIC["P-256"]["x"], "y": y}
    refusal(with_header(wrapped("P-256"), epk=epk), "P-256")


def test_an_epk_on_the_other_curve_is_refused(crv):
    other = next(each for each in CURVES if each != crv)
    epk = {name: PUBLIC[other][name] for name in ("kty", "crv", "x", "y") if name in PUBLIC[other]}
    refusal(with_header(wrapped(crv), epk=epk), crv)


@pytest.mark.parametrize(
    "text",
    ["", "a", "....", "a.b.c.d.e", wrapped().replace("..", ".AA."), wrapped() + ".", wrapped()[:-6],
     wrapped() + "=", wrapped() + "\n", "é" + wrapped(), to_base64url(b"[]") + "..a.b.c",
     to_base64url(b"{") + "..AA.AA.AA", wrapped().rsplit(".", 1)[0] + ".AA"],
)  # fmt: skip
def test_what_is_no_jwe_is_refused(text):
    refusal(text)


@given(st.data())
def test_a_changed_character_is_refused_or_changes_nothing(data):
    """Base64 has loose bits; they never lead to another key."""
    text = wrapped()
    at = data.draw(st.integers(0, len(text) - 1))
    with_one = text[:at] + data.draw(st.sampled_from("AQgw_-.9=")) + text[at + 1 :]
    try:
        assert HELD["X25519"].unwrap(with_one, JTI, NOW) == MAC_KEY.encode()
    except (InvalidToken, KeysUnavailable) as refused:
        assert MAC_KEY not in refused.detail  # noqa: PT017  either is right


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
PARAMETERS = ["alg", "enc", "kid", "cty", "epk", "apu", "apv", "zip", "crit", "typ", "jwk", "b64"]
NUMBERS = ["kty", "crv", "x", "y", "d", "use", "key_ops"]


@given(
    st.dictionaries(st.sampled_from(PARAMETERS), ANYTHING, max_size=3),
    st.dictionaries(st.sampled_from(NUMBERS), ANYTHING | st.text("Aw", min_size=43, max_size=43)),
    st.sampled_from(CURVES),
)
def test_whatever_the_header_says_the_refusal_is_ours(header, numbers, crv):
    """No exception of a library comes through: that would be a 500 in the resource server."""
    text = wrapped(crv)
    usual = json.loads(from_base64url(text.split(".")[0]))
    forged = with_header(text, **({"epk": usual["epk"] | numbers} | header))
    try:
        HELD[crv].unwrap(forged, JTI, NOW)
    except (InvalidToken, KeysUnavailable) as refused:
        assert refused.detail  # noqa: PT017  either is right
    else:
        assert forged == text


@given(st.binary(), st.text(), st.text("AZaz09-_.", max_size=200))
def test_whatever_the_text_is_the_refusal_is_ours(payload, text, letters):
    header = wrapped().split(".", 1)[0]
    ends = f"{to_base64url(payload)}.{to_base64url(payload[:12])}.{to_base64url(payload[:16])}"
    for each in (text, letters, f"{header}..{ends}", f"{header}.{letters}"):
        refusal(each)


@pytest.mark.parametrize(
    "plaintext",
    [
        b"", b"[]", b"\xff", MAC_KEY.encode(),
        PLAINTEXT | {"kty": "EC"}, PLAINTEXT | {"alg": "HS1"}, PLAINTEXT | {"kid": None},
        PLAINTEXT | {"k": to_base64url(MAC_KEY[:-1].encode())},
        PLAINTEXT | {"k": to_base64url(MAC_KEY.encode() + b"A")},
        PLAINTEXT | {"k": to_base64url(b"+" * 43)},
        PLAINTEXT | {"k": to_base64url(b"\xff" * 43)},
        PLAINTEXT | {"k": MAC_KEY}, PLAINTEXT | {"k": 1}, PLAINTEXT | {"k": "="},
        {name: value for name, value in PLAINTEXT.items() if name != "k"},
    ],
)  # fmt: skip
def test_what_is_no_mac_key_is_refused(plaintext):
    refusal(a_jwe(plaintext=plaintext))


def test_an_unknown_private_key_is_no_fault_of_the_token(crv):
    other = DecryptionKeys.from_jwks({"keys": [generate_key(crv)]})
    with pytest.raises(KeysUnavailable) as refused:
        other.unwrap(wrapped(crv), JTI, NOW)
    assert PRIVATE[crv]["kid"] in refused.value.detail
    assert refused.value.status == 503


def test_two_private_keys_serve_during_a_rotation():
    both = DecryptionKeys.from_jwks({"keys": list(PRIVATE.values())})
    for each in CURVES:
        assert both.unwrap(wrapped(each), JTI, NOW) == MAC_KEY.encode()


# What is a key.

LOW_ORDER = ("A" * 43, "AQ" + "A" * 41)
WITHOUT_Y = {name: value for name, value in PUBLIC["P-256"].items() if name != "y"}


@pytest.mark.parametrize(
    ("jwk", "sentence"),
    [
        (PRIVATE["X25519"], "must be a public key; 'd' is a private key's member"),
        (PRIVATE["P-256"], "must be a public key; 'd' is a private key's member"),
        (PUBLIC["X25519"] | {"k": "x"}, "must be a public key; 'k' is a private key's member"),
        ({}, "must be a key of kty OKP and crv X25519 or kty EC and crv P-256"),
        (PUBLIC["X25519"] | {"crv": "Ed25519"}, "must be a key of kty OKP"),
        (PUBLIC["X25519"] | {"crv": "X448"}, "must be a key of kty OKP"),
        (PUBLIC["P-256"] | {"crv": "P-384"}, "must be a key of kty OKP"),
        (PUBLIC["P-256"] | {"crv": "X25519"}, "must be a key of kty OKP"),
        (PUBLIC["P-256"] | {"kty": "RSA"}, "must be a key of kty OKP"),
        (PUBLIC["X25519"] | {"crv": ["X25519"]}, "must be a key of kty OKP"),
        (PUBLIC["X25519"] | {"use": "sig"}, "must be a key to encrypt to: its use is enc"),
        (PUBLIC["X25519"] | {"alg": "ECDH-ES+A256KW"}, "must be a key for ECDH-ES"),
        (PUBLIC["X25519"] | {"kid": ""}, "must have a kid"),
        (PUBLIC["X25519"] | {"kid": "a b"}, "must have a kid"),
        (PUBLIC["X25519"] | {"kid": "k" * 129}, "must have a kid"),
        (PUBLIC["X25519"] | {"kid": 7}, "must have a kid"),
        (PUBLIC["X25519"] | {"x": 1}, "a key on this curve has x, all strings"),
        (WITHOUT_Y, "a key on this curve has x, y, all strings"),
        (PUBLIC["X25519"] | {"x": "AAAA"}, "x is base64url of 32 bytes on this curve"),
        (PUBLIC["X25519"] | {"x": PUBLIC["X25519"]["x"] + "="}, "x is base64url of 32 bytes"),
        (PUBLIC["P-256"] | {"y": "A" * 43}, "the numbers are no key on its curve"),
        *((PUBLIC["X25519"] | {"x": x}, "the coordinates are a point of small") for x in LOW_ORDER),
    ],
)
def test_what_nothing_can_be_wrapped_to_is_refused(jwk, sentence):
    with pytest.raises(ValueError, match=f"^{sentence}") as refused:
        EncryptionKey.from_jwk(jwk)
    assert PRIVATE["X25519"]["d"] not in str(refused.value)


@pytest.mark.parametrize("given", [{}, {"use": "enc"}, {"alg": "ECDH-ES"}, {"key_ops": []}])
def test_what_a_key_is_for_may_be_left_to_us(crv, given):
    bare = {name: value for name, value in PUBLIC[crv].items() if name not in ("use", "alg")}
    key = EncryptionKey.from_jwk(bare | given)
    assert HELD[crv].unwrap(key.wrap(MAC_KEY, JTI), JTI, NOW) == MAC_KEY.encode()


@pytest.mark.parametrize(
    "jwks",
    [
        {}, {"keys": []}, {"keys": {}}, {"keys": ["x"]}, {"keys": [PUBLIC["X25519"]]},
        {"keys": [PRIVATE["X25519"], PRIVATE["X25519"]]},
        {"keys": [PRIVATE["X25519"] | {"d": generate_key()["d"]}]},
        {"keys": [PRIVATE["P-256"] | {"d": generate_key("P-256")["d"]}]},
        {"keys": [PRIVATE["X25519"] | {"d": "AA"}]},
        {"keys": [PRIVATE["X25519"] | {"d": None}]},
    ],
)  # fmt: skip
def test_what_is_no_set_of_private_keys_is_refused(jwks):
    with pytest.raises(ValueError, match=r"key|bytes") as refused:
        DecryptionKeys.from_jwks(jwks)
    assert PRIVATE["X25519"]["d"] not in str(refused.value)
    DecryptionKeys.from_jwks({"keys": [PRIVATE["X25519"]]})


def test_a_generated_key_is_named_by_its_thumbprint(crv):
    """RFC 7638, as another library computes it."""
    key = (OKPKey if crv == "X25519" else ECKey).import_key(PRIVATE[crv])
    assert PRIVATE[crv]["kid"] == key.thumbprint()
    assert (PRIVATE[crv]["use"], PRIVATE[crv]["alg"]) == ("enc", "ECDH-ES")


def test_a_curve_that_is_not_offered_is_not_generated():
    with pytest.raises(ValueError, match="the curve is one of X25519, P-256"):
        generate_key("P-384")


def test_nothing_private_is_printed(crv):
    assert "d" not in public_jwk(PRIVATE[crv])
    assert PRIVATE[crv]["kid"] in repr(HELD[crv])
    for shown in (repr(HELD[crv]), repr(EncryptionKey.from_jwk(PUBLIC[crv])), PUBLIC[crv].values()):
        assert PRIVATE[crv]["d"] not in shown


# The file of the resource server.


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "api.jwks.json"
    keep(path, PRIVATE["X25519"])
    return path


def keep(path, *jwks) -> None:
    private_file.write(path, json.dumps({"keys": jwks}))


def test_a_file_is_read_once(path):
    keys = DecryptionKeys.from_file(path)
    path.unlink()
    assert keys.unwrap(wrapped(), JTI, NOW) == MAC_KEY.encode()


def test_a_file_is_read_again_at_an_unknown_key(path):
    keys = DecryptionKeys.from_file(path)
    keep(path, *PRIVATE.values())
    assert keys.unwrap(wrapped("P-256"), JTI, NOW) == MAC_KEY.encode()
    assert keys.unwrap(wrapped("X25519"), JTI, NOW) == MAC_KEY.encode()


@pytest.mark.parametrize(
    ("later", "known"),
    [(0, False), (REREAD_INTERVAL - 1, False), (REREAD_INTERVAL, True), (-60, False), (-61, True)],
)
def test_a_file_is_not_read_again_for_every_token(path, later, known):
    keys = DecryptionKeys.from_file(path)
    with pytest.raises(KeysUnavailable):
        keys.unwrap(wrapped("P-256"), JTI, NOW)
    keep(path, *PRIVATE.values())
    if known:
        assert keys.unwrap(wrapped("P-256"), JTI, NOW + later) == MAC_KEY.encode()
    else:
        with pytest.raises(KeysUnavailable):
            keys.unwrap(wrapped("P-256"), JTI, NOW + later)


@pytest.mark.parametrize("content", ["", "{}", '{"keys": [{}]}', '{"keys": [], "keys": []}'])
def test_a_file_that_went_bad_changes_nothing(path, content, caplog):
    keys = DecryptionKeys.from_file(path)
    private_file.write(path, content)
    with pytest.raises(KeysUnavailable):
        keys.unwrap(wrapped("P-256"), JTI, NOW)
    assert keys.unwrap(wrapped(), JTI, NOW) == MAC_KEY.encode()
    assert "stay as they are: api.jwks.json: " in caplog.text


@pytest.mark.parametrize("content", ["", "[]", '{"keys": []}', '{"keys": [{"kty": "oct"}]}'])
def test_a_file_that_is_bad_at_first_is_refused(path, content):
    private_file.write(path, content)
    with pytest.raises(ValueError, match=r"^api\.jwks\.json: "):
        DecryptionKeys.from_file(path)


def test_a_file_that_others_can_read_is_refused(path):
    path.chmod(0o644)
    with pytest.raises(ValueError, match=r"^api\.jwks\.json: others than its owner can read"):
        DecryptionKeys.from_file(path)
    path.chmod(0o600)
    DecryptionKeys.from_file(path)


def test_the_group_of_a_pod_may_read_it_where_that_is_said(path, caplog):
    DecryptionKeys.from_file(path)
    assert not caplog.text
    path.chmod(0o440)
    with pytest.raises(ValueError, match=r"^api\.jwks\.json: its group can read it; chmod 600"):
        DecryptionKeys.from_file(path)
    keys = DecryptionKeys.from_file(path, group_readable=True)
    assert "api.jwks.json: its group can read it, and so open every MAC key" in caplog.text
    path.unlink()
    keep(path, *PRIVATE.values())
    path.chmod(0o440)
    assert keys.unwrap(wrapped("P-256"), JTI, NOW) == MAC_KEY.encode()
    path.chmod(0o444)
    with pytest.raises(ValueError, match="others than its owner can read"):
        DecryptionKeys.from_file(path, group_readable=True)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"^none\.json: No such file or directory$"):
        DecryptionKeys.from_file(tmp_path / "none.json")


def test_a_key_of_the_issuer_is_what_is_wrapped():
    """The characters of ``secrets.token_urlsafe(32)``, whatever they are."""
    for _ in range(20):
        mac_key = token_urlsafe(32)
        assert HELD["P-256"].unwrap(wrapped("P-256", mac_key), JTI, NOW) == mac_key.encode()
