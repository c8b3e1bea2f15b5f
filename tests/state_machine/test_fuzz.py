"""Whatever is sent, the answer is one of RFC 6749 section 5.2, and never a fault of ours."""

import asyncio

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from issuer.stores.none import NoStore
from issuer.token import handler
from tests.builders import NOW, SECRET, VERIFIER, a_code, a_request, a_server, basic
from tests.running import RunningIssuer

SERVER = a_server()
CODE = a_code(SERVER)

quick = settings(deadline=None, database=None, max_examples=300)
over_http = settings(
    deadline=None,
    database=None,
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def redeem(code: str):
    request = a_request("authorization_code", code=code, code_verifier=VERIFIER, now=NOW + 1)
    return asyncio.run(handler(SERVER, request, store=NoStore()))


REFRESH_TOKEN = str(redeem(CODE).body["refresh_token"])


@st.composite
def changed(draw: st.DrawFn, text: str) -> str:
    """``text`` with a part replaced, taken away, doubled or put in."""
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, min(len(text), start + 8)))
    alphabet = st.characters(codec="utf-8") | st.sampled_from("AZaz09-_=. \0")
    middle = draw(st.text(alphabet, max_size=8) | st.just(text[start:end] * 2))
    return text[:start] + middle + text[end:]


@quick
@given(changed(CODE) | changed(REFRESH_TOKEN) | st.text(st.characters(codec="utf-8")))
def test_a_sealed_value_has_one_spelling(text: str):
    """Security J30 to J36: of all texts, only the one that was sealed is good."""
    response = redeem(text)
    if text == CODE:
        assert response.status == 200
    else:
        assert response.error in ("invalid_grant", "invalid_request")
    request = a_request("refresh_token", refresh_token=text, now=NOW + 1)
    refreshed = asyncio.run(handler(SERVER, request, store=NoStore()))
    if text == REFRESH_TOKEN:
        assert refreshed.status == 200
    else:
        assert refreshed.error in ("invalid_grant", "invalid_request")


names = st.sampled_from(
    ["grant_type", "client_id", "client_secret", "code", "code_verifier", "redirect_uri",
     "refresh_token", "username", "password", "scope", "resource", "email", "x"]
)  # fmt: skip
values = st.sampled_from(
    ["authorization_code", "refresh_token", "password", "client_credentials", "web", "spa",
     "billing", "poster", SECRET, VERIFIER, "read", "read  write", "alice", "", "%", "%ff", "\0"]
) | st.text(st.characters(codec="utf-8"), max_size=20)  # fmt: skip
forms = st.lists(st.tuples(names, values), max_size=8).map(
    lambda pairs: "&".join(f"{name}={value}" for name, value in pairs).encode()
)
encoded = st.lists(st.tuples(names, values), max_size=8).map(
    lambda pairs: str(httpx.QueryParams(pairs)).encode()
)
authorizations = st.sampled_from(
    [None, basic("web"), basic("billing"), basic("web", "wrong"), "Basic", "Basic ====", "Bearer x"]
) | st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=30)
media_types = st.sampled_from(
    ["application/x-www-form-urlencoded"] * 8
    + ["application/x-www-form-urlencoded; charset=latin-1", "application/json", "text/plain;", ""]
)
methods = st.sampled_from(["POST"] * 8 + ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"])


@over_http
@given(
    method=methods,
    body=forms | encoded | st.binary(max_size=200),
    authorization=authorizations,
    media_type=media_types,
)
def test_no_request_is_answered_with_a_fault(
    issuer_server: RunningIssuer,
    method: str,
    body: bytes,
    authorization: str | None,
    media_type: str,
):
    """I3: never 5xx; always JSON that nobody stores, and an error that the RFC knows."""
    headers = {"Content-Type": media_type}
    if authorization is not None:
        headers["Authorization"] = authorization
    answer = issuer_server.http.request(method, "/token", content=body, headers=headers)
    assert answer.status_code in (200, 400, 401, 405, 411, 413, 415)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"
    if method == "HEAD":
        return
    if answer.status_code == 200:
        assert answer.json()["access_token"]
    else:
        assert answer.json()["error"].islower()
        assert ("www-authenticate" in answer.headers) == (answer.status_code == 401)


@over_http
@given(text=changed(CODE) | changed(REFRESH_TOKEN))
def test_no_sealed_value_is_answered_with_a_fault(issuer_server: RunningIssuer, text: str):
    """I3: what another issuer sealed, and what is near to it."""
    for answer in (issuer_server.redeem(text), issuer_server.refresh(text)):
        assert answer.status_code == 400
        assert answer.json()["error"] in ("invalid_grant", "invalid_request")
