"""MAC clients, each with a token of the running issuer, against running resource servers.

A bug that a library is known for is a refusal here, beside the call that works.
"""

import asyncio
import datetime
import warnings
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any

import httpx
import jwt
import pytest
import requests
from oauthlib.oauth2 import BackendApplicationClient, WebApplicationClient
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2, OAuth2Session

from keys.mac.httpx import MacAuth as HttpxMacAuth
from keys.mac.requests import MacAuth as RequestsMacAuth
from tests.builders import MAC_API, SECRET
from tests.mac.serving import RunningApi
from tests.running import RunningIssuer

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # WebOb's, of the standard library's cgi
    import macauthlib

Token = dict[str, Any]
Answer = requests.Response | httpx.Response


@pytest.fixture(autouse=True)
def _loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """oauthlib wants https; the servers of the tests are on loopback."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")


class MACClient(BackendApplicationClient):
    """requests-oauthlib names no draft, and oauthlib's default wants a time that nobody gives."""

    def _add_mac_token(self, uri: str, *arguments: Any, **options: Any) -> Any:
        return super()._add_mac_token(uri, *arguments, **({"draft": 1} | options))


def by_our_requests(token: Token, method: str, url: str, body: bytes | None = None) -> Answer:
    return requests.request(method, url, data=body, auth=RequestsMacAuth(token), timeout=10)


def by_our_httpx(token: Token, method: str, url: str, body: bytes | None = None) -> Answer:
    return httpx.request(method, url, content=body, auth=HttpxMacAuth(token))


def by_oauthlib(
    token: Token, method: str, url: str, body: bytes | None = None, **draft: Any
) -> Answer:
    client = WebApplicationClient("web", token=token)
    text = None if body is None else body.decode()
    signed = client.add_token(url, method, body=text, headers={}, **draft)
    uri, headers, content = signed
    return httpx.request(method, uri, headers=headers, content=content)


def by_oauthlib_draft_1(token: Token, method: str, url: str, body: bytes | None = None) -> Answer:
    return by_oauthlib(token, method, url, body, draft=1)


def by_oauthlib_draft_0(token: Token, method: str, url: str, body: bytes | None = None) -> Answer:
    """Its default. It counts from when the token was issued, in local time without a zone."""
    claims = jwt.decode(token["access_token"], options={"verify_signature": False})
    issued_at = datetime.datetime.fromtimestamp(claims["iat"])  # noqa: DTZ006  as oauthlib has it
    return by_oauthlib(token, method, url, body, issue_time=issued_at)


def by_requests_oauthlib(token: Token, method: str, url: str, body: bytes | None = None) -> Answer:
    auth = OAuth2("web", client=MACClient("web", token=token))
    return requests.request(method, url, data=body, auth=auth, timeout=10)


def by_macauthlib(token: Token, method: str, url: str, body: bytes | None = None) -> Answer:
    with requests.Session() as session:
        request = session.prepare_request(requests.Request(method, url, data=body))
        macauthlib.sign_request(request, token["access_token"], token["mac_key"], sha256)
        return session.send(request, timeout=10)


OURS = [by_our_requests, by_our_httpx]
CLIENTS = [
    *OURS, by_oauthlib_draft_1, by_oauthlib_draft_0, by_requests_oauthlib, by_macauthlib
]  # fmt: skip
Client = Callable[..., Answer]

each_client = pytest.mark.parametrize("call", CLIENTS, ids=lambda each: each.__name__)


@pytest.fixture(scope="module", params=["uvicorn", "gunicorn"])
def api(
    request: pytest.FixtureRequest,
    issuer_server: RunningIssuer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[RunningApi]:
    """A resource server of either kind."""
    with RunningApi(request.param, issuer_server, tmp_path_factory.mktemp("api")) as running:
        yield running


@pytest.fixture(scope="module")
def token(mac_token: Callable[..., Token]) -> Token:
    return mac_token()


@each_client
@pytest.mark.parametrize("path", ["/", "/x", "/a/b.c", "/x?a=1&b=2", "/x?a=1&a=&b&&c=/?:@", "//a"])
def test_a_get(api: RunningApi, token: Token, call: Client, path: str):
    answer = call(token, "GET", api.url + path)
    assert answer.status_code == 200, answer.text
    assert answer.json()["subject"] == "web"


@each_client
def test_a_post_with_a_body(api: RunningApi, token: Token, call: Client):
    answer = call(token, "POST", f"{api.url}/x?a=1", b"pay=\xc3\xa91&to=bob")
    assert answer.json()["body"] == "pay=é1&to=bob"


@each_client
def test_a_key_of_another_token_is_refused(api: RunningApi, mac_token: Any, call: Client):
    token, other = mac_token(), mac_token()
    mixed = token | {"mac_key": other["mac_key"]}
    assert call(mixed, "GET", f"{api.url}/x").status_code == 401
    assert call(token, "GET", f"{api.url}/x").status_code == 200


@each_client
def test_a_named_host(api: RunningApi, token: Token, call: Client):
    assert call(token, "GET", f"http://localhost:{api.port}/x").status_code == 200


AWKWARD = [
    "/a%2Fb%20c", "/a%2fb", "/a/../b", "/a;p=1;q?y;z", "/x?", "/x??", "/x?q=%C3%A9+%26%3d",
    "/%c3%a9%zz", "/x?'()*!~$,:@/?", "/x?a=é ü", '/x?"<>\\^`{|}', "/%00%0a", "", "?a=1", "/x#part",
]  # fmt: skip


@pytest.mark.parametrize("call", OURS, ids=lambda each: each.__name__)
@pytest.mark.parametrize("path", AWKWARD)
def test_our_signer_signs_what_its_library_sends(api, token, call: Client, path: str):
    assert call(token, "GET", api.url + path).status_code == 200
    assert call(token, "GET", api.url.replace("127.0.0.1", "LocalHost") + path).status_code == 200


@pytest.mark.parametrize("call", OURS, ids=lambda each: each.__name__)
def test_our_signer_signs_what_is_merged_into_the_url(api, token, call: Client):
    parameters = {"a": ["1", "é&"], "b": ""}
    if call is by_our_requests:
        auth = RequestsMacAuth(token, body_hash=True)
        answer = requests.post(f"{api.url}/x", params=parameters, data="é", auth=auth, timeout=10)
    else:
        auth = HttpxMacAuth(token, body_hash=True)
        answer = httpx.post(f"{api.url}/x", params=parameters, content="é", auth=auth)
    assert answer.json()["body"] == "é"


def test_a_redirect_is_not_signed_again(api, token):
    """Neither library asks for another signature: whoever follows a redirect is refused."""
    moved = f"{api.url}/moved"
    assert requests.get(moved, auth=RequestsMacAuth(token), timeout=10).status_code == 401
    with httpx.Client(auth=HttpxMacAuth(token)) as client:
        assert client.get(moved, follow_redirects=True).status_code == 401
        answer = client.get(moved)
        assert answer.status_code == 307
        assert client.get(answer.next_request.url).status_code == 200


async def _asked_async(api: RunningApi, token: Token) -> int:
    async with httpx.AsyncClient(auth=HttpxMacAuth(token, body_hash=True)) as client:
        return (await client.post(f"{api.url}/x", content=b"pay=1")).status_code


def test_our_signer_signs_in_an_event_loop(api, token):
    assert asyncio.run(_asked_async(api, token)) == 200


def test_requests_cannot_hash_a_stream(token):
    auth = RequestsMacAuth(token, body_hash=True)
    with pytest.raises(ValueError, match="stream"):
        requests.post("http://127.0.0.1/", data=iter([b"a"]), auth=auth, timeout=10)


# What is known to fail


def refused(token: Token, call: Client, url: str) -> bool:
    return call(token, "GET", url).status_code == 401


@pytest.mark.parametrize("call", [by_oauthlib_draft_1, by_oauthlib_draft_0])
def test_oauthlib_signs_another_target_than_is_sent(api, token, call: Client):
    """It drops ``;parameters``, and signs no path as none."""
    assert refused(token, call, f"{api.url}/x;p=1")
    assert not refused(token, call, f"{api.url}/x%3Bp=1")
    assert refused(token, call, api.url)
    assert not refused(token, call, f"{api.url}/")


def test_oauthlib_signs_a_host_as_it_is_spelt(api, token):
    url = api.url.replace("127.0.0.1", "LocalHost")
    assert refused(token, by_oauthlib_draft_1, url + "/x")
    assert not refused(token, by_oauthlib_draft_1, url.lower() + "/x")


def test_oauthlib_has_no_default_that_works(token):
    """Its default draft needs a time that the token response does not have."""
    client = WebApplicationClient("web", token=token)
    with pytest.raises(TypeError):
        client.add_token("http://127.0.0.1/x")
    assert client.add_token("http://127.0.0.1/x", draft=1)


@pytest.mark.parametrize("server", ["uvicorn", "gunicorn"])
def test_oauthlib_cuts_an_ipv6_host(server, issuer_server, token, tmp_path):
    with RunningApi(server, issuer_server, tmp_path, host="[::1]") as api:
        cut = [each for each in CLIENTS if refused(token, each, f"{api.url}/x")]
        assert cut == [by_oauthlib_draft_1, by_oauthlib_draft_0, by_requests_oauthlib]
        for works in (*OURS, by_macauthlib):
            assert not refused(token, works, f"{api.url}/x?a=1")


def test_macauthlib_signs_a_decoded_path(api, token):
    """WebOb decodes the path and does not encode all of it again."""
    assert refused(token, by_macauthlib, f"{api.url}/a%2Fb")
    assert not refused(token, by_macauthlib, f"{api.url}/a/b")


def test_macauthlib_takes_sha_1_unless_it_is_told(api, token):
    with requests.Session() as session:
        request = session.prepare_request(requests.Request("GET", f"{api.url}/x"))
        macauthlib.sign_request(request, token["access_token"], token["mac_key"])
        assert session.send(request, timeout=10).status_code == 401
    assert not refused(token, by_macauthlib, f"{api.url}/x")


def test_a_session_of_requests_oauthlib_gets_its_token_and_uses_it(api, issuer_server):
    """Its ``params`` are merged into the URL only after that was signed."""
    with OAuth2Session(client=MACClient("web", scope="read")) as session:
        session.fetch_token(
            f"{issuer_server.url}/token", auth=HTTPBasicAuth("web", SECRET), resource=MAC_API
        )
        assert session.get(f"{api.url}/x?a=1").status_code == 200
        assert session.get(f"{api.url}/x", params={"a": "1"}).status_code == 401
        assert session.post(f"{api.url}/x", json={"pay": 1}).json()["body"] == '{"pay": 1}'
        auth = OAuth2(client=MACClient("web", token=session.token))
        answer = requests.get(f"{api.url}/x", params={"a": "1"}, auth=auth, timeout=10)
        assert answer.status_code == 200


def test_a_session_of_requests_oauthlib_alone_does_not_sign(api, token):
    with OAuth2Session("web", token=token) as session, pytest.raises(TypeError):
        session.get(f"{api.url}/x")


def test_oauthlib_reads_the_token_response(issuer_server):
    client = BackendApplicationClient("web")
    answer = issuer_server.token(grant_type="client_credentials", resource=MAC_API)
    client.parse_request_body_response(answer.text)
    assert (client.token_type, client.mac_algorithm) == ("mac", "hmac-sha-256")
    assert len(client.mac_key) == 43
