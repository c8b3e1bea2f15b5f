"""RFC 9449 section 4.3: what makes a proof valid, item by item."""

import json

import pytest
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

from keys.dpop import (
    LEEWAY,
    MAX_AGE,
    MAX_JTI,
    MAX_PROOF,
    InvalidProof,
    Proof,
    read_proof,
    token_hash,
)
from keys.encoding import from_base64url, to_base64url
from tests.keys.builders import MISSING, NOW
from tests.rfc9449.proofs import (
    KEY,
    KEYS,
    METHOD,
    OTHER_KEY,
    TOKEN,
    URL,
    a_proof,
    read,
    signed,
    some_claims,
    some_header,
)


def refused(text: str, **options) -> str:
    """Why; and that nothing of what was sent is in it."""
    with pytest.raises(InvalidProof) as raised:
        read(text, **options)
    assert read(a_proof()).jti == "p1"
    assert str(raised.value) == raised.value.detail
    return raised.value.detail


def test_a_proof_says_who_made_it_and_which_it_is():
    assert read(a_proof(nonce="n")) == Proof(
        jkt=KEY.jkt, jti="p1", iat=NOW, nonce="n", ath=token_hash(TOKEN)
    )
    assert read(a_proof()).nonce is None


@pytest.mark.parametrize("alg", KEYS)
def test_every_algorithm_on_offer_makes_proofs(alg):
    """Items 5 and 7."""
    assert read(a_proof(KEYS[alg])).jkt == KEYS[alg].jkt


def test_eddsa_has_two_names():
    """RFC 9864 section 2.2; it is the same algorithm, and the same key."""
    key = KEYS["EdDSA"]
    for alg in ("EdDSA", "Ed25519"):
        for said in ({}, {"alg": "EdDSA"}, {"alg": "Ed25519"}):
            proof = a_proof(key, header={"alg": alg, "jwk": {**key.public_jwk, **said}})
            assert read(proof, algorithms=("EdDSA",)).jkt == key.jkt
    assert refused(a_proof(key, header={"alg": "Ed448"})) == "alg is none that is accepted"
    assert refused(a_proof(header={"alg": "Ed25519"})) == "jwk is no key for alg"


@pytest.mark.parametrize(
    ("key", "alg"),
    [
        (ECKey.generate_key("P-256"), "ES256"),
        (RSAKey.generate_key(2048), "RS256"),
        (RSAKey.generate_key(2048), "PS256"),
        (OKPKey.generate_key("Ed25519"), "EdDSA"),
    ],
)
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
def test_a_proof_of_joserfc_is_accepted_and_ours_by_joserfc(key, alg):
    jwk = key.as_dict(private=False)
    jwk = {name: value for name, value in jwk.items() if name != "kid"}
    header = {"typ": "dpop+jwt", "alg": alg, "jwk": jwk}
    theirs = jws.serialize_compact(header, json.dumps(some_claims()), key, algorithms=[alg])
    assert read(theirs).jkt == key.thumbprint()
    ours = a_proof(KEYS[alg])
    public = type(key).import_key(dict(KEYS[alg].public_jwk))
    registry = jws.JWSRegistry(algorithms=[alg])
    registry.max_header_length = 2048  # an RSA key is larger than it expects of a header
    found = jws.deserialize_compact(ours, public, registry=registry)
    assert json.loads(found.payload)["htu"] == URL
    assert public.thumbprint() == KEYS[alg].jkt


@pytest.mark.parametrize(
    "text",
    [
        "", "x", "a.b", "a..c", ".b.c", "a.b.c.d", "a.b.c.d.e",
        f"{a_proof()},{a_proof()}", f"{a_proof()}, {a_proof()}", f"{a_proof()} ", f" {a_proof()}",
        a_proof() + "=", a_proof().replace(".", "\n.", 1), a_proof() + "\n", "é.é.é", "\ud800.a.a",
        json.dumps({"payload": "e30", "signatures": []}),
    ],
)  # fmt: skip
def test_a_field_that_is_not_one_token_is_refused(text):
    """Items 1 and 2; J8, J24."""
    assert refused(text).startswith("not one signed token")


def test_a_proof_that_is_too_long_is_not_decoded():
    """P27, J23: a jti of a megabyte."""
    assert refused(a_proof(jti="x" * 1_000_000)).startswith("not one signed token")
    longest = a_proof(htu=URL + "?" + "x" * 5000)
    assert len(longest) < MAX_PROOF
    assert read(longest)


@pytest.mark.parametrize("name", ["jti", "htm", "htu", "iat", "ath"])
@pytest.mark.parametrize("value", [MISSING, None, 1, True, [], {}, "", "x", ["GET"], 1.5], ids=repr)
def test_each_claim_is_there_and_what_it_has_to_be(name, value):
    """Item 3, and 8 to 12."""
    if (name, value) == ("jti", "x"):
        assert read(a_proof(jti="x"))
        return
    assert refused(a_proof(**{name: value}))


@pytest.mark.parametrize(
    "typ", ["dpop+jwt", "DPoP+JWT", "application/dpop+jwt", "APPLICATION/dpop+JWT"]
)
def test_the_typ_is_a_media_type_in_any_case(typ):
    """Item 4, RFC 7515 section 4.1.9."""
    assert read(a_proof(header={"typ": typ}))


@pytest.mark.parametrize(
    "typ",
    [MISSING, None, 1, ["dpop+jwt"], "", "JWT", "at+jwt", "client-authentication+jwt", "dpop+jwt;x",
     "application/application/dpop+jwt", " dpop+jwt", "dpop+jwt\0", "text/dpop+jwt"],
    ids=repr,
)  # fmt: skip
def test_another_typ_is_refused(typ):
    """Item 4; J13, J18: nothing that was signed for another purpose is a proof."""
    assert refused(a_proof(header={"typ": typ})) == "typ is not dpop+jwt"


@pytest.mark.parametrize(
    "alg",
    [MISSING, None, 1, True, [], {}, ["ES256"], "", "none", "None", "nOnE", " none", "none\0",
     "HS256", "HS512", "ES384", "ES512", "ES256K", "RS1", "RS512", "es256", "EdDSA",
     "RS256", "PS256"],
    ids=repr,
)  # fmt: skip
def test_an_alg_that_is_not_that_of_the_key_is_refused(alg):
    """Item 5; J1 to J5."""
    assert refused(a_proof(header={"alg": alg})) in {
        "alg is none that is accepted",
        "jwk is no key for alg",
    }


def test_only_the_algorithms_that_are_asked_for_are_accepted():
    """Item 5: what the profile of a server allows."""
    wanted = ("ES256", "PS256", "EdDSA")
    assert refused(a_proof(KEYS["RS256"]), algorithms=wanted) == "alg is none that is accepted"
    for alg in wanted:
        assert read(a_proof(KEYS[alg]), algorithms=wanted)


def test_the_signature_is_that_of_the_embedded_key():
    """Item 6."""
    forged = signed(some_header(KEY), some_claims(), OTHER_KEY)
    assert refused(forged).startswith("the signature does not verify")
    proof = a_proof()
    for index in (proof.index(".") + 5, len(proof) - 5):
        changed = "A" if proof[index] != "A" else "B"
        assert refused(proof[:index] + changed + proof[index + 1 :])


@pytest.mark.parametrize("member", ["d", "k", "p", "q", "dp", "dq", "qi", "oth"])
def test_a_private_key_is_refused(member):
    """Item 7: whoever sent it has told everybody."""
    jwk = {**KEY.public_jwk, member: "x"}
    assert refused(a_proof(header={"jwk": jwk})) == "jwk is not a public key alone"
    jwk = KEYS["RS256"].to_jwk()
    assert refused(a_proof(KEYS["RS256"], header={"jwk": jwk})) == "jwk is not a public key alone"


@pytest.mark.parametrize(
    "jwk",
    [
        MISSING, None, [], "x", 1, {},
        {"kty": "oct", "k": "AAAA"},
        {"kty": "oct"},
        {"kty": "EC"},
        {**KEY.public_jwk, "crv": "P-384"},
        {**KEY.public_jwk, "kty": "RSA"},
        {**KEY.public_jwk, "kty": ["EC"]},
        {**KEY.public_jwk, "x": KEY.public_jwk["y"]},
        {**KEY.public_jwk, "x": KEY.public_jwk["x"] + "="},
        {**KEY.public_jwk, "x": "AA" + KEY.public_jwk["x"]},
        {**KEY.public_jwk, "x": 1},
        {**KEY.public_jwk, "x": "é"},
        {**KEY.public_jwk, "use": "enc"},
        {**KEY.public_jwk, "use": ["sig"]},
        {**KEY.public_jwk, "key_ops": ["sign"]},
        {**KEY.public_jwk, "key_ops": "verify"},
        {**KEY.public_jwk, "alg": "RS256"},
        {**KEY.public_jwk, "alg": 1},
        {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 43},
    ],
    ids=str,
)  # fmt: skip
def test_a_jwk_that_is_no_key_for_the_alg_is_refused(jwk):
    """Items 5 to 7; J11 with a key that is none."""
    assert refused(a_proof(header={"jwk": jwk}))


def test_what_a_browser_exports_is_a_key():
    """Web Cryptography's ``exportKey("jwk")`` says more than the thumbprint is of."""
    jwk = {**KEY.public_jwk, "ext": True, "key_ops": ["verify"], "use": "sig", "alg": "ES256"}
    assert read(a_proof(header={"jwk": jwk})).jkt == KEY.jkt


def test_rsa_keys_have_a_size_that_is_checked_in_time():
    """Whoever made up the key would make the server compute."""
    small = {"kty": "RSA", "e": "AQAB", "n": "v" + "_" * 170}  # 1024 bits
    large = {"kty": "RSA", "e": "AQAB", "n": "v" + "_" * 910}  # 5468 bits
    slow = {**KEYS["RS256"].public_jwk, "e": KEYS["RS256"].public_jwk["n"]}
    odd = {**KEYS["RS256"].public_jwk, "e": 65537}
    for jwk in (small, large, slow, odd):
        assert refused(a_proof(KEYS["RS256"], header={"jwk": jwk}))
    assert read(a_proof(KEYS["RS256"]))


@pytest.mark.parametrize("name", ["jku", "x5u", "x5c", "kid", "cty"])
def test_what_says_where_another_key_is_is_not_looked_at(name):
    """J9, J10."""
    said = {"kid": "../../etc/passwd", "x5c": ["AAAA"]}.get(name, "http://127.0.0.1:9/")
    assert read(a_proof(header={name: said})).jkt == KEY.jkt


@pytest.mark.parametrize("crit", [["exp"], ["b64"], [], None, "x", 1], ids=repr)
def test_an_extension_that_has_to_be_understood_is_refused(crit):
    """J12."""
    assert refused(a_proof(header={"crit": crit, "b64": False})).endswith("or has crit")


@pytest.mark.parametrize("htm", ["get", "POST", "GET ", " GET", "GET\n", "GETX", "G"])
def test_htm_is_the_method_to_the_letter(htm):
    """Item 8; P27: a proof for POST, used on GET."""
    assert refused(a_proof(htm=htm)) == "htm is not the method"
    assert read(a_proof(htm=htm), method=htm)


@pytest.mark.parametrize(
    "htu",
    [
        URL, f"{URL}?page=2", f"{URL}#top", f"{URL}?a#b", "HTTPS://API.EXAMPLE/invoices",
        "https://api.example:443/invoices", "https://api.example:/invoices",
        "https://api.example/%69nvoices", "https://api.example/x/../invoices",
        "https://api.example/./invoices", "https://%61pi.example/invoices",
    ],
)  # fmt: skip
@pytest.mark.parametrize("query", ["", "?page=2", "?page=3#x"])
def test_htu_is_compared_after_normalization_and_without_query(htu, query):
    """Item 9; RFC 3986 sections 6.2.2 and 6.2.3."""
    assert read(a_proof(htu=htu), url=URL + query)
    assert read(a_proof(), url=htu + query)


@pytest.mark.parametrize(
    "htu",
    [
        "http://api.example/invoices", "https://api.example:444/invoices", "https://evil.example/invoices",
        "https://api.example.evil/invoices", "https://api.example/Invoices", "https://api.example/invoices/",
        "https://api.example/", "https://api.example", "/invoices", "api.example/invoices",
        "//api.example/invoices", "https://api.example%2Finvoices", "https://api.example/%2Finvoices",
        "https://api.example//invoices", "https://user@api.example/invoices", "https://api.example@evil/invoices",
        "https://api.example:x/invoices", "https://api.example/invoices%", "https://api.example/invoices%0g",
        "https://api.example/invoices\n", " https://api.example/invoices", "https://api.example\t/invoices",
        "https:///invoices", "https://[::1/invoices", "file://api.example/invoices", "https://apí.example/invoices",
        "https://api.example\\invoices", "https://api.example:443443443443/invoices", "urn:x",
    ],
)  # fmt: skip
def test_another_htu_is_refused(htu):
    """Item 9; P27: another host."""
    assert refused(a_proof(htu=htu)) == "htu is not the URL"


def test_a_server_may_have_several_urls():
    urls = ("https://a.example/token", "https://b.example/token")
    for url in urls:
        assert read(a_proof(htu=url), url=urls)
        assert read(a_proof(htu=url), url=frozenset(urls))
    assert refused(a_proof(htu="https://c.example/token"), url=urls) == "htu is not the URL"


@pytest.mark.parametrize("ahead", [-MAX_AGE, -1, 0, 1, LEEWAY])
def test_a_proof_is_good_from_a_little_before_to_a_little_after(ahead):
    """Item 11, J29."""
    assert read(a_proof(iat=NOW + ahead)).iat == NOW + ahead


@pytest.mark.parametrize(
    "iat",
    [NOW - MAX_AGE - 1, NOW + LEEWAY + 1, 0, -1, float(NOW), NOW + 0.5, str(NOW), True, None, [NOW],
     10**400],
    ids=lambda iat: repr(iat)[:20],
)  # fmt: skip
def test_any_other_time_is_refused(iat):
    """Item 11; J20, J29."""
    assert refused(a_proof(iat=iat)) == "iat is no time, or too far from now"


@pytest.mark.parametrize("iat", [b"1e999", b"Infinity", b"NaN", b"1" * 4400, b"-0", b"1.8e9"])
def test_a_number_that_is_none_is_refused(iat):
    """J20."""
    payload = json.dumps(some_claims(iat=7)).encode().replace(b"7", iat, 1)
    assert refused(signed(some_header(), payload))


def test_the_window_is_the_callers():
    for iat in (NOW - 300, NOW + 5):
        assert read(a_proof(iat=iat), max_age=300, leeway=5)
    for iat in (NOW - 301, NOW + 6):
        assert refused(a_proof(iat=iat), max_age=300, leeway=5)


@pytest.mark.parametrize(
    "ath",
    [token_hash("a.b.d"), TOKEN, token_hash(TOKEN) + "=", "é", "\ud800", token_hash(TOKEN)[:-1]],
)
def test_ath_is_the_hash_of_the_access_token(ath):
    """Item 12."""
    assert refused(a_proof(ath=ath))


def test_without_an_access_token_ath_is_not_asked_for():
    assert read(a_proof(ath=MISSING), access_token=None).ath is None
    assert read(a_proof(ath="whatever"), access_token=None).ath == "whatever"
    assert refused(a_proof(ath=MISSING)) == "ath is not the hash of the access token"


def test_a_token_that_is_not_ascii_has_no_hash():
    assert refused(a_proof(), access_token="é") == "ath is not the hash of the access token"


def test_the_key_is_the_one_that_the_token_is_bound_to():
    """Item 12, second half."""
    assert read(a_proof(), jkt=KEY.jkt)
    for jkt in (OTHER_KEY.jkt, "", KEY.jkt.lower(), KEY.jkt + "="):
        assert refused(a_proof(), jkt=jkt) == "made with another key"


def test_a_jti_is_bounded():
    assert read(a_proof(jti="é" * MAX_JTI)).jti == "é" * MAX_JTI
    for jti in ("", "x" * (MAX_JTI + 1)):
        assert refused(a_proof(jti=jti)) == "jti is missing, or too long"


@pytest.mark.parametrize("nonce", [None, 1, [], {}, True], ids=repr)
def test_a_nonce_is_text(nonce):
    assert refused(a_proof(nonce=nonce)) == "a claim is no text"


ENCODINGS = {
    "a member twice": b'{"jti":"p1",%s',
    "UTF-16": None,
    "a byte order mark": b"\xef\xbb\xbf%s",
    "no UTF-8": b'{"x":"\xff",%s',
    "half a pair": b'{"x":"\\ud800",%s',
    "deep": b'{"x":' + b"[" * 3000 + b"]" * 3000 + b",%s",
    "an array": b"[%s]",
    "nothing": b" ",
}


@pytest.mark.parametrize("name", ENCODINGS)
@pytest.mark.parametrize("part", ["header", "payload"])
def test_json_that_is_not_strict_is_refused(name, part):
    """J21 to J23."""
    good = json.dumps(some_header() if part == "header" else some_claims()).encode()
    form = ENCODINGS[name]
    if form is None:
        bad = good.decode().encode("utf-16")
    elif form.startswith(b"{"):
        bad = form.replace(b"%s", good[1:])
        bad = bad.replace(b'{"jti":"p1",', b'{"typ":"dpop+jwt",') if part == "header" else bad
    else:
        bad = form.replace(b"%s", good)
    header, payload = (bad, some_claims()) if part == "header" else (some_header(), bad)
    assert refused(signed(header, payload))


@pytest.mark.parametrize("signature", [bytes(64), b"\xff" * 64, bytes(63), bytes(65), b"\0"])
def test_a_signature_of_no_numbers_is_refused(signature):
    """J6."""
    assert refused(a_proof().rpartition(".")[0] + "." + to_base64url(signature))


def test_a_signature_that_was_turned_over_is_the_same_proof():
    """J7: it verifies, and so nothing may tell proofs apart by their text; ``jti`` does."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    proof = a_proof()
    message, _, signature = proof.rpartition(".")
    raw = from_base64url(signature)
    turned = raw[:32] + (order - int.from_bytes(raw[32:], "big")).to_bytes(32, "big")
    again = f"{message}.{to_base64url(turned)}"
    assert again != proof
    assert read(again) == read(proof)


def test_the_examples_of_the_rfc_are_proofs():
    """Figures 1 and 12, the thumbprint of section 6.1, and the ``ath`` of section 7.1."""
    head = (
        "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNo"
        "UklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERW"
        "clUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19."
    )
    at_the_token_endpoint = (
        "eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUu"
        "Y29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdL"
        "XiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
    )
    at_the_resource = (
        "eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxl"
        "Lm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0Ji"
        "MHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyV"
        "nmcw6Fy1dqd-jfxSYoMxhAJpLjA"
    )
    jkt = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
    token = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
    url = "https://server.example.com/token"
    first = read_proof(
        head + at_the_token_endpoint, method="POST", url=url, now=1562262616, jkt=jkt
    )
    assert (first.jkt, first.jti) == (jkt, "-BwC3ESc6acc2lTc")
    second = read_proof(
        head + at_the_resource,
        method=METHOD,
        url="https://resource.example.org/protectedresource",
        now=1562262618,
        access_token=token,
        jkt=jkt,
    )
    assert second.ath == token_hash(token) == "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"
