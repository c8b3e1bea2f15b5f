"""``issuer/client_auth/README.md``: its registry is valid; its jobs and pods get their tokens."""

import json
import re
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from issuer import client_auth
from issuer.cli.federation import KINDS
from issuer.protocol.federated import LEEWAY
from issuer.registry import files, parse
from issuer.registry.federation import DEFAULT_LIFETIME, JWT_BEARER
from issuer.server import AuthorizationServer
from issuer.token import OFFERED
from keys.fetching import MAX_BYTES, TIMEOUT
from tests.builders import RING
from tests.federation.asking import as_client, as_grant, validated
from tests.federation.tokens import KEYS, github, kubernetes, token
from tests.rfc7523.keys import a_jwks, a_public_jwk

GUIDE = (Path(client_auth.__file__).parent / "README.md").read_text()
URL = "https://id.example"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def registry(tmp_path: Path):
    """What the guide's TOML says together; the rule by claims in the place of the others."""
    first, by_claims, cluster = blocks("toml")
    text = f'[issuer]\nurl = "{URL}"\n{first}\n{cluster}'
    (tmp_path / "registry.toml").write_text(text)
    (tmp_path / "cluster.jwks.json").write_text(json.dumps(a_jwks(a_public_jwk("RS256"))))
    found = parse(files.read_registry(tmp_path / "registry.toml"), OFFERED)
    without = re.sub(r"^federated = \[\n.*?^\]$", "", text, count=1, flags=re.MULTILINE | re.DOTALL)
    assert "[federations.github]" in without
    (tmp_path / "registry.toml").write_text(without + by_claims)
    by_its_claims = parse(files.read_registry(tmp_path / "registry.toml"), OFFERED)
    return found, by_its_claims


def server(registry) -> AuthorizationServer:
    """That registry, with GitHub's keys at hand."""
    object.__setattr__(registry.federations["github"], "jwks", KEYS)
    return AuthorizationServer.of(registry, RING)


@pytest.mark.parametrize(
    "sub",
    ["repo:acme/shop:environment:production",
     "repo:acme@123456/shop@456789:environment:production"],
)  # fmt: skip
def test_the_job_gets_its_token(registry, sub):
    text = token(github(aud=URL, sub=sub))
    assert validated(server(registry[0]), as_grant(text)).sub == "deploy"
    (job, _) = blocks("yaml")
    assert f"grant_type={JWT_BEARER}" in job
    assert f"audience={URL}" in job


def test_a_rule_by_claims_holds_for_each_spelling(registry):
    for sub in re.findall(r"`(repo(?:sitory_owner_id)?:[^`]+(?:main|private))`", GUIDE):
        text = token(github(aud=URL, sub=sub))
        assert validated(server(registry[1]), as_grant(text)).sub == "deploy"


def test_the_pod_gets_its_token(registry):
    text = token(kubernetes(aud=[URL]))
    found = validated(server(registry[0]), as_client(text, client_id="api"))
    assert found.mapped == {"namespace": "shop"}
    said = dict(parse_qsl("&".join(re.findall(r"-d (\S+=\S+)", blocks("sh")[0]))))
    assert said.items() <= as_client(text, client_id="api").items()


def test_its_numbers_and_kinds_are_those_that_hold():
    assert f"`max_lifetime` ({DEFAULT_LIFETIME} s)" in GUIDE
    assert f"differ by {LEEWAY} s" in GUIDE
    assert f"within {TIMEOUT:.0f} seconds and {MAX_BYTES // 1024} KiB" in GUIDE
    for kind in set(KINDS) - {"kubernetes"}:
        assert kind in GUIDE
