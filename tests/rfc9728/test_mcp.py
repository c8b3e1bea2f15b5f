"""The MCP server of the guide, and the official SDK's client, which is told no more than its URL.

It needs the package ``mcp``, of release 2.
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx
import pytest

from tests.browser.browsing import Browser
from tests.keys.test_guide import ROOT, a_free_port, snippet, wait_until_it_answers
from tests.relying_parties.builders import a_relying_party, log_in_and_agree
from tests.running import RunningIssuer

pytest.importorskip("mcp.server.mcpserver", reason="needs the package mcp")

from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.auth import (
    AuthorizationCodeResult,
    OAuthClientInformationFull,
    OAuthClientMetadata,
)

CALLBACK = "http://127.0.0.1:3000/callback"


class Storage:
    """What a client remembers: at first, as whom it was registered."""

    def __init__(self, client: OAuthClientInformationFull) -> None:
        self.client = client
        self.tokens: Any = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client):
        self.client = client


class Agent:
    """A client of MCP, and the person whose browser it opens."""

    def __init__(self, issuer: RunningIssuer) -> None:
        self.issuer = issuer
        self.asked: list[dict[str, str]] = []
        self.came_back: dict[str, list[str]] = {}
        client = {
            "client_id": "agent", "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none"
        }  # fmt: skip
        self.storage = Storage(OAuthClientInformationFull(**client))

    async def open(self, url: str) -> None:
        self.asked.append(dict(parse_qsl(urlsplit(url).query)))

        def go() -> str:
            with Browser(self.issuer) as browser:
                return log_in_and_agree(browser, url)

        self.came_back = parse_qs(urlsplit(await asyncio.to_thread(go)).query)

    async def hear(self) -> AuthorizationCodeResult:
        told = {name: values[0] for name, values in self.came_back.items()}
        return AuthorizationCodeResult(**told)

    def provider(self, url: str) -> OAuthClientProvider:
        """One that knows ``url``, and what the storage has."""
        metadata = OAuthClientMetadata(
            redirect_uris=[CALLBACK],
            grant_types=["authorization_code", "refresh_token"],
            token_endpoint_auth_method="none",
        )
        return OAuthClientProvider(url, metadata, self.storage, self.open, self.hear)


async def call(url: str, provider: OAuthClientProvider) -> Any:
    """What the tool answers."""
    async with (
        create_mcp_http_client(auth=provider) as http,
        Client(streamable_http_client(url, http_client=http)) as client,
    ):
        return await client.call_tool("invoices", {})


@pytest.fixture(scope="module", params=[
    pytest.param(("", "/mcp"), id="an MCP server with a path"),
    pytest.param(("/tenant", ""), id="an issuer with a path, a server without"),
])  # fmt: skip
def running(request, tmp_path_factory) -> Iterator[tuple[RunningIssuer, str]]:
    """The issuer, and the URL of the guide's program as it is registered."""
    tenant, path = request.param
    folder = tmp_path_factory.mktemp("mcp")
    issuer = RunningIssuer(folder, path=tenant, replay_store="sqlite:replay.db")
    port = a_free_port()
    origin = f"http://127.0.0.1:{port}"
    server = origin + path
    table = issuer.read_registry()
    table["resources"][server] = {"scopes": ["read"]}
    table["clients"]["agent"] = a_relying_party(
        token_endpoint_auth_method="none", client_secrets=[], redirect_uris=[CALLBACK],
        scope="read", resources=[server],
    )  # fmt: skip
    issuer.write_registry(table)
    issuer.start()
    program = snippet("# An MCP server")
    if not path:
        program = program.replace("http_app()", 'http_app(streamable_http_path="/")')
    (folder / "mcp_server.py").write_text(program)
    environment = {
        **os.environ, "ISSUER": issuer.url, "AUDIENCE": server, "PYTHONPATH": str(ROOT)
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "mcp_server:app", "--port", str(port)],
        cwd=folder, env=environment, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process, httpx.Client(base_url=origin) as client:
        wait_until_it_answers(client, process)
        yield issuer, server
        process.terminate()
        process.communicate(timeout=10)
    issuer.stop()


def test_a_client_that_knows_the_url_alone_gets_in(running):
    """It is challenged, reads where the issuer is, sends the person there, and comes back."""
    issuer, server = running
    # One slash after the host is no difference; one after a path makes another URL.
    for url in (server,) if server.endswith("/mcp") else (server, f"{server}/"):
        agent = Agent(issuer)
        answer = asyncio.run(call(url, agent.provider(url)))
        assert not answer.is_error
        assert answer.structured_content == {"subject": "alice", "invoices": "none"}
        (asked,) = agent.asked
        assert asked["resource"].rstrip("/") == server
        assert asked["code_challenge_method"] == "S256"
        # The SDK adds what it takes to be known again, where the issuer says that it has that.
        assert set(asked["scope"].split(" ")) - {"offline_access"} == {"read"}


def test_it_comes_again_with_its_token_and_then_with_its_refresh_token(running):
    issuer, server = running
    agent = Agent(issuer)

    async def come_again() -> None:
        provider = agent.provider(server)
        first = await call(server, provider)
        token = agent.storage.tokens
        again = await call(server, agent.provider(server))
        assert (again.structured_content, agent.storage.tokens) == (first.structured_content, token)
        provider.context.token_expiry_time = 1
        late = await call(server, provider)
        assert late.structured_content == first.structured_content
        assert agent.storage.tokens.access_token != token.access_token

    asyncio.run(come_again())
    assert len(agent.asked) == 1


def test_without_a_token_nobody_gets_in_and_everybody_reads_where_to_get_one(running):
    issuer, server = running
    refused = httpx.post(server, json={})
    assert refused.status_code == 401
    challenge = refused.headers["WWW-Authenticate"]
    url = challenge.partition('resource_metadata="')[2].partition('"')[0]
    document = httpx.get(url).json()
    assert (document["resource"], document["authorization_servers"]) == (server, [issuer.url])
