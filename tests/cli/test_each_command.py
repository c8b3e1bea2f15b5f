"""Each command with each kind of client, and with an issuer that has a path."""

import json
import re
import shlex
from dataclasses import dataclass
from urllib.parse import unquote, urlencode

import pytest
from click.testing import Result

from issuer.cli import clock
from issuer.cli.command import issuer as the_command
from issuer.load import load
from issuer.protocol.form import Form
from issuer.protocol.request import TokenRequest
from keys.ring import KeyRing, write
from tests.asking import ask
from tests.builders import basic
from tests.cli.test_schema import json_of, validate
from tests.rfc9449.proving import Prover, proving

CALLBACK = "https://app.example/callback"
REDIRECT = ["--redirect-uri", CALLBACK]
MAC_API = "https://pay.example"
PROVER = Prover()


@dataclass(frozen=True)
class Kind:
    """How a client is added, what else is written into its record, and what comes of it."""

    arguments: tuple[str, ...]
    record: str = ""
    code: tuple[str, ...] = ()
    """What `issuer code` has to be told of it."""
    refused: str = ""
    """What `issuer code` says where it can have none."""
    token_type: str = "Bearer"

    @property
    def is_public(self) -> bool:
        return bool({"--public", "--native"}.intersection(self.arguments))

    @property
    def has_secret(self) -> bool:
        return not self.is_public and "--private-key-jwt" not in self.arguments


API = ("--resource", "https://api.example")
POST = ("--auth-method", "client_secret_post")
KINDS = {
    "client_secret_basic": Kind((*REDIRECT, *API)),
    "client_secret_post": Kind((*REDIRECT, *API, *POST)),
    "private_key_jwt": Kind((*REDIRECT, *API, "--private-key-jwt")),
    "private_key_jwt, openid": Kind((*REDIRECT, "--private-key-jwt", "--scope", "openid")),
    "private_key_jwt, no PKCE": Kind(
        (*REDIRECT, *API, "--private-key-jwt"), "require_pkce = false"
    ),
    "public": Kind((*REDIRECT, *API, "--public")),
    "no PKCE": Kind((*REDIRECT, *API), "require_pkce = false"),
    "no PKCE, in the body": Kind((*REDIRECT, *API, *POST), "require_pkce = false"),
    "redirect_uri to the letter": Kind((*REDIRECT, *API), "require_redirect_uri = true"),
    "openid alone": Kind((*REDIRECT, "--scope", "openid email")),
    "openid and offline_access": Kind((*REDIRECT, "--scope", "openid offline_access")),
    "openid and a resource": Kind((*REDIRECT, *API, "--scope", "openid email read")),
    "openid, public": Kind((*REDIRECT, *API, "--public", "--scope", "openid read")),
    "openid, no PKCE": Kind((*REDIRECT, "--scope", "openid"), "require_pkce = false"),
    "openid by ES256": Kind(
        (*REDIRECT, "--scope", "openid", "--id-token-signed-response-alg", "ES256")
    ),
    "two resources": Kind((*REDIRECT, *API, "--resource", MAC_API)),
    "the second of two": Kind(
        (*REDIRECT, *API, "--resource", MAC_API), code=("--resource", MAC_API), token_type="mac"
    ),
    "mac": Kind((*REDIRECT, "--resource", MAC_API), token_type="mac"),
    "native at localhost": Kind(("--redirect-uri", "http://localhost:1/cb", *API, "--native")),
    "native with a scheme": Kind(("--redirect-uri", "cursor://a.b/cb", *API, "--native")),
    "native with openid": Kind(
        ("--redirect-uri", "http://127.0.0.1/cb", "--native", "--scope", "openid")
    ),
    "two redirect URIs": Kind(
        (*REDIRECT, *API, "--redirect-uri", CALLBACK + "2"), code=("--redirect-uri", CALLBACK + "2")
    ),
    "two redirect URIs, none named": Kind(
        (*REDIRECT, *API, "--redirect-uri", CALLBACK + "2"),
        refused="The redirect_uri is missing, or not one of the client's.",
    ),
    "one that is answered by JWTs": Kind(
        (*REDIRECT, *API, "--authorization-signed-response-alg", "ES256")
    ),
    "one that pushes": Kind((*REDIRECT, *API, "--require-pushed-authorization-requests")),
    "by DPoP": Kind((*REDIRECT, *API, "--dpop"), token_type="DPoP"),
    "by DPoP, public": Kind((*REDIRECT, *API, "--dpop", "--public"), token_type="DPoP"),
    "the team's own": Kind((*REDIRECT, *API, "--skip-consent")),
    "asked each time": Kind((*REDIRECT, *API), 'prompt_consent = "always"'),
    "for itself": Kind(API, refused="The client has registered no redirect_uri."),
    "with passwords": Kind(
        (*REDIRECT, *API, "--grant-type", "password"),
        refused="The client may not use authorization codes.",
    ),
}
ISSUERS = ["https://issuer.example", "https://issuer.example/tenant"]
WITHOUT_A_CLIENT = {"group", "init", "resource", "user", "keys", "login-key", "schema"}
"""What is the same whatever clients there are; run once with all of them."""
WITH_A_CLIENT = {"check", "client", "code", "inspect", "revoke"}
OF_ONE_KIND = {"device", "explain", "federation"}
"""For devices, and for workloads: tested beside those."""


@pytest.fixture(params=ISSUERS)
def url(run, request, tmp_path) -> str:
    """The issuer of two resources and of alice, which has both kinds of keys."""
    (tmp_path / "registry.toml").write_text(
        f'[issuer]\nurl = "{request.param}"\n\n'
        '[resources."https://api.example"]\nscopes = ["read", "write"]\n\n'
        '[users.alice]\nemail = "alice@example.com"\n'
    )
    write(tmp_path / "keyring.json", KeyRing.new("ES256", clock.now() - 100, "RS256"))
    good(run("resource", "add", MAC_API, "--scope", "pay", "--mac", "--private-key", "pay.json"))
    return request.param


def good(result: Result) -> Result:
    assert result.exit_code == 0, result.output
    return result


def add(run, tmp_path, kind: Kind) -> str:
    """Adds the client; its secret, if it has one."""
    shown = good(run("client", "add", "it", *kind.arguments)).stdout
    path = tmp_path / "registry.toml"
    path.write_text(path.read_text().replace("[clients.it]\n", f"[clients.it]\n{kind.record}\n"))
    return dict(line.split() for line in shown.splitlines()).get("client_secret", "")


def as_pasted(run, shown: str, client_secret: str) -> tuple[str, TokenRequest]:
    """Where the curl command on stderr goes, and the request that it makes."""
    words = shlex.split(re.sub(r"\\\n", " ", shown[shown.index("curl") :]))
    assert words[:2] == ["curl", "-sS"]
    pairs, headers, rest = [], {}, words[2:-1]
    while rest:
        option, value, *rest = rest
        if option == "-u":
            headers = {"authorization": basic(unquote(value), client_secret)}
        else:
            assert option in ("-d", "--data-urlencode")
            name, _, text = value.partition("=")
            if text.startswith("$(issuer "):
                text = good(run(*shlex.split(text[2:-1])[1:])).stdout.strip()
            pairs.append((name, client_secret if text == "SECRET" else text))
    form = Form.parse(urlencode(pairs).encode())
    return words[-1], TokenRequest(form=form, headers=headers, received_at=clock.now())


@pytest.mark.parametrize("kind", [pytest.param(each, id=name) for name, each in KINDS.items()])
def test_a_client_is_added_checked_shown_and_gets_what_its_code_is_for(run, url, tmp_path, kind):
    client_secret = add(run, tmp_path, kind)
    assert bool(client_secret) is kind.has_secret
    assert "clients      1" in good(run("check")).stdout
    assert "it " in good(run("client", "list")).stdout
    assert [each["client_id"] for each in json.loads(run("client", "list", "--json").stdout)] == [
        "it"
    ]
    result = run("code", "--client", "it", "--user", "alice", *kind.code)
    if kind.refused:
        assert (result.exit_code, result.stdout, result.stderr) == (1, "", kind.refused + "\n")
        return
    code, *verifier = good(result).stdout.splitlines()
    assert bool(verifier) is ("require_pkce = false" not in kind.record)
    where, request = as_pasted(run, result.stderr, client_secret)
    assert where == url + "/token"
    server = load(tmp_path / "registry.toml", tmp_path / "keyring.json", clock.now())
    if kind.token_type == "DPoP":
        assert "with a DPoP proof added, by its client, this" in result.stderr
        assert ask(server, request).error == "invalid_dpop_proof"
        request = proving(request, PROVER.proof(where, now=clock.now()), url=where)
    answer = ask(server, request)
    assert answer.status == 200, answer.log
    assert answer.body["token_type"] == kind.token_type
    assert ("id_token" in answer.body) is ("openid" in " ".join(kind.arguments))
    for text in (code, *(answer.body.get(name) for name in TOKENS)):
        if text is not None:
            assert "It is good." in good(run("inspect", stdin=text)).stdout
    if kind.token_type == "DPoP":
        shown = run("inspect", stdin=str(answer.access_token)).stdout
        assert f'bound to the key "{PROVER.jkt}", so a request needs a DPoP proof' in shown
        shown = run("inspect", stdin=str(answer.body["refresh_token"])).stdout
        assert (PROVER.jkt in shown) is kind.is_public
    good(run("revoke", "--client", "it"))
    assert run("inspect", stdin=code).exit_code == 1


TOKENS = ("access_token", "refresh_token", "id_token")


@pytest.mark.parametrize("kind", [pytest.param(each, id=name) for name, each in KINDS.items()])
def test_a_client_gets_another_secret_if_it_has_one(run, url, tmp_path, kind):
    add(run, tmp_path, kind)
    before = (tmp_path / "registry.toml").read_text()
    result = run("client", "secret", "it")
    if kind.is_public:
        assert (result.exit_code, result.stdout) == (1, "")
        assert "a public client must have none" in result.stderr
        assert (tmp_path / "registry.toml").read_text() == before
    elif not kind.has_secret:
        assert (result.exit_code, result.stdout) == (1, "")
        assert 'contradict "private_key_jwt"' in result.stderr
    else:
        assert len(good(result).stdout.strip()) == 43
        assert "2 live" in run("client", "list").stdout
    good(run("check"))


def test_whatever_clients_there_are_the_other_commands_do_the_same(run, url, tmp_path):
    path = tmp_path / "registry.toml"
    for number, kind in enumerate(KINDS.values()):
        good(run("client", "add", f"client{number}", *kind.arguments))
        header = f"[clients.client{number}]\n"
        path.write_text(path.read_text().replace(header, f"{header}{kind.record}\n"))
    good(run("init"))
    good(run("resource", "add", "https://other.example", "--scope", "more"))
    good(run("resource", "rotate", MAC_API, "--private-key", "pay.json"))
    good(run("user", "add", "bob", "--password-stdin", stdin="a password of bob\n"))
    good(run("client", "hash", stdin="a secret of somebody\n"))
    good(run("login-key", "--private-key", "login.jwk.json"))
    for each in (["list"], ["export"], ["rotate"], ["add", "--alg", "EdDSA"]):
        good(run("keys", *each))
    text = path.read_text()
    validate(json_of(text), json.loads(good(run("schema")).stdout))
    assert f"clients      {len(KINDS)}" in good(run("check")).stdout


def test_no_command_is_forgotten_here():
    assert set(the_command.commands) == WITHOUT_A_CLIENT | WITH_A_CLIENT | OF_ONE_KIND
