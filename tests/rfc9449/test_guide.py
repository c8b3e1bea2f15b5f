"""What ``keys/README.md`` says of DPoP, as it stands there, with a real issuer and a real API."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request, Response

import keys
from keys import InvalidDPoPProof, Nonces, Verifier, dpop, dpop_nonce, dpop_policy
from keys.algorithms import ALGORITHMS
from keys.dpop import token_hash
from tests.builders import SECRET
from tests.keys.builders import ISSUER, a_jwks, a_token
from tests.keys.builders import KEY as ISSUER_KEY
from tests.mac.serving import wait_until_it_answers
from tests.rfc9449.proofs import KEY, a_proof
from tests.running import CHECKOUT, RunningIssuer, free_port

GUIDE = (Path(keys.__file__).parent / "README.md").read_text()


def snippet(beginning: str) -> str:
    """The block of the guide that begins so."""
    (found,) = re.findall(rf"```python\n({re.escape(beginning)}.*?)```", GUIDE, re.DOTALL)
    return found


@pytest.mark.parametrize(
    "said",
    [
        f"the clock's window of {dpop_nonce.LIFETIME} seconds",
        "It is good for two to four minutes",
        f"| `max_age=`, `leeway=` | {dpop.MAX_AGE} and {dpop.LEEWAY}: seconds",
        f"at most {dpop_policy.MAX_WINDOW} |",
        f"`secret` is {dpop_nonce.MIN_SECRET} random bytes or more",
        json.dumps(list(ALGORITHMS)).strip("[]"),
        f"of at most {dpop.MAX_PROOF} characters",
        f"RSA of 2048 to {dpop.MAX_PROOF_RSA_BITS} bits",
        f"1 to {dpop.MAX_JTI} characters",
        f"the last {dpop.REMEMBERED_KEYS},",
    ],
)
def test_the_guide_says_the_bounds_that_hold(said):
    assert said in " ".join(GUIDE.split("\n"))


def test_the_code_by_hand_takes_a_request_and_tells_a_nonce(monkeypatch):
    known = {}
    exec(snippet("from keys import DPoP, Verifier"), known)  # noqa: S102  as it stands
    exec(snippet("def authenticate("), known)  # noqa: S102  the same
    nonces = Nonces(b"s" * 32)
    options = known["DPoP"](nonces=nonces, require_nonce=False)
    verifier = Verifier(ISSUER, "https://api.example", a_jwks(ISSUER_KEY), dpop=options)
    monkeypatch.setitem(known, "verifier", verifier)
    now = keys.verifier.seconds()
    bound = a_token(iat=now, exp=now + 60, cnf={"jkt": KEY.jkt})
    proof = a_proof(ath=token_hash(bound), iat=now)

    def asked(*proofs: str) -> Request:
        fields = [("Authorization", f"DPoP {bound}"), *(("DPoP", each) for each in proofs)]
        return Request(EnvironBuilder("/invoices?page=2", headers=fields).get_environ())

    response = Response()
    assert known["authenticate"](asked(proof), response).subject == "alice"
    assert nonces.accepts(response.headers["DPoP-Nonce"], now)
    with pytest.raises(InvalidDPoPProof):
        known["authenticate"](asked(proof, proof), Response())


def test_the_memory_of_the_guide_is_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    known = {}
    exec(snippet("from pathlib import Path\n\nfrom keys import DPoP"), known)  # noqa: S102  the same
    known["careful"].replays.close()
    assert (tmp_path / "replays.db").exists()


@pytest.fixture(params=["uvicorn", "gunicorn"])
def api(request, issuer_server: RunningIssuer, tmp_path: Path):
    """A resource server of the running issuer, which asks for nonces."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = {
        "uvicorn": ["uvicorn", "tests.rfc9449.api:for_uvicorn", "--port", str(port)],
        "gunicorn": ["gunicorn", "tests.rfc9449.api:for_gunicorn", "--bind", f"127.0.0.1:{port}"],
    }[request.param]
    environment = {
        **os.environ, "PYTHONPATH": str(CHECKOUT), "ISSUER": issuer_server.url,
        "AUDIENCE": issuer_server.audience, "ORIGIN": url, "NONCE_SECRET": "s" * 32,
    }  # fmt: skip
    log = tmp_path / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *command], cwd=tmp_path, env=environment,
            stdout=output, stderr=output,
        )  # fmt: skip
    wait_until_it_answers(f"{url}/healthz", process, log)
    yield url
    process.terminate()
    process.wait(20)


@pytest.mark.parametrize("library", ["httpx", "requests"])
def test_the_client_of_the_guide_gets_a_bound_token_and_the_invoices(api, issuer_server, library):
    program = snippet("# pip install . httpx")
    for said, here in {
        "https://issuer.example": issuer_server.url,
        "https://api.example/": f"{api}/",
        "https://api.example": issuer_server.audience,
    }.items():
        assert said in program
        program = program.replace(said, here)
    if library == "requests":
        program = program.replace("import httpx", "import requests")
        program = program.replace("httpx.post", "requests.post").replace(
            "dpop_httpx", "dpop_requests"
        )
        program = program.replace("httpx.Client(auth=DPoPAuth(key, token))", "requests.Session()")
        program = program.replace('"é&"}', '"é&"}, auth=DPoPAuth(key, token)')
    known = {"secret": SECRET}
    exec(program, known)  # noqa: S102  a program that is to be tried as it stands
    assert known["token"]["token_type"] == "DPoP"
    assert known["page"].json() == {"subject": "web", "scheme": "DPoP", "body": ""}
