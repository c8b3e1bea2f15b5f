"""The middleware behind real servers: what it answers, and what the target is for it."""

import http.client
import json
import secrets
import shutil
import time
from contextlib import closing
from typing import NamedTuple

import httpx
import pytest

from keys.mac.httpx import MacAuth
from keys.mac.signed_request import Request
from keys.mac.signer import MacCredentials, authorization
from tests.builders import API, MAC_API
from tests.mac.serving import RunningApi, RunningProxy
from tests.running import free_port


class Answer(NamedTuple):
    status: int
    body: bytes


def send(api: RunningApi, target: str, authorization: str, *, sent_to: str | None = None) -> Answer:
    """The answer to a GET whose request line has exactly this target."""
    connection = http.client.HTTPConnection(api.host.strip("[]"), api.port, timeout=10)
    with closing(connection):
        connection.putrequest("GET", target, skip_host=True)
        connection.putheader("Host", sent_to or api.netloc)
        connection.putheader("Authorization", authorization)
        connection.endheaders()
        response = connection.getresponse()
        return Answer(response.status, response.read())


def sign(api: RunningApi, token: dict, target: str, *, host: str | None = None) -> str:
    """The field for a GET, with a nonce that was never used."""
    nonce = secrets.token_hex(8)
    request = Request.of("GET", target, host or api.host, api.port)
    credentials = MacCredentials.from_response(token)
    return authorization(request, credentials, ts=int(time.time()), nonce=nonce)


TARGETS = [
    "/", "/?", "/x?", "/x??", "/a%2Fb%20c", "/a%2fb", "//a//b", "/a/../b/./c", "/a;p=1;q?y;z",
    "/x?a=1&a=2&&b", "/x?q=%C3%A9+%26%3d", "/%c3%a9%zz", "/x?'()*!~$,:@/?", '/a\\b"c|d^`{}',
    "/a%0Ab", "/%00", "/x?="
]  # fmt: skip


@pytest.fixture(scope="module")
def token(mac_token):
    return mac_token()


@pytest.mark.parametrize("target", TARGETS)
def test_the_target_is_what_was_sent_byte_for_byte(api, token, target):
    """mac.md section 3, rule 4; the nearest neighbour differs in one character."""
    signed = sign(api, token, target)
    other = f"{target}x"
    assert send(api, other, signed).status == 401
    assert send(api, target, signed).status == 200


@pytest.mark.parametrize(("encoded", "decoded"), [("/a%2Fb", "/a/b"), ("/%61", "/a")])
def test_an_encoded_character_is_not_the_same_as_a_decoded_one(api, token, encoded, decoded):
    """What two spellings of a path mean to the application is not for the MAC to guess."""
    assert send(api, decoded, sign(api, token, encoded)).status == 401
    assert send(api, encoded, sign(api, token, encoded)).status == 200


def test_a_target_in_absolute_form_is_its_path_and_query(api, token):
    """RFC 9112 section 3.2.2: a request through a forward proxy. Clients sign the path."""
    signed = sign(api, token, "/x?z=1")
    assert send(api, f"{api.url}/x?z=2", signed).status == 401
    assert send(api, f"{api.url}/x?z=1", signed).status == 200


def test_a_question_mark_that_nothing_follows_does_not_make_a_second_request(api, token):
    """ASGI servers drop it: both spellings are one request, and are remembered as one."""
    signed = sign(api, token, "/x?")
    assert send(api, "/x?", signed).status == 200
    assert send(api, "/x?", signed).status == 401
    assert send(api, "/x", signed).status == 401


def test_a_request_that_is_sent_again_is_refused(api, token):
    """P28."""
    signed = sign(api, token, "/x")
    assert send(api, "/x", signed).status == 200
    assert send(api, "/x", signed).status == 401
    assert send(api, "/x", sign(api, token, "/x")).status == 200


def test_the_host_is_the_one_that_the_client_named(api, token):
    signed = sign(api, token, "/x", host="api.example")
    assert send(api, "/x", signed).status == 401
    assert send(api, "/x", signed, sent_to=f"evil.example:{api.port}").status == 401
    assert send(api, "/x", signed, sent_to=f"api.example:{api.port + 1}").status == 401
    assert send(api, "/x", signed, sent_to=f"API.example:{api.port}").status == 200


@pytest.mark.parametrize("host", ["a b", "[::1", "h:99999999", "u@h", ""])
def test_a_host_that_is_none_is_refused(api, token, host):
    signed = sign(api, token, "/x")
    assert send(api, "/x", signed, sent_to=host or " ").status in {400, 401}
    assert send(api, "/x", signed).status == 200


def test_a_request_without_credentials_is_told_every_scheme(api):
    """RFC 9110 section 11.6.1; RFC 6750 section 3; http-mac-01 section 4."""
    expected = [f'Bearer realm="{API}"', f'MAC realm="{MAC_API}"']
    for sent in ({}, {"Authorization": "Basic YTpi"}, {"Authorization": "MACX id=1"}):
        answer = httpx.get(f"{api.url}/x", headers=sent)
        assert answer.status_code == 401
        assert answer.headers.get_list("WWW-Authenticate") == expected
        assert answer.text == "Credentials are needed."
    assert httpx.get(f"{api.url}/healthz").status_code == 200
    assert httpx.get(f"{api.url}/healthz/").status_code == 401
    assert httpx.head(f"{api.url}/x").status_code == 401


def test_each_scheme_gets_its_own_tokens_in(api, issuer_server, token):
    """P28: neither token is any good by the other scheme."""
    bearer = issuer_server.access_token("read")
    header = {"Authorization": f"Bearer {token['access_token']}"}
    refused = httpx.get(f"{api.url}/x", headers=header)
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"].startswith('Bearer error="invalid_token"')
    refused = httpx.get(f"{api.url}/x", auth=MacAuth(token | {"access_token": bearer}))
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"].startswith('MAC error="')
    accepted = httpx.get(f"{api.url}/x", headers={"Authorization": f"Bearer {bearer}"})
    assert accepted.json()["audience"] == API
    accepted = httpx.get(f"{api.url}/x", auth=MacAuth(token))
    assert accepted.json()["audience"] == MAC_API


def test_what_the_application_refuses_is_answered_by_the_scheme(api, issuer_server, token):
    """RFC 6750 section 3.1: a scope that is missing."""
    answer = httpx.get(f"{api.url}/pay", auth=MacAuth(token))
    assert answer.status_code == 403
    assert answer.headers["WWW-Authenticate"].startswith("MAC ")
    bearer = {"Authorization": f"Bearer {issuer_server.access_token('read')}"}
    answer = httpx.get(f"{api.url}/pay", headers=bearer)
    assert answer.status_code == 403
    assert 'scope="pay"' in answer.headers["WWW-Authenticate"]


def test_a_body_is_bound_where_its_hash_is_signed(api, token):
    """P28: a wrong body hash. Without one the MAC does not cover the body."""
    auth = MacAuth(token, body_hash=True)
    with httpx.Client() as client:
        for body in (b"", b"pay=1", b"x" * 200_000, "é".encode()):
            answer = client.post(f"{api.url}/x", content=body, auth=auth)
            assert answer.json()["body"] == body.decode()
        signed = next(auth.auth_flow(client.build_request("POST", api.url, content=b"pay=1")))
        headers = {"Authorization": signed.headers["Authorization"]}
        assert client.post(api.url, content=b"pay=9", headers=headers).status_code == 401
        assert client.post(api.url, content=b"pay=1", headers=headers).status_code == 200
        unbound = next(MacAuth(token).auth_flow(client.build_request("POST", api.url)))
        headers = {"Authorization": unbound.headers["Authorization"]}
        assert client.post(api.url, content=b"pay=9", headers=headers).status_code == 200


def test_a_chunked_body_is_read_and_handed_on(api, token):
    def chunks():
        yield b"pay="
        yield b"1"

    auth = MacAuth(token, body_hash=True)
    with httpx.Client() as client:
        request = client.build_request("POST", api.url, content=b"pay=1")
        signed = next(auth.auth_flow(request)).headers["Authorization"]
        answer = client.post(api.url, content=chunks(), headers={"Authorization": signed})
        assert answer.json()["body"] == "pay=1"


def test_a_body_that_is_too_large_to_be_held_is_refused_unread(api, token):
    auth = MacAuth(token, body_hash=True)
    signed = next(auth.auth_flow(httpx.Request("POST", api.url, content=b"x")))
    with closing(http.client.HTTPConnection(api.host, api.port, timeout=10)) as connection:
        connection.putrequest("POST", "/")
        connection.putheader("Authorization", signed.headers["Authorization"])
        connection.putheader("Content-Length", str((1 << 20) + 1))
        connection.endheaders()
        assert connection.getresponse().status == 413
    large = b"x" * ((1 << 20) + 1)
    assert httpx.post(api.url, content=large, auth=MacAuth(token)).status_code == 200
    assert httpx.post(api.url, content=large[1:], auth=auth).status_code == 200


@pytest.mark.parametrize("server", ["uvicorn", "gunicorn"])
def test_a_body_hash_can_be_demanded(server, issuer_server, mac_token, tmp_path):
    with RunningApi(server, issuer_server, tmp_path, REQUIRE_BODY_HASH="1") as api:
        token = mac_token()
        unbound, bound = MacAuth(token), MacAuth(token, body_hash=True)
        assert httpx.post(api.url, content=b"pay=1", auth=unbound).status_code == 401
        assert httpx.post(api.url, content=b"pay=1", auth=bound).status_code == 200
        assert httpx.get(api.url, auth=unbound).status_code == 200


@pytest.mark.parametrize("server", ["uvicorn", "gunicorn"])
def test_a_client_with_ten_tokens_leaves_the_others_their_room(server, an_issuer, tmp_path):
    """P28: what is remembered is bounded, and what of it is one client's is bounded too."""
    issuer = an_issuer()
    table = issuer.read_registry()
    table["clients"]["other"] = table["clients"]["web"]
    issuer.write_registry(table)
    issuer.start()

    def a_token(client_id: str) -> dict:
        wanted = {"grant_type": "client_credentials", "resource": MAC_API}
        return issuer.token(client_id, **wanted).json()

    limits = {"MAX_ENTRIES": "40", "MAX_PER_CLIENT": "20"}
    with RunningApi(server, issuer, tmp_path, **limits) as api:
        tokens = [a_token("web") for _ in range(10)]
        answers = [httpx.get(api.url, auth=MacAuth(each)) for each in tokens * 3]
        assert [each.status_code for each in answers] == [200] * 20 + [503] * 10
        assert answers[-1].headers["Retry-After"] == "5"
        assert httpx.get(api.url, auth=MacAuth(a_token("web"))).status_code == 503
        others = [httpx.get(api.url, auth=MacAuth(a_token("other"))) for _ in range(20)]
        assert [each.status_code for each in others] == [200] * 20


@pytest.mark.parametrize("server", ["uvicorn", "gunicorn"])
def test_an_ipv6_host_keeps_its_brackets(server, issuer_server, mac_token, tmp_path):
    with RunningApi(server, issuer_server, tmp_path, host="[::1]") as api:
        token = mac_token()
        assert httpx.get(f"{api.url}/x?a=1", auth=MacAuth(token)).status_code == 200
        other = sign(api, token, "/x", host="127.0.0.1")
        assert send(api, "/x", other).status == 401
        assert send(api, "/x", sign(api, token, "/x")).status == 200


@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")
@pytest.mark.parametrize("server", ["uvicorn", "gunicorn"])
def test_behind_a_proxy_the_origin_is_the_public_one(server, issuer_server, mac_token, tmp_path):
    """The proxy names another host; what it says of the first one is never believed."""
    token, port = mac_token(), free_port()
    origin = f"http://127.0.0.1:{port}"
    with (
        RunningApi(server, issuer_server, tmp_path, ORIGIN=origin) as api,
        RunningProxy(tmp_path, port, api.netloc) as proxy,
    ):
        for target in ("/", "/x?", "/a%2Fb%20c?q=%c3%a9&&'", "//a//b", "/x;p"):
            answer = httpx.get(proxy.url + target, auth=MacAuth(token))
            assert answer.status_code == 200, target
        bound = MacAuth(token, body_hash=True)
        answer = httpx.post(f"{proxy.url}/x", content=b"pay=1", auth=bound)
        assert answer.json()["body"] == "pay=1"
        assert httpx.get(f"{api.url}/x", auth=MacAuth(token)).status_code == 401
    with (
        RunningApi(server, issuer_server, tmp_path) as api,
        RunningProxy(tmp_path, port, api.netloc) as proxy,
    ):
        assert httpx.get(f"{proxy.url}/x", auth=MacAuth(token)).status_code == 401
        assert httpx.get(f"{api.url}/x", auth=MacAuth(token)).status_code == 200


def test_a_path_that_the_proxy_cut_off_is_part_of_the_target(issuer_server, mac_token, tmp_path):
    """uvicorn puts its root path before what it received."""
    with RunningApi("uvicorn", issuer_server, tmp_path, UVICORN_ROOT_PATH="/app") as api:
        token = mac_token()
        assert send(api, "/x", sign(api, token, "/x")).status == 401
        assert send(api, "/x", sign(api, token, "/app/x")).status == 200


def test_what_is_refused_is_said_to_the_log_alone(api, token):
    answer = httpx.get(f"{api.url}/x", auth=MacAuth(token | {"mac_key": "A" * 43}))
    assert answer.status_code == 401
    assert answer.text == "The MAC credentials are not valid here, or have expired."
    assert token["access_token"] not in json.dumps(dict(answer.headers))
