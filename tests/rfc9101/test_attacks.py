"""Request objects against section 2.1 of the security rules, J1 to J24, each with its control.

Whatever was not signed by the client's key in the one way there is leads nowhere: a page, although
the object names a redirect_uri that is registered (B2).
"""

import hashlib
import json
import socket
import time
from itertools import permutations
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from issuer import client_auth
from issuer.browser import interaction
from issuer.browser.answering import Answered
from issuer.errors import AccessTokenException, InvalidRequestObject
from issuer.protocol.form import Form
from issuer.protocol.request import TokenRequest
from keys.encoding import from_base64url, to_base64url, to_json
from tests.builders import ISSUER, NOW, a_client, a_server
from tests.rfc7523.keys import KID, OTHERS, PRIVATE, a_jwks, a_public_jwk, sign, sign_text
from tests.rfc9101.builders import (
    TYP,
    a_request_object,
    a_signing_client,
    carrying,
    received,
    said,
)

SERVER = a_server(
    a_signing_client(jwks=a_jwks(*(a_public_jwk(each) for each in PRIVATE))), a_client("other")
)
HEADER = {"alg": "ES256", "kid": KID, "typ": TYP}
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of the curve P-256."""


def refuse(text: str, *, server: Any = SERVER) -> str:
    """Refuses ``text`` before the person, in constant words; what the log hears of it."""
    with pytest.raises(InvalidRequestObject) as caught:
        received(server, text)
    assert caught.value.description == (
        "The request object is not a JWT that a key of the client signed."
    )
    assert received(server, a_request_object())
    return caught.value.detail


@pytest.mark.parametrize("signature", ["", "AA", "A" * 86])
@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", " none", "none\0"])
def test_j1_unsigned(alg, signature):
    """OpenID Connect Core section 6.1 has it; RFC 9101 section 4 does not."""
    header, payload = (to_base64url(to_json(each)) for each in (HEADER | {"alg": alg}, said()))
    refuse(f"{header}.{payload}.{signature}")


@pytest.mark.parametrize("alg", [None, ["ES256"], 1, {}, "", "es256", "ES384", "ES256K", "HS256"])
def test_j2_an_alg_that_there_is_not(alg):
    refuse(a_request_object(header={"alg": alg}))


@pytest.mark.parametrize("alg", PRIVATE)
def test_j3_a_public_key_as_a_shared_secret(alg):
    public = PRIVATE[alg].public_key()
    info = PublicFormat.SubjectPublicKeyInfo
    pem = public.public_bytes(Encoding.PEM, info)
    jwk = a_public_jwk(alg)
    header = to_base64url(to_json(HEADER | {"alg": "HS256"}))
    message = f"{header}.{to_base64url(to_json(said()))}".encode()
    for secret in (pem, pem.strip(), b"\xef\xbb\xbf" + pem, public.public_bytes(Encoding.DER, info),
                   to_json(jwk), to_json(a_jwks(jwk)), b""):  # fmt: skip
        mac = hashlib.sha256(secret + message).digest()
        refuse(f"{message.decode()}.{to_base64url(mac)}")


@pytest.mark.parametrize(("alg", "named"), [*permutations(PRIVATE, 2)])
def test_j4_j5_an_alg_that_is_not_the_keys(alg, named):
    refuse(a_request_object(how={"alg": alg}, header={"alg": named}))
    only = a_server(a_signing_client(jwks=a_jwks(a_public_jwk(named))))
    with pytest.raises(InvalidRequestObject):
        received(only, a_request_object(how={"alg": alg}))
    assert received(only, a_request_object(how={"alg": named}))


@pytest.mark.parametrize(
    ("r", "s"), [(0, 0), (ORDER, ORDER), (1, ORDER + 1), (2**256 - 1, 1), (1, 0), (0, 1)]
)
@pytest.mark.parametrize("cut", [64, 63, 65])
def test_j6_signatures_that_broken_libraries_verify(r, s, cut):
    message = a_request_object().rpartition(".")[0]
    raw = (r.to_bytes(32, "big") + s.to_bytes(32, "big") + b"\0")[:cut]
    refuse(f"{message}.{to_base64url(raw)}")


def test_j7_another_signature_over_the_same_is_the_same_request():
    """It begins no second interaction: what is remembered is its jti."""
    text = a_request_object()
    message, _, signature = text.rpartition(".")
    raw = from_base64url(signature)
    flipped = (ORDER - int.from_bytes(raw[32:], "big")).to_bytes(32, "big")
    twin = f"{message}.{to_base64url(raw[:32] + flipped)}"
    assert twin != text
    (first,), (second,) = (
        interaction.receive(SERVER, carrying(each), NOW)[1] for each in (text, twin)
    )
    assert first.id == second.id


@pytest.mark.parametrize("part", [0, 1, 2])
@pytest.mark.parametrize("spoil", ["=", "==", "\n", " ", "!", "%", "+", "/", "\0", "A"])
def test_j8_one_spelling(part, spoil):
    parts = a_request_object().split(".")
    for spoilt in (parts[part] + spoil, spoil + parts[part]):
        refuse(".".join([*parts[:part], spoilt, *parts[part + 1 :]]))


@pytest.mark.parametrize(
    "kid",
    ["../../etc/passwd", "/dev/null", "x' OR 1=1--", "k" * 3_000, 7, [KID], {}, "a\0b", "a\r\nb",
     "unknown", ""],
    ids=lambda kid: str(kid)[:12],
)  # fmt: skip
def test_j9_a_kid_names_a_key_of_the_client_or_none(kid):
    detail = refuse(a_request_object(header={"kid": kid}))
    assert "\n" not in detail
    assert "passwd" not in detail


def test_j9_without_a_kid_each_key_is_tried():
    assert received(SERVER, a_request_object(header={"kid": None}))
    refuse(a_request_object(header={"kid": None}, how={"key": OTHERS["ES256"]}))


@pytest.mark.parametrize("member", ["jku", "x5u"])
def test_j10_nobody_goes_where_a_header_points(member):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/jwks.json"
        for there in (url, "file:///etc/passwd", "data:,x"):
            assert received(SERVER, a_request_object(header={member: there}))
            refuse(a_request_object(header={member: there}, how={"key": OTHERS["ES256"]}))
        with pytest.raises(TimeoutError):
            listener.accept()


def test_j11_a_key_in_the_header_is_nobodys():
    jwk = a_public_jwk(key=OTHERS["ES256"])
    for header in ({"jwk": jwk}, {"jwk": jwk, "kid": None}, {"x5c": ["AQID"]}):
        refuse(a_request_object(header=header, how={"key": OTHERS["ES256"]}))


@pytest.mark.parametrize("crit", [["x"], [], ["exp"], "exp", ["b64"], None])
def test_j12_no_extension_is_understood(crit):
    header = to_json({**HEADER, "crit": crit, "b64": False})
    refuse(sign_text(header, to_json(said())))


@pytest.mark.parametrize("number", ["1e400", "NaN", "Infinity", "-Infinity", "9" * 5000])
@pytest.mark.parametrize("name", ["exp", "nbf", "iat", "max_age"])
def test_j20_numbers_that_not_all_parsers_know(name, number):
    claims = json.dumps(said(**{name: None}))[:-1] + f', "{name}": {number}}}'
    with pytest.raises((AccessTokenException, Answered)):
        received(SERVER, sign_text(to_json(HEADER), claims.encode()))
    assert received(SERVER, a_request_object())


@pytest.mark.parametrize("name", ["aud", "iss", "client_id", "exp", "redirect_uri", "scope"])
def test_j21_a_member_twice(name):
    claims = said()
    for first in (claims[name], "x"):
        twice = json.dumps({name: first})[:-1] + ", " + json.dumps(claims)[1:]
        refuse(sign_text(to_json(HEADER), twice.encode()))


@pytest.mark.parametrize("first", ["none", "ES256"])
def test_j21_a_member_of_the_header_twice(first):
    twice = b'{"alg":"%b",' % first.encode() + to_json(HEADER)[1:]
    refuse(sign_text(twice, to_json(said())))


@pytest.mark.parametrize(
    "encoded",
    [
        pytest.param(lambda text: text.encode("utf-16"), id="UTF-16"),
        pytest.param(lambda text: text.encode("utf-16-le"), id="UTF-16 without a mark"),
        pytest.param(lambda text: text.encode("utf-8-sig"), id="a byte order mark"),
        pytest.param(lambda text: text.encode() + b"\xff", id="not UTF-8"),
        pytest.param(lambda text: text.replace("signed", "\\ud800").encode(), id="half a pair"),
        pytest.param(lambda text: text.replace("signed", "\xed\xa0").encode("latin-1"), id="half"),
        pytest.param(lambda text: f"[{text}]".encode(), id="a list"),
        pytest.param(lambda text: json.dumps(text).encode(), id="a text"),
        pytest.param(lambda _: b"", id="nothing"),
    ],
)
def test_j22_only_an_object_in_utf_8(encoded):
    refuse(sign_text(to_json(HEADER), encoded(json.dumps(said()))))


def test_j22_a_nul_is_a_letter_of_another_name():
    for name in ("iss", "client_id"):
        with pytest.raises(InvalidRequestObject):
            received(SERVER, a_request_object(**{name: "web\0"}))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("." * 2000, id="dots"),
        pytest.param("A" * 5_000_000, id="5 MB"),
        pytest.param(a_request_object(state="s" * 7000), id="more than 8 KiB"),
        pytest.param(sign_text(b"[" * 3000, to_json(said())), id="a nested header"),
        pytest.param(sign_text(to_json(HEADER), b"[" * 3000), id="a nested payload"),
        pytest.param(sign(said(claims=json.loads("[" * 40 + "]" * 40))), id="a deep claim"),
    ],
)
def test_j23_size_and_depth(text):
    began = time.process_time()
    refuse(text)
    assert time.process_time() - began < 0.5  # generous: it takes well below a millisecond
    assert received(SERVER, a_request_object(state="s" * 4000))


@pytest.mark.parametrize("form", ["{0}..{2}", "{0}.{1}", "{0}.{1}.{2}.{2}", "{0}.{1}.{2}.", "{0}",
                                  "{0}.{1}.", ".{1}.{2}", '{{"payload":"{1}"}}',
                                  "{0}.{1}.{2}.{1}.{2}"])  # fmt: skip
def test_j24_one_serialization_and_no_encryption(form):
    """J25, J26: five parts would be a JWE, which is not taken."""
    refuse(form.format(*a_request_object().split(".")))


def test_j25_nothing_is_decompressed():
    refuse(a_request_object(header={"zip": "DEF"})[:-2])
    assert received(SERVER, a_request_object(header={"zip": "DEF"}))  # a JWS has no such member


@pytest.mark.parametrize("key", ["another client's", "nobody's"])
def test_j19_another_clients_key_of_the_same_name(key):
    other = a_signing_client("other", jwks=a_jwks(a_public_jwk(key=OTHERS["ES256"])))
    server = a_server(*([other] if key == "another client's" else []), a_signing_client())
    refuse(a_request_object(how={"key": OTHERS["ES256"]}), server=server)
    theirs = a_request_object(
        iss="other", client_id="other", how={"key": OTHERS["ES256"]}, redirect_uri=None
    )
    refuse(theirs, server=server)


def test_j19_a_request_object_authenticates_nobody():
    """RFC 9101 section 10.8: not as an assertion, not at /par, not at the token endpoint."""
    server = a_server(a_signing_client(), a_client("other"))
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    sent = {"client_id": "web", "client_assertion": a_request_object(),
            "client_assertion_type": kind}  # fmt: skip
    form = Form({name: (value,) for name, value in sent.items()})
    with pytest.raises(AccessTokenException) as caught:
        client_auth.authenticate(server, TokenRequest(form=form, received_at=NOW))
    assert caught.value.error == "invalid_client"


def test_j15_what_was_signed_for_another_issuer_is_of_no_use_here():
    for aud in ("https://issuer.example.evil", "https://issuer", [ISSUER + "/"], {"a": ISSUER}):
        with pytest.raises(InvalidRequestObject):
            received(SERVER, a_request_object(aud=aud))
    assert received(SERVER, a_request_object())
