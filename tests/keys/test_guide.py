"""The programs in ``keys/README.md``, as they stand there, in front of a real issuer."""

import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "keys" / "README.md").read_text()
PROGRAMS = {
    program.split(",", 1)[0].removeprefix("# "): program
    for program in re.findall(r"```python\n(# \w+\.py, .*?)```", GUIDE, re.DOTALL)
}


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
    port = a_free_port()
    environment = {
        **os.environ,
        "ISSUER": issuer_server.url,
        "AUDIENCE": issuer_server.audience,
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
    deadline = time.monotonic() + 15
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


def test_a_request_without_a_token_is_told_the_scheme(api, issuer_server):
    answer = get(api, None)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == f'Bearer realm="{issuer_server.audience}"'


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
