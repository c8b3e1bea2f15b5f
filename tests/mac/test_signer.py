"""Signing requests: the vectors, and what other people's verifier says of it."""

import warnings
from hashlib import sha1, sha256

import httpx
import pytest
import requests

from keys.mac.httpx import MacAuth as HttpxMacAuth
from keys.mac.requests import MacAuth as RequestsMacAuth
from keys.mac.signed_request import Request, body_hash
from keys.mac.signer import MacCredentials, Signer, authorization
from tests.builders import NOW

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # WebOb's, of the standard library's cgi
    import macauthlib

RESPONSE = {
    "access_token": "h480djs93hd8",
    "token_type": "mac",
    "mac_key": "489dks293j39",
    "mac_algorithm": "hmac-sha-1",
}
REQUEST = Request.of("get", "/resource/1?b=1&a=2", "example.com", 80)
SHA_256 = {"mac_algorithm": "hmac-sha-256"}


@pytest.mark.parametrize(
    ("algorithm", "mac"),
    [
        ("hmac-sha-1", "6T3zZzy2Emppni6bzL7kdRxUWL4="),  # the draft prints another, wrongly
        ("hmac-sha-256", "1c0l2YIW7g7syyDmVHy2lxCeZK5VouDCuU0T0YOmTOU="),
    ],
)
def test_the_vector_of_the_draft(algorithm, mac):
    """draft-ietf-oauth-v2-http-mac-01 section 1.1; mac.md has both values."""
    credentials = MacCredentials.from_response(RESPONSE | {"mac_algorithm": algorithm})
    assert authorization(REQUEST, credentials, ts=1336363200, nonce="dj83hs9s") == (
        f'MAC id="h480djs93hd8", ts="1336363200", nonce="dj83hs9s", mac="{mac}"'
    )


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"token_type": "Bearer"}, id="another type"),
        pytest.param({"token_type": None}, id="no type"),
        pytest.param({"mac_key": None}, id="no key"),
        pytest.param({"mac_key": ""}, id="an empty key"),
        pytest.param({"access_token": 1}, id="a token that is no string"),
        pytest.param({"mac_algorithm": None}, id="no algorithm"),
        pytest.param({"mac_algorithm": "hmac-md5"}, id="an unknown algorithm"),
    ],
)
def test_a_response_without_mac_credentials_is_refused(changed):
    with pytest.raises(ValueError, match=r"token_type|needed|mac_algorithm"):
        MacCredentials.from_response(RESPONSE | changed)
    assert MacCredentials.from_response(RESPONSE | {"token_type": "MAC", "expires_in": 600})


def test_the_key_and_the_token_are_not_shown():
    shown = repr(MacCredentials.from_response(RESPONSE))
    assert RESPONSE["mac_key"] not in shown
    assert RESPONSE["access_token"] not in shown
    assert "hmac-sha-1" in shown


@pytest.mark.parametrize("ext", ['a"b', "a\nb", "a\\b", "é"])
def test_an_ext_that_cannot_be_written_is_refused(ext):
    """P28: a line break would make two parts of one."""
    credentials = MacCredentials.from_response(RESPONSE)
    with pytest.raises(ValueError, match=r"ext|line break"):
        authorization(REQUEST, credentials, ts=NOW, nonce="n", ext=ext)
    assert 'ext="a b"' in authorization(REQUEST, credentials, ts=NOW, nonce="n", ext="a b")


def test_no_two_requests_have_the_same_nonce():
    signer = Signer(MacCredentials.from_response(RESPONSE), lambda: NOW)
    assert len({signer.sign(REQUEST) for _ in range(100)}) == 100


@pytest.mark.parametrize("hashed", [False, True])
@pytest.mark.parametrize(("algorithm", "hash_"), [("hmac-sha-1", sha1), ("hmac-sha-256", sha256)])
def test_macauthlib_accepts_what_we_sign(algorithm, hash_, hashed):
    auth = RequestsMacAuth(RESPONSE | {"mac_algorithm": algorithm}, body_hash=hashed)
    url = "https://Example.com/resource/1?b=1&a=2"
    request = requests.Request("POST", url, data="x", auth=auth).prepare()
    key = RESPONSE["mac_key"]
    assert macauthlib.get_id(request) == RESPONSE["access_token"]
    assert not macauthlib.check_signature(request, key + "x", hash_, nonces=False)
    assert macauthlib.check_signature(request, key, hash_, nonces=False)


def test_both_classes_sign_the_same():
    by_requests = RequestsMacAuth(RESPONSE | SHA_256, clock=lambda: NOW)
    by_httpx = HttpxMacAuth(MacCredentials.from_response(RESPONSE | SHA_256), clock=lambda: NOW)
    one = requests.Request("GET", "https://example.com/x?a=1", auth=by_requests).prepare()
    two = next(by_httpx.auth_flow(httpx.Request("GET", "https://example.com/x?a=1")))
    for header in (one.headers["Authorization"], two.headers["Authorization"]):
        nonce = header.partition('nonce="')[2].partition('"')[0]
        credentials = MacCredentials.from_response(RESPONSE | SHA_256)
        request = Request.of("GET", "/x?a=1", "example.com", 443)
        assert header == authorization(request, credentials, ts=NOW, nonce=nonce)


def test_a_form_is_hashed_as_it_is_sent():
    by_requests = RequestsMacAuth(RESPONSE, body_hash=True)
    by_httpx = HttpxMacAuth(RESPONSE, body_hash=True)
    form = {"a": "é", "b": ""}
    one = requests.Request("POST", "https://example.com/x", data=form, auth=by_requests).prepare()
    two = next(by_httpx.auth_flow(httpx.Request("POST", "https://example.com/x", data=form)))
    expected = body_hash(b"a=%C3%A9&b=")
    assert f'ext="sha-256={expected}"' in one.headers["Authorization"]
    assert f'ext="sha-256={expected}"' in two.headers["Authorization"]


def test_a_host_that_is_set_by_hand_is_the_one_that_is_signed():
    auth = RequestsMacAuth(RESPONSE, clock=lambda: NOW)
    headers = {"Host": "api.example:8443"}
    request = requests.Request("GET", "http://127.0.0.1:9/x", headers=headers, auth=auth).prepare()
    header = request.headers["Authorization"]
    nonce = header.partition('nonce="')[2].partition('"')[0]
    signed = Request.of("GET", "/x", "api.example", 8443)
    credentials = MacCredentials.from_response(RESPONSE)
    assert header == authorization(signed, credentials, ts=NOW, nonce=nonce)
