"""``issuer code``."""

import re
from pathlib import Path

from issuer import token
from issuer.cli import clock
from issuer.load import load
from issuer.protocol import pkce
from issuer.protocol.sealed import AuthorizationCode
from tests.builders import a_request, basic


def server_of(registry: Path):
    return load(registry, registry.with_name("keyring.json"), clock.now())


def with_a_secret(run) -> str:
    return run("client", "secret", "web").stdout.strip()


def test_the_code_and_the_verifier_it_made_can_be_redeemed(run, registry):
    code, verifier = run("code", "--client", "web", "--user", "alice").stdout.splitlines()
    server, now = server_of(registry), clock.now()
    request = a_request(
        "authorization_code",
        authorization=basic("web", with_a_secret(run)),
        now=now,
        code=code,
        code_verifier=verifier,
    )
    authorization = token.handler.validate(server_of(registry), request)
    assert authorization.user.username == "alice"
    assert server.sealer.open(AuthorizationCode, code, now=now).redirect_uri.endswith("/callback")


def test_a_challenge_of_ones_own_is_taken_and_nothing_else_is_printed(run, registry):
    challenge = pkce.s256("v" * 43)
    result = run(
        "code", "--client", "web", "--user", "alice", "--code-challenge", challenge,
        "--scope", "read", "--resource", "https://api.example",
        "--redirect-uri", "https://app.example/callback",
    )  # fmt: skip
    (code,) = result.stdout.splitlines()
    opened = server_of(registry).sealer.open(AuthorizationCode, code, now=clock.now())
    assert opened.code_challenge == challenge
    assert str(opened.scope) == "read"
    assert "code_verifier" not in result.stderr


def test_the_request_is_ready_to_paste(run, registry):
    result = run("code", "--client", "web", "--user", "alice")
    code, verifier = result.stdout.splitlines()
    request = re.sub(r"\s*\\\n\s*", " ", result.stderr).splitlines()[-1]
    assert request == (
        "curl -sS -u web --data-urlencode grant_type=authorization_code "
        f"--data-urlencode code={code} --data-urlencode redirect_uri=https://app.example/callback "
        f"--data-urlencode code_verifier={verifier} https://issuer.example/token"
    )


def test_a_public_client_names_itself_in_the_body(run, registry):
    run("client", "add", "app", "--public", "--redirect-uri", "com.example.app:/cb")
    request = run("code", "--client", "app", "--user", "alice").stderr
    assert "--data-urlencode client_id=app" in request
    assert "-u " not in request


def test_a_client_that_posts_its_secret_has_a_place_for_it(run, registry):
    run(
        "client", "add", "poster", "--auth-method", "client_secret_post",
        "--redirect-uri", "https://post.example/cb",
    )  # fmt: skip
    request = run("code", "--client", "poster", "--user", "alice").stderr
    assert "-d client_secret=SECRET" in request


def test_it_is_refused_in_a_sentence(run, registry):
    result = run("code", "--client", "web", "--user", "mallory")
    assert result.exit_code == 1
    assert result.stderr == "There is no such user, or none that is active.\n"
    assert run("code", "--client", "nobody", "--user", "alice").exit_code == 1
