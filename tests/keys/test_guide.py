"""The programs in ``keys/README.md``, as they stand there, in front of a real issuer."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
import requests
from requests_oauthlib import OAuth2

from keys import fetching, key_set, replays
from keys.errors import RETRY_AFTER
from keys.mac.httpx import MacAuth
from tests.builders import MAC_API, MAC_PRIVATE_JWK, SECRET

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "keys" / "README.md").read_text()
PROGRAMS = {
    program.split(",", 1)[0].removeprefix("# "): program
    for program in re.findall(r"```python\n(# \w+\.py, .*?)```", GUIDE, re.DOTALL)
}


def snippet(beginning: str) -> str:
    """The block of the guide that begins so."""
    (found,) = re.findall(rf"```python\n({re.escape(beginning)}.*?)```", GUIDE, re.DOTALL)
    return found


def command(program: str, port: int) -> list[str]:
    """The command that the first line of ``program`` names, on ``port`` of loopback."""
    server, app = program.splitlines()[0].partition("run by: ")[2].split()
    where = {
        "uvicorn": ["--host", "127.0.0.1", "--port", str(port)],
        "gunicorn": ["--bind", f"127.0.0.1:{port}"],
    }
    return [sys.executable, "-m", server, app, *where[server]]


def a_free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@pytest.fixture(scope="module", params=PROGRAMS)
def api(request, issuer_server, tmp_path_factory):
    """One of the programs, running."""
    pytest.importorskip(request.param.partition("_")[0])
    folder = tmp_path_factory.mktemp("guide")
    program = PROGRAMS[request.param]
    (folder / request.param).write_text(program)
    (folder / "mac-keys.json").touch(mode=0o600)
    (folder / "mac-keys.json").write_text(json.dumps({"keys": [MAC_PRIVATE_JWK]}))
    port = a_free_port()
    environment = {
        **os.environ,
        "ISSUER": issuer_server.url,
        "AUDIENCE": issuer_server.audience,
        "MAC_AUDIENCE": MAC_API,
        "MAC_KEYS": str(folder / "mac-keys.json"),
        "PYTHONPATH": str(ROOT),
    }
    process = subprocess.Popen(
        command(program, port), cwd=folder, env=environment, stderr=subprocess.PIPE, text=True
    )
    with process, httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        wait_until_it_answers(client, process)
        yield client
        process.terminate()
        process.communicate(timeout=10)


def wait_until_it_answers(client: httpx.Client, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            pytest.fail(f"the program ended: {process.communicate()[1]}")
        try:
            client.get("/")
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    process.terminate()
    pytest.fail("the program does not answer")


@pytest.mark.parametrize(
    "said",
    [
        f"at most every {key_set.REFETCH_INTERVAL} seconds",
        f"up to {key_set.PATIENCE * 1000:.0f} ms for one fetch",
        f"asked again every {RETRY_AFTER} seconds",
        f"A fetch takes at most {fetching.TIMEOUT:.0f} seconds",
        f"{fetching.MAX_BYTES // 1024} KiB",
        f"{replays.MAX_ENTRIES // 1000} 000 requests, {replays.MAX_PER_CLIENT // 1000} 000 of them",
    ],
)
def test_the_guide_says_the_bounds_that_hold(said):
    assert said in GUIDE


def get(api, token: str | None):
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return api.get("/invoices", headers=headers)


def test_the_guide_has_a_program_for_each_framework():
    assert list(PROGRAMS) == ["falcon_app.py", "fastapi_app.py", "flask_app.py", "django_app.py"]


def test_a_token_with_the_scope_gets_the_invoices(api, issuer_server):
    for _ in range(2):
        answer = get(api, issuer_server.access_token(scope="read"))
        assert answer.status_code == 200
        assert answer.json()["invoices"] == []


def test_a_request_without_a_token_is_told_the_schemes(api, issuer_server):
    answer = get(api, None)
    assert answer.status_code == 401
    told = [f'Bearer realm="{issuer_server.audience}"', f'MAC realm="{MAC_API}"']
    assert answer.headers.get_list("WWW-Authenticate") == told


def test_a_forged_token_is_refused(api, issuer_server):
    token = issuer_server.access_token(scope="read")
    forged = f"{token[:-9]}{'A' if token[-9] != 'A' else 'B'}{token[-8:]}"
    answer = get(api, forged)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith('Bearer error="invalid_token"')
    assert "signature" not in answer.text


def test_a_token_without_the_scope_is_told_which_one_is_needed(api, issuer_server):
    answer = get(api, issuer_server.access_token(scope="write"))
    assert answer.status_code == 403
    assert answer.headers["WWW-Authenticate"].startswith('Bearer error="insufficient_scope"')
    assert 'scope="read"' in answer.headers["WWW-Authenticate"]


def mac_auth(issuer_server, scope: str) -> MacAuth:
    answer = issuer_server.token(grant_type="client_credentials", scope=scope, resource=MAC_API)
    return MacAuth(answer.json())


def test_a_signed_request_with_the_scope_gets_the_invoices(api, issuer_server):
    for _ in range(2):
        answer = api.get("/invoices?page=%C3%A9", auth=mac_auth(issuer_server, "read"))
        assert answer.status_code == 200
        assert answer.json()["invoices"] == []


def test_a_signed_request_that_was_changed_is_refused(api, issuer_server):
    signed = next(mac_auth(issuer_server, "read").auth_flow(api.build_request("GET", "/invoices")))
    header = {"Authorization": signed.headers["Authorization"]}
    answer = api.get("/invoices?page=2", headers=header)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith('MAC error="')
    assert api.get("/invoices", headers=header).status_code == 200


def test_a_signed_request_without_the_scope_is_refused(api, issuer_server):
    answer = api.get("/invoices", auth=mac_auth(issuer_server, "write"))
    assert answer.status_code == 403
    assert answer.headers["WWW-Authenticate"].startswith("MAC ")


def test_the_client_of_the_guide_gets_a_token_and_the_invoices(api, issuer_server):
    program = snippet("# pip install '.[mac]' requests")
    for said, here in {
        "https://issuer.example": issuer_server.url,
        "https://pay.example/": f"{api.base_url}/",
        "https://pay.example": MAC_API,
    }.items():
        assert said in program
        program = program.replace(said, here)
    known = {"secret": SECRET}
    exec(program, known)  # noqa: S102  a program that is to be tried as it stands
    assert known["page"].json() == {"subject": "web", "invoices": []}
    assert known["paid"].status_code in {200, 405}  # Django's view takes any method


def test_the_class_for_requests_oauthlib_signs(api, issuer_server, monkeypatch):
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    known = {}
    exec(snippet("from oauthlib.oauth2"), known)  # noqa: S102  the same
    token = issuer_server.token(grant_type="client_credentials", resource=MAC_API).json()
    auth = OAuth2(client=known["MACClient"]("web", token=token))
    answer = requests.get(f"{api.base_url}/invoices", {"q": "é"}, auth=auth, timeout=10)
    assert answer.json()["subject"] == "web"
