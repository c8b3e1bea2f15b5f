"""openid-client and oauth4webapi, as npm has them, against the running issuer."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.authorize.browsing import Page
from tests.builders import SECRET
from tests.relying_parties.builders import HERE, SCOPE, address, log_in_and_agree

CALLBACK = "http://127.0.0.1:3000/callback"
PROGRAMS = ["openid_client.mjs", "oauth4webapi.mjs"]

pytestmark = pytest.mark.skipif(
    not (shutil.which("node") and shutil.which("npm")), reason="needs node and npm"
)


@dataclass
class Program:
    """A relying party that runs: each line is JSON, or a URL."""

    process: subprocess.Popen[str]

    def hear(self) -> Any:
        """What it prints next."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "it ended early"
        return json.loads(line)

    def say(self, url: str) -> Any:
        """Tells it where the browser came back; what it makes of that."""
        assert self.process.stdin is not None
        self.process.stdin.write(url + "\n")
        self.process.stdin.flush()
        return self.hear()


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both libraries and both programs."""
    folder = tmp_path_factory.mktemp("node")
    for name in ("package.json", *PROGRAMS):
        shutil.copy(HERE / name, folder)
    quiet = ["--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run(
        ["npm", "install", "--prefix", folder, *quiet], check=True, stdout=subprocess.DEVNULL
    )
    return folder


@pytest.fixture(params=PROGRAMS)
def run(packages, provider, request):
    """Starts the relying party as a client."""

    @contextmanager
    def started(client_id: str = "rp", scope: str = SCOPE) -> Iterator[Program]:
        command = ["node", request.param, provider.url, client_id, SECRET, CALLBACK, scope]
        with subprocess.Popen(
            command, cwd=packages, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            try:
                yield Program(process)
            finally:
                process.kill()

    return started


@pytest.mark.parametrize("client_id", ["rp", "poster", "pusher", "public"])
def test_a_person_logs_in_and_out_again(run, browser, provider, client_id):
    """Discovery, Core, RFC 7636, 9126, 9207 and RP-Initiated Logout, for each kind of client."""
    scope = "openid profile email" if client_id == "public" else SCOPE
    with run(client_id, scope) as program:
        known = program.say(log_in_and_agree(browser, program.hear()))
    assert known["claims"]["iss"] == provider.url
    assert known["claims"]["aud"] == client_id
    assert known["userinfo"]["email"] == "alice@example.com"
    assert known.get("refreshed") == (None if client_id == "public" else "alice")
    left = browser.get(known["logout"])
    assert left == {"to": "http://127.0.0.1:3000/goodbye", "state": "bye"}
    with run(client_id, scope) as program:
        assert "username" in browser.get(program.hear()).ids


def test_a_denial_reaches_it(run, browser):
    """RFC 6749 section 4.1.2.1."""
    with run() as program:
        told = browser.submit(browser.log_in(browser.get(program.hear())), "deny")
        assert program.say(address(told)) == {"error": "access_denied"}


@pytest.mark.parametrize("changed", ["iss", "state"])
def test_an_answer_of_another_is_noticed(run, browser, changed):
    """P15, RFC 9207: what is sent is what lets a client tell."""
    with run() as program:
        arrived = log_in_and_agree(browser, program.hear())
        mixed = arrived.replace(f"{changed}=", f"{changed}=x")
        assert "error" in program.say(mixed)


def test_a_code_of_another_flow_is_refused(run, browser):
    """P16: PKCE, where state and iss are right."""
    with run() as mine, run() as theirs:
        page = browser.get(mine.hear())
        assert isinstance(page, Page)
        own = address(browser.submit(browser.log_in(page), "allow"))
        told = browser.get(theirs.hear())
        injected = {**told, "code": own.partition("code=")[2].partition("&")[0]}
        assert theirs.say(address(injected)) == {"error": "invalid_grant"}
        assert "claims" in mine.say(own)
