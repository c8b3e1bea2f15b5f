"""The client's side: keys, proofs, and both libraries against running resource servers."""

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from base64 import b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
import requests

from keys.algorithms import ALGORITHMS
from keys.dpop import InvalidProof, read_proof, token_hash
from keys.dpop_httpx import DPoPAuth as HttpxAuth
from keys.dpop_requests import DPoPAuth as RequestsAuth
from keys.dpop_signer import DPoPKey, ProofSigner, Response, origin_of
from tests.keys.builders import ISSUER, NOW, a_jwks, a_token
from tests.keys.builders import KEY as ISSUER_KEY
from tests.mac.serving import wait_until_it_answers
from tests.rfc9449.proofs import KEY, KEYS, TOKEN, URL
from tests.running import CHECKOUT, free_port

ANSWER = {"token_type": "DPoP", "access_token": TOKEN}


# --- keys and proofs ---


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_key_comes_back_from_its_jwk(alg):
    key = KEYS[alg]
    again = DPoPKey.from_jwk(json.loads(json.dumps(key.to_jwk())))
    assert (again.alg, again.jkt, again.public_jwk) == (alg, key.jkt, key.public_jwk)
    proof = again.proof("POST", URL, now=NOW)
    assert read_proof(proof, method="POST", url=URL, now=NOW).jkt == key.jkt


@pytest.mark.parametrize("alg", ["ES256", "EdDSA"])
def test_a_curve_says_the_alg(alg):
    jwk = {name: value for name, value in KEYS[alg].to_jwk().items() if name != "alg"}
    assert DPoPKey.from_jwk(jwk).alg == alg


@pytest.mark.parametrize(
    "jwk",
    [
        {}, dict(KEY.public_jwk), {**KEY.to_jwk(), "alg": "HS256"},
        {**KEY.to_jwk(), "alg": ["ES256"]}, {**KEY.to_jwk(), "alg": "RS256"},
        {**KEY.to_jwk(), "d": KEYS["EdDSA"].to_jwk()["d"]},
        {name: value for name, value in KEYS["RS256"].to_jwk().items() if name != "alg"},
        {"kty": "EC", "crv": "P-384"}, {"crv": ["P-256"]},
    ],
    ids=lambda jwk: str(sorted(jwk)),
)  # fmt: skip
def test_what_is_no_private_key_is_refused_and_not_quoted(jwk):
    with pytest.raises(ValueError, match="key") as raised:
        DPoPKey.from_jwk(jwk)
    assert not any(secret in str(raised.value) for secret in (KEY.to_jwk()["d"], "xyz"))
    with pytest.raises(ValueError, match="alg"):
        DPoPKey.generate("HS256")
    assert DPoPKey.from_jwk(KEY.to_jwk()) == KEY


def test_the_key_is_not_shown():
    assert KEY.to_jwk()["d"] not in repr(KEY)
    assert KEY.jkt in repr(KEY)


def test_a_proof_is_of_one_request_and_each_is_another():
    proof = KEY.proof("GET", f"{URL}?q=1#x", access_token=TOKEN, nonce="n", now=NOW)
    found = read_proof(proof, method="GET", url=URL, now=NOW, access_token=TOKEN, jkt=KEY.jkt)
    assert (found.nonce, found.ath) == ("n", token_hash(TOKEN))
    other = KEY.proof("GET", URL, now=NOW)
    assert read_proof(other, method="GET", url=URL, now=NOW).jti != found.jti
    with pytest.raises(InvalidProof):
        read_proof(other, method="GET", url=URL, now=NOW, access_token=TOKEN)
    assert read_proof(KEY.proof("GET", URL), method="GET", url=URL, now=int(time.time()))


@pytest.mark.parametrize(
    "url", ["", "/x", "ftp://api.example/", "https://user@api.example/", "https:///x"]
)
def test_a_proof_is_for_a_url(url):
    with pytest.raises(ValueError, match="URL"):
        KEY.proof("GET", url)
    with pytest.raises(ValueError, match="ascii"):
        KEY.proof("GET", URL, access_token="é")
    assert KEY.proof("GET", URL)


@pytest.mark.parametrize("auth", [HttpxAuth, RequestsAuth, ProofSigner])
@pytest.mark.parametrize(
    "token",
    [{}, {**ANSWER, "token_type": "Bearer"}, {"token_type": "DPoP"}, {**ANSWER, "access_token": 1}],
)
def test_an_answer_without_a_bound_token_is_refused_at_once(auth, token):
    with pytest.raises(ValueError, match="token"):
        auth(KEY, token)
    assert auth(KEY, {**ANSWER, "token_type": "dpop"})
    assert auth(KEY, TOKEN)
    assert auth(KEY)


def test_a_client_that_authenticates_is_spelt_as_basic_wants_it():
    """RFC 6749 section 2.3.1."""
    fields = ProofSigner(KEY, client=("a b", "ü:%")).fields("POST", URL)
    assert fields["Authorization"] == f"Basic {b64encode(b'a+b:%C3%BC%3A%25').decode()}"
    with pytest.raises(ValueError, match="not both"):
        ProofSigner(KEY, TOKEN, client=("web", "secret"))
    assert ProofSigner(KEY).fields("POST", URL).keys() == {"DPoP"}


# --- nonces ---


def said(nonce, status=401, challenge='DPoP error="use_dpop_nonce"', body=None) -> Response:
    return Response(status, nonce, challenge, lambda: body)


def nonce_of(signer: ProofSigner, url: str = URL) -> str | None:
    proof = signer.fields("GET", url)["DPoP"]
    return read_proof(proof, method="GET", url=url, now=NOW).nonce


def test_each_server_has_its_nonce():
    signer = ProofSigner(KEY, clock=lambda: NOW)
    assert nonce_of(signer) is None
    assert signer.wants_again(URL, said("n1"))
    assert signer.wants_again("https://other.example/", said("n2"))
    assert nonce_of(signer, "https://API.example:443/else") == "n1"
    assert nonce_of(signer, "https://other.example/x") == "n2"
    assert nonce_of(signer, "https://api.example:8443/") is None
    assert not signer.wants_again(URL, said("n3", 200, ""))
    assert nonce_of(signer) == "n3"


@pytest.mark.parametrize(
    ("response", "again"),
    [
        (said("n"), True),
        (said("n", challenge='Bearer realm="x", DPoP algs="ES256", error = use_dpop_nonce'), True),
        (said("n", 400, "", {"error": "use_dpop_nonce"}), True),
        (said("n", 401, "", {"error": "use_dpop_nonce"}), True),
        (said(None), False),
        (said(""), False),
        (said("n", challenge='DPoP error="invalid_dpop_proof"'), False),
        (said("n", challenge=""), False),
        (said("n", 400, "", {"error": "invalid_grant"}), False),
        (said("n", 400, "", ["use_dpop_nonce"]), False),
        (said("n", 403), False),
        (said("n", 200, "", {"error": "use_dpop_nonce"}), False),
    ],
)
def test_a_request_is_sent_again_where_a_nonce_was_asked_for(response, again):
    """RFC 9449 sections 8 and 9."""
    assert ProofSigner(KEY).wants_again(URL, response) is again


def test_servers_that_are_remembered_are_bounded():
    signer = ProofSigner(KEY, clock=lambda: NOW)
    for number in range(300):
        signer.wants_again(f"https://s{number}.example/", said(f"n{number}"))
    assert nonce_of(signer, "https://s0.example/") is None
    assert nonce_of(signer, "https://s299.example/") == "n299"
    assert origin_of("https://S0.example:443/a?b") == "https://s0.example"


# --- over HTTP ---

COMMANDS = {
    "uvicorn": ["uvicorn", "tests.rfc9449.api:for_uvicorn", "--host", "127.0.0.1", "--port"],
    "gunicorn": ["gunicorn", "tests.rfc9449.api:for_gunicorn", "--bind"],
}


@pytest.fixture(scope="module", params=COMMANDS)
def api(request, tmp_path_factory):
    """Where a resource server answers that asks for nonces."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    where = f"127.0.0.1:{port}" if request.param == "gunicorn" else str(port)
    log = tmp_path_factory.mktemp("api") / "log"
    environment = {
        **os.environ, "PYTHONPATH": str(CHECKOUT), "ISSUER": ISSUER, "AUDIENCE": url,
        "JWKS": json.dumps(a_jwks(ISSUER_KEY)), "NONCE_SECRET": "s" * 32,
    }  # fmt: skip
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *COMMANDS[request.param], where],
            cwd=log.parent, env=environment, stdout=output, stderr=output,
        )  # fmt: skip
    wait_until_it_answers(f"{url}/healthz", process, log)
    yield url
    process.terminate()
    process.wait(20)


def a_bound_token(api: str, **changes) -> str:
    now = int(time.time())
    claims = {"aud": api, "iat": now, "exp": now + 600, "cnf": {"jkt": KEY.jkt}}
    return a_token(**{**claims, **changes})


def by_httpx(method, url, key=KEY, token=None, **options):
    auth = HttpxAuth(key, token)
    with httpx.Client(auth=auth) as client:
        return [client.request(method, url, **options) for _ in range(2)]


def by_async_httpx(method, url, key=KEY, token=None, **options):
    async def ask():
        async with httpx.AsyncClient(auth=HttpxAuth(key, token)) as client:
            return [await client.request(method, url, **options) for _ in range(2)]

    return asyncio.run(ask())


def by_requests(method, url, key=KEY, token=None, **options):
    options = {"data" if name == "content" else name: value for name, value in options.items()}
    with requests.Session() as session:
        session.auth = RequestsAuth(key, token)
        return [session.request(method, url, timeout=10, **options) for _ in range(2)]


@pytest.fixture(params=[by_httpx, by_async_httpx, by_requests])
def send(request):
    """Sends a request twice."""
    return request.param


def test_both_libraries_get_through_with_nonces(api, send):
    """Each proof is another: the server takes none twice."""
    first, second = send(
        "POST", f"{api}/a%2Fb?q=%C3%A9", token=a_bound_token(api), content=b"hello"
    )
    for answer in (first, second):
        assert answer.status_code == 200
        assert answer.json() == {"subject": "alice", "scheme": "DPoP", "body": "hello"}
    assert len(second.history) == 0


def test_another_key_does_not(api, send):
    first, second = send("GET", f"{api}/", key=DPoPKey.generate(), token=a_bound_token(api))
    for answer in (first, second):
        assert answer.status_code == 401
        assert 'error="invalid_dpop_proof"' in answer.headers["WWW-Authenticate"]


def test_a_redirect_is_not_signed_again(api, send):
    redirects = {"allow_redirects": True} if send is by_requests else {"follow_redirects": True}
    answer = send("GET", f"{api}/moved", token=a_bound_token(api), **redirects)[1]
    assert answer.status_code == 401
    assert 'error="invalid_dpop_proof"' in answer.headers["WWW-Authenticate"]


class Asking(BaseHTTPRequestHandler):
    """An authorization server that never has enough, and another server to which it leads."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.seen.append((self.headers["DPoP"], self.headers["Authorization"]))
        if self.path == "/moved":
            self.send_response(307)
            self.send_header("Location", f"http://localhost:{self.server.server_port}/token")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body = json.dumps({"error": "use_dpop_nonce"}).encode()
        self.send_response(400)
        self.send_header("DPoP-Nonce", f"n{len(self.server.seen)}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args) -> None:
        """Nothing."""


@pytest.fixture
def asking():
    with ThreadingHTTPServer(("127.0.0.1", 0), Asking) as server:
        server.seen = []
        server.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def seen_nonces(asking) -> list[str | None]:
    now = int(time.time())
    url = f"{asking.url}/token"
    return [read_proof(each, method="POST", url=url, now=now).nonce for each, _ in asking.seen]


def test_a_request_is_sent_again_once_and_never_a_third_time(asking, send):
    """RFC 9449 section 8: the authorization server says it in the body, with 400."""
    first, second = send("POST", f"{asking.url}/token", content=b"grant_type=x")
    assert [answer.status_code for answer in (first, second)] == [400, 400]
    assert seen_nonces(asking) == [None, "n1", "n2", "n3"]
    assert {authorization for _, authorization in asking.seen} == {None}


def test_no_token_goes_to_where_a_redirect_led(asking, send):
    redirects = {"allow_redirects": True} if send is by_requests else {"follow_redirects": True}
    send("POST", f"{asking.url}/moved", token=TOKEN, content=b"x", **redirects)
    assert [authorization for _, authorization in asking.seen] == [f"DPoP {TOKEN}", None] * 2


@pytest.mark.parametrize("kind", ["httpx", "requests"])
def test_a_stream_is_not_sent_twice(asking, kind):
    def body():
        yield b"x"

    url = f"{asking.url}/token"
    auth = HttpxAuth(KEY) if kind == "httpx" else RequestsAuth(KEY)
    headers = {"Content-Length": "1"}
    if kind == "httpx":
        answer = httpx.post(url, content=body(), auth=auth, headers=headers)
    else:
        answer = requests.post(url, data=body(), auth=auth, headers=headers, timeout=10)
    assert answer.status_code == 400
    assert seen_nonces(asking) == [None]
