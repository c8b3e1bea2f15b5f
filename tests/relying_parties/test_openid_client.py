"""npm's openid-client, a certified relying party: discovery, PAR, code flow, userinfo, logout."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.authorize.browsing import Browser
from tests.builders import CALLBACK, SECRET

PROGRAM = Path(__file__).parent / "openid_client.mjs"


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with the program and openid-client."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("there is no node, or no npm")
    folder = tmp_path_factory.mktemp("openid-client")
    command = ["npm", "install", "--no-audit", "--no-fund", "--prefix", folder, "openid-client@6"]
    if subprocess.run(command, capture_output=True, check=False, timeout=180).returncode:
        pytest.skip("npm cannot install openid-client")
    shutil.copy(PROGRAM, folder)
    return folder


@pytest.mark.parametrize("pushed", ["", "1"], ids=["by the query", "pushed"])
def test_it_logs_in_knows_who_it_is_and_logs_out(installed, provider, pushed):
    command = ["node", PROGRAM.name, provider.url, "wiki", SECRET, CALLBACK]
    with (
        subprocess.Popen(
            command,
            cwd=installed,
            env={**os.environ, "PUSHED": pushed},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as relying_party,
        Browser(provider) as browser,
    ):
        url = relying_party.stdout.readline().strip()
        assert url.startswith(provider.url), relying_party.stderr.read()
        assert ("request_uri=" in url) == bool(pushed)
        told = browser.submit(browser.log_in(browser.get(url)), "allow")
        callback = f"{told.pop('to')}?{urlencode(told)}"
        out, complaints = relying_party.communicate(callback + "\n", timeout=30)
        assert relying_party.returncode == 0, complaints
        learnt = json.loads(out)
        assert learnt["claims"]["amr"] == ["pwd"]
        assert learnt["userinfo"] == {"sub": "alice", "email": "alice@example.com"}
        assert learnt["refreshed"]["sub"] == "alice"
        assert browser.get(learnt["logout"])["to"] == CALLBACK
        assert "username" in browser.get(url if not pushed else browser_url(provider)).ids


def browser_url(provider):
    """Another request of the same client."""
    request = {"client_id": "wiki", "response_type": "code", "scope": "openid"}
    pkce = {"code_challenge": "A" * 43, "code_challenge_method": "S256"}
    return f"{provider.url}/authorize?{urlencode({**request, **pkce})}"
