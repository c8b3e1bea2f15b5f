"""``private_key_jwt``: which assertions prove who sent them; J1 to J24, J29 and P4.

RFC 7521 section 4.2, RFC 7523 section 3, RFC 10070.
"""

import hmac
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec.structs import replace

from issuer.client_auth.private_key_jwt import LEEWAY, MAX_JTI, MAX_LIFETIME
from issuer.errors import AccessTokenException, InvalidClient, InvalidRequest
from issuer.token import TokenGenerator
from keys.encoding import from_base64url, to_base64url, to_json
from tests.builders import ISSUER, NOW, a_client, a_public_client, a_request, a_server
from tests.rfc7523.builders import (
    TYP,
    a_signed_request,
    a_signing_client,
    an_assertion,
    claims,
    validated,
)
from tests.rfc7523.keys import KID, OTHERS, PRIVATE, a_jwks, a_public_jwk, sign_text

SERVER = a_server(a_signing_client(), a_client(), a_public_client())
HEADER = {"alg": "ES256", "kid": KID, "typ": TYP}


def refusal(assertion: str, *, server: Any = SERVER, **others: Any) -> AccessTokenException:
    """Why it is refused, in the one way in which client authentication fails."""
    with pytest.raises(InvalidClient) as refused:
        validated(server, assertion, **others)
    assert refused.value.description == "Client authentication failed."
    assert validated(server, an_assertion()).client.client_id == "signer"
    return refused.value


@pytest.mark.parametrize("alg", PRIVATE)
def test_who_signs_by_any_of_four_algorithms_is_who_they_say(alg):
    authorization = validated(SERVER, an_assertion(alg=alg))
    assert authorization.client.client_id == "signer"
    assert authorization.credential == f"key {KID}"


@pytest.mark.parametrize("alg", PRIVATE)
def test_a_client_that_registered_an_algorithm_signs_by_that_alone(alg):
    """J4: PS256 and RS256 have one kind of key."""
    server = a_server(
        a_signing_client(
            token_endpoint_auth_signing_alg=alg,
            jwks=a_jwks(*(a_public_jwk(each, alg=None, kid=None) for each in PRIVATE)),
        )
    )
    assert validated(server, an_assertion(alg=alg))
    for other in PRIVATE:
        if other != alg:
            with pytest.raises(InvalidClient):
                validated(server, an_assertion(alg=other))


def test_eddsa_has_a_newer_name():
    """RFC 9864: what oauth4webapi calls it."""
    server = a_server(a_signing_client(jwks=a_jwks(a_public_jwk("EdDSA", alg="Ed25519"))))
    for alg in ("Ed25519", "EdDSA"):
        assert validated(server, an_assertion(alg="EdDSA", header={"alg": alg}))
    refusal(an_assertion(alg="ES256", header={"alg": "Ed25519"}))


@pytest.mark.parametrize(
    "others", [{"client_id": "signer"}, {}], ids=["client_id too", "the assertion alone"]
)
def test_the_client_id_may_be_left_out(others):
    """RFC 7521 section 4.2: the assertion says it."""
    assert validated(SERVER, an_assertion(), **others).client.client_id == "signer"


def test_j1_alg_none_in_any_case_of_its_letters():
    payload = to_base64url(to_json(claims()))
    for alg in ("none", "None", "NONE", "nOnE", " none", "none\0", "HS256"):
        header = to_base64url(json.dumps(HEADER | {"alg": alg}).encode())
        for signature in ("", "AA"):
            refusal(f"{header}.{payload}.{signature}")


@pytest.mark.parametrize("alg", [None, ["RS256"], 1, {}, "", "es256", "ES384"])
def test_j2_an_alg_that_is_none_of_ours(alg):
    refusal(an_assertion(header={"alg": alg}))


@pytest.mark.parametrize("encoding", ["PEM", "JWK", "JWKS"])
def test_j3_a_public_key_as_a_secret(encoding):
    jwk = a_public_jwk("RS256")
    public, pem = PRIVATE["RS256"].public_key(), (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    secret = {
        "PEM": public.public_bytes(*pem),
        "JWK": to_json(jwk),
        "JWKS": to_json(a_jwks(jwk)),
    }[encoding]
    header = to_base64url(to_json(HEADER | {"alg": "HS256"}))
    message = f"{header}.{to_base64url(to_json(claims()))}"
    mac = hmac.digest(secret, message.encode(), "sha256")
    refusal(f"{message}.{to_base64url(mac)}")


def test_j4_j5_an_alg_that_is_not_the_keys():
    for alg in PRIVATE:
        for said in PRIVATE:
            if alg != said:
                refusal(an_assertion(alg=alg, header={"alg": said}))


def test_j6_signatures_that_only_broken_libraries_verify():
    head, payload, _ = an_assertion().split(".")
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    for r, s in ((0, 0), (order, order), (2**256 - 1, 1), (1, 0)):
        both = r.to_bytes(32, "big") + s.to_bytes(32, "big")
        for signature in (both, both[:-1], both + b"\0"):
            refusal(f"{head}.{payload}.{to_base64url(signature)}")


def test_j7_another_signature_of_the_same_assertion_is_the_same_assertion():
    head, payload, signature = an_assertion().split(".")
    raw = from_base64url(signature)
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    s = order - int.from_bytes(raw[32:], "big")
    twin = f"{head}.{payload}.{to_base64url(raw[:32] + s.to_bytes(32, 'big'))}"
    (first,) = validated(SERVER, f"{head}.{payload}.{signature}").once
    (second,) = validated(SERVER, twin).once
    assert first.id == second.id


@pytest.mark.parametrize("spoil", ["=", "==", "\n", " ", "!", "%"])
def test_j8_one_spelling(spoil):
    parts = an_assertion().split(".")
    for at in range(3):
        spoilt = [part + spoil if number == at else part for number, part in enumerate(parts)]
        refusal(".".join(spoilt))


@pytest.mark.parametrize(
    "kid",
    [
        "../../etc/passwd", "/dev/null", "x' OR 1=1--", "k" * 1_000_000, 7, ["2026-11"], {},
        "a\0b", "a\r\nb", "unknown",
    ],
    ids=lambda kid: str(kid)[:12],
)  # fmt: skip
def test_j9_a_kid_names_a_key_of_the_client_or_nothing(kid):
    assert "passwd" not in refusal(an_assertion(header={"kid": kid})).detail


@pytest.mark.parametrize("member", ["jku", "x5u"])
def test_j10_where_a_header_says_that_keys_are_nobody_looks(member):
    elsewhere = {member: "http://127.0.0.1:9/jwks.json"}
    assert validated(SERVER, an_assertion(header=elsewhere))
    refusal(an_assertion(header=elsewhere, key=OTHERS["ES256"]))


def test_j11_a_key_in_the_header_is_nobodys():
    jwk = a_public_jwk(key=OTHERS["ES256"])
    for header in ({"jwk": jwk}, {"jwk": jwk, "kid": None}, {"x5c": ["AQID"]}):
        refusal(an_assertion(header=header, key=OTHERS["ES256"]))


@pytest.mark.parametrize("crit", [["x"], [], ["exp"], "exp", ["b64"]])
def test_j12_no_extension_is_understood(crit):
    refusal(an_assertion(header={"crit": crit, "b64": False}))


def test_j16_who_says_that_they_are_another():
    server = a_server(a_signing_client(), a_signing_client("other"))
    for changes in (
        {"iss": "other"},
        {"iss": ISSUER},
        {"iss": ["signer"]},
        {"iss": "signer "},
        {"iss": "SIGNER"},
        {"iss": None},
        {"sub": "other"},
        {"sub": None},
        {"sub": ["signer"]},
        {"sub": 7},
    ):
        refusal(an_assertion(**changes), server=server)
        refusal(an_assertion(**changes), server=server, client_id="signer")
    refusal(an_assertion(), server=server, client_id="other")


@pytest.mark.parametrize(
    "aud",
    [
        f"{ISSUER}/token", f"{ISSUER}/par", [ISSUER], [ISSUER, "https://evil.example"],
        f"{ISSUER}/", "https://other.example", None, 7, {}, [], ISSUER.upper(), ISSUER[:-1],
    ],
    ids=str,
)  # fmt: skip
def test_j17_only_the_issuer_identifier_is_the_audience(aud):
    """RFC 10070 section 4 (CVE-2025-27370, CVE-2025-27371)."""
    refusal(an_assertion(aud=aud))


@pytest.mark.parametrize(
    ("aud", "is_good"),
    [
        (ISSUER, True),
        (f"{ISSUER}/token", True),
        ([f"{ISSUER}/token"], True),
        ([ISSUER], True),
        ([ISSUER, f"{ISSUER}/token"], True),
        ([ISSUER, "https://evil.example"], False),
        ([], False),
        (f"{ISSUER}/par", False),
        (f"{ISSUER}/token/", False),
        (None, False),
        ([[ISSUER]], False),
        ({}, False),
    ],
    ids=str,
)
def test_j17_an_old_client_that_says_so_may_name_the_token_endpoint(aud, is_good):
    server = a_server(a_signing_client(token_endpoint_auth_audience="endpoint"))
    if is_good:
        assert validated(server, an_assertion(aud=aud))
    else:
        refusal(an_assertion(aud=aud), server=server)


@pytest.mark.parametrize(
    "typ", [TYP, "JWT", "jwt", None, f"application/{TYP}", "Client-Authentication+JWT"]
)
def test_j18_an_assertion_is_of_its_type_or_of_none(typ):
    assert validated(SERVER, an_assertion(header={"typ": typ}))


@pytest.mark.parametrize(
    "typ", ["at+jwt", "dpop+jwt", "oauth-authz-req+jwt", "logout+jwt", f"{TYP};x", "", 7, ["JWT"]]
)
def test_j18_what_was_signed_for_something_else_is_none(typ):
    refusal(an_assertion(header={"typ": typ}))


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"exp": None}, id="no exp"),
        pytest.param({"exp": NOW - LEEWAY}, id="expired"),
        pytest.param({"exp": NOW + MAX_LIFETIME + LEEWAY + 1}, id="exp too far ahead"),
        pytest.param({"iat": NOW + LEEWAY + 1}, id="iat in the future"),
        pytest.param({"nbf": NOW + LEEWAY + 1}, id="nbf in the future"),
        pytest.param({"iat": NOW + 60 - MAX_LIFETIME - 1}, id="an old one"),
        pytest.param({"exp": NOW + MAX_LIFETIME + 1}, id="exp too long after iat"),
        pytest.param({"nbf": NOW - 86_400}, id="exp long after nbf"),
        pytest.param({"jti": None}, id="no jti"),
        pytest.param({"jti": ""}, id="an empty jti"),
        pytest.param({"jti": "j" * (MAX_JTI + 1)}, id="a long jti"),
        pytest.param({"jti": 7}, id="jti a number"),
        pytest.param({"jti": ["j"]}, id="jti a list"),
    ],
)
def test_j19_what_an_assertion_has_to_say(changes):
    refusal(an_assertion(**changes))


def test_j19_another_clients_key_of_the_same_name():
    other = a_signing_client("other", jwks=a_jwks(a_public_jwk(key=OTHERS["ES256"])))
    server = a_server(a_signing_client(), other)
    assert validated(server, an_assertion("other", key=OTHERS["ES256"]))
    refusal(an_assertion("other"), server=server)
    refusal(an_assertion(key=OTHERS["ES256"]), server=server)


def test_j19_a_request_object_is_no_assertion():
    """It is signed by the same key, for the same audience (RFC 9101 section 10.8)."""
    request = {"client_id": "signer", "response_type": "code", "scope": "read"}
    refusal(an_assertion(header={"typ": "oauth-authz-req+jwt"}, **request))
    refusal(an_assertion(header={"typ": None}, sub=None, **request), client_id="signer")


@pytest.mark.parametrize(
    ("name", "value", "is_good"),
    [
        ("exp", NOW + 60, True),
        ("exp", NOW + 60.5, True),
        ("exp", NOW + MAX_LIFETIME, True),
        ("exp", NOW + 1 - LEEWAY, True),
        ("exp", str(NOW + 60), False),
        ("exp", True, False),
        ("exp", [], False),
        ("exp", {}, False),
        ("exp", 10**4000, False),
        ("exp", -1, False),
        ("iat", NOW + 8, True),
        ("iat", NOW + LEEWAY, True),
        ("iat", NOW + 60 - MAX_LIFETIME, True),
        ("iat", None, True),
        ("nbf", NOW + 60 - MAX_LIFETIME - LEEWAY, True),
        ("iat", str(NOW), False),
        ("iat", False, False),
        ("nbf", NOW, True),
        ("nbf", NOW + LEEWAY, True),
        ("nbf", "soon", False),
        ("nbf", [NOW], False),
    ],
    ids=lambda value: str(value)[:20],
)
def test_j20_j29_times_are_numbers_and_have_edges(name, value, is_good):
    if is_good:
        assert validated(SERVER, an_assertion(**{name: value}))
    else:
        refusal(an_assertion(**{name: value}))


@pytest.mark.parametrize("number", ["1e400", "NaN", "Infinity", "-Infinity", "9" * 5000, "null"])
def test_j20_numbers_that_only_some_parsers_know(number):
    said = json.dumps(claims(exp=None))[:-1] + f', "exp": {number}}}'
    refusal(sign_text(to_json(HEADER), said.encode()))


@pytest.mark.parametrize("member", ["aud", "sub", "iss", "exp", "jti"])
def test_j21_a_member_twice_in_the_payload(member):
    said = claims()
    for first in (said[member], "x"):
        twice = json.dumps({member: first})[:-1] + ", " + json.dumps(said)[1:]
        refusal(sign_text(to_json(HEADER), twice.encode()))


def test_j21_a_member_twice_in_the_header():
    twice = b'{"alg":"none",' + to_json(HEADER)[1:]
    refusal(sign_text(twice, to_json(claims())))


@pytest.mark.parametrize(
    "encoded",
    [
        pytest.param(lambda text: text.encode("utf-16"), id="UTF-16"),
        pytest.param(lambda text: text.encode("utf-16-le"), id="UTF-16 without a mark"),
        pytest.param(lambda text: text.encode("utf-8-sig"), id="with a byte order mark"),
        pytest.param(lambda text: text.encode() + b"\xff", id="not UTF-8"),
        pytest.param(lambda text: text.replace("jti-", "\\ud800").encode(), id="half a pair"),
    ],
)
def test_j22_only_utf_8(encoded):
    refusal(sign_text(to_json(HEADER), encoded(json.dumps(claims()))))


def test_j22_a_nul_in_sub_is_another_client():
    refusal(an_assertion("signer\0"))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("." * 2000, id="dots"),
        pytest.param("A" * 5_000_000, id="5 MB"),
        pytest.param(f"{to_base64url(b'[' * 5000)}.AAAA.AAAA", id="nested, in the header"),
        pytest.param(
            f"{to_base64url(to_json(HEADER))}.{to_base64url(b'[' * 5000)}.AAAA",
            id="nested, in the payload",
        ),
        pytest.param("a" * 9000 + ".b.c", id="a long header"),
    ],
)
def test_j23_size_and_depth(text):
    refusal(text)


@pytest.mark.parametrize(
    "segments",
    [
        "{head}..{tail}",
        "{head}.{body}",
        "{head}.{body}.{tail}.{tail}",
        "{head}.{body}.{tail}.{body}.{tail}",
        '{{"payload":"{body}"}}',
    ],
)
def test_j24_one_serialization(segments):
    head, body, tail = an_assertion().split(".")
    refusal(segments.format(head=head, body=body, tail=tail))


@pytest.mark.parametrize("kind", [None, "urn:ietf:params:oauth:client-assertion-type:saml2-bearer",
    "urn:ietf:params:oauth:client-assertion-type:JWT-bearer", "jwt-bearer"])  # fmt: skip
def test_its_type_is_said_exactly(kind):
    with pytest.raises(InvalidRequest, match="client_assertion_type urn:ietf"):
        validated(SERVER, an_assertion(), client_assertion_type=kind)


@pytest.mark.parametrize(
    "others", [{"client_secret": "x"}, {"authorization": "Basic eDp5"}], ids=["post", "basic"]
)
def test_p4_one_mechanism_at_once(others):
    headers = {name: each for name, each in others.items() if name == "authorization"}
    form = {name: each for name, each in others.items() if name not in headers}
    request = a_signed_request(an_assertion(), **form)
    with pytest.raises(InvalidRequest, match="More than one"):
        TokenGenerator().validate(SERVER, replace(request, headers=headers))
    assert validated(SERVER, an_assertion())


@pytest.mark.parametrize("client_id", ["web", "spa", "nobody"])
def test_who_registered_another_method_or_is_unknown_is_refused_in_the_same_words(client_id):
    assert refusal(an_assertion(client_id)).error == "invalid_client"
    detail = refusal(an_assertion(client_id)).detail
    assert (
        detail
        == {
            "web": "sent by private_key_jwt, registered is client_secret_basic",
            "spa": "sent by private_key_jwt, registered is none",
            "nobody": "unknown client",
        }[client_id]
    )


def test_a_client_that_signs_has_no_secret():
    with pytest.raises(InvalidClient):
        TokenGenerator().validate(SERVER, a_request(client_id="signer"))


def test_whoever_failed_is_not_made_to_wait():
    """A signature cannot be guessed, and nobody shall be able to lock a client out."""
    assert refusal(an_assertion(key=OTHERS["ES256"])).guess is None
    assert refusal(an_assertion(key=OTHERS["ES256"])).client_id == "signer"
    assert refusal(an_assertion("nobody")).guess is None


def test_what_is_remembered_of_it_is_short_and_its_own():
    """J7, J8, P27: the id, by client, never the text."""
    first = validated(SERVER, an_assertion(jti="1")).once
    (again,) = validated(SERVER, an_assertion(jti="1", alg="EdDSA")).once
    assert [each.id for each in first] == [again.id]
    (other,) = validated(SERVER, an_assertion(jti="\0" * MAX_JTI)).once
    assert other.id != again.id
    assert len(other.id) == len(again.id)
    assert other.expires_at == NOW + 60 + LEEWAY
    assert other.issued_at == NOW
    server = a_server(a_signing_client(), a_signing_client("other"))
    (others,) = validated(server, an_assertion("other", jti="1")).once
    assert others.id != again.id


def test_without_iat_it_may_be_as_old_as_its_end_allows():
    (once,) = validated(SERVER, an_assertion(iat=None)).once
    assert once.issued_at == NOW + 60 - MAX_LIFETIME
