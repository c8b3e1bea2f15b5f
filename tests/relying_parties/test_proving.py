"""npm's oauth4webapi and openid-client: proofs of possession, before our middleware (RFC 9449)."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from keys.dpop_signer import DPoPKey
from tests.keys.builders import ISSUER, KEY, a_jwks, a_token
from tests.mac.serving import wait_until_it_answers
from tests.relying_parties.libraries import node
from tests.running import CHECKOUT, free_port

AUDIENCE = "https://api.example"


@pytest.fixture(scope="module", params=["uvicorn", "gunicorn"])
def api(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a resource server answers that asks for nonces and takes no proof twice."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = {
        "uvicorn": ["uvicorn", "tests.rfc9449.api:for_uvicorn", "--port", str(port)],
        "gunicorn": ["gunicorn", "tests.rfc9449.api:for_gunicorn", "--bind", f"127.0.0.1:{port}"],
    }[request.param]
    environment = {
        **os.environ, "PYTHONPATH": str(CHECKOUT), "ISSUER": ISSUER, "AUDIENCE": AUDIENCE,
        "ORIGIN": url, "JWKS": json.dumps(a_jwks(KEY)), "NONCE_SECRET": "s" * 32,
    }  # fmt: skip
    log = tmp_path_factory.mktemp("api") / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *command], cwd=log.parent, env=environment,
            stdout=output, stderr=output,
        )  # fmt: skip
    wait_until_it_answers(f"{url}/healthz", process, log)
    yield url
    process.terminate()
    process.wait(20)


def answers(folder: Path, library: str, **given: Any) -> list[dict[str, Any]]:
    done = subprocess.run(
        ["node", "proving.mjs", library, json.dumps(given)],
        cwd=folder, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said: list[dict[str, Any]] = json.loads(done.stdout)
    return said


@pytest.mark.parametrize("alg", ["ES256", "RS256", "PS256", "EdDSA"])
@pytest.mark.parametrize("library", ["oauth4webapi", "openid-client"])
def test_their_proofs_are_accepted_and_their_nonces_renewed(ready, api, library, alg):
    """And refused where the token is bound to another key."""
    key, now = DPoPKey.generate(alg), int(time.time())
    claims = {"aud": AUDIENCE, "iat": now, "exp": now + 600}
    bound = a_token(**claims, cnf={"jkt": key.jkt})
    said = answers(ready(node), library, jwk=key.to_jwk(), token=bound, api=api)
    assert [each["status"] for each in said] == [200, 200, 200], said
    assert said[1]["said"] == {"subject": "alice", "scheme": "DPoP", "body": "hello"}
    others = a_token(**claims, cnf={"jkt": DPoPKey.generate().jkt})
    said = answers(ready(node), library, jwk=key.to_jwk(), token=others, api=api)
    assert [each["status"] for each in said] == [401, 401, 401]
    assert said[0]["said"]["error"] == "invalid_dpop_proof"
