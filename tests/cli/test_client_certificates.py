"""``issuer client add --mtls`` and ``--mtls-self-signed``: certificates in place of secrets."""

import json
import stat
import time
import tomllib
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from issuer.cli import clock
from issuer.load import load
from issuer.protocol.request import Response
from keys.client_certificates import read_pem, thumbprint
from tests.asking import a_request_of, ask, claims_of
from tests.rfc8705.certificates import DAY, an_authority, certified, names

NOW = int(time.time())
TODAY = {"begins": NOW - DAY, "ends": NOW + 30 * DAY}
AUTHORITY = an_authority(**TODAY)
SOURCE = (
    'trusted_proxies = ["127.0.0.1"]\nclient_certificate_header = "Client-Cert"\n'
    'client_certificate_authorities_file = "clients-ca.pem"\n'
)


@pytest.fixture
def registry(registry: Path) -> Path:
    """A registry that says where certificates come from, and who vouches for them."""
    registry.write_text(registry.read_text().replace("[issuer]\n", f"[issuer]\n{SOURCE}", 1))
    (registry.parent / "clients-ca.pem").write_text(AUTHORITY.pem)
    return registry


def client(registry: Path) -> dict[str, Any]:
    return tomllib.loads(registry.read_text())["clients"]["billing"]


def answer(registry: Path, der: bytes | None) -> Response:
    """What comes of a token request over a connection with this certificate."""
    now = clock.now()
    request = a_request_of(
        ("grant_type", "client_credentials"), ("client_id", "billing"), client_id=None, now=now
    )
    server = load(registry, registry.parent / "keyring.json", now)
    return ask(server, replace(request, certificate=der))


def test_the_first_token_by_a_certificate_takes_one_command(run, registry):
    added = run("client", "add", "billing", "--mtls-self-signed")
    assert added.exit_code == 0, added.stderr
    certificate, key = (registry.parent / f"billing.{each}" for each in ("pem", "key"))
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert "PRIVATE KEY" in key.read_text()
    assert "PRIVATE KEY" not in registry.read_text() + added.output + certificate.read_text()
    (der,) = read_pem(certificate.read_text())
    assert answer(registry, None).status == 401
    given = answer(registry, der)
    server = load(registry, registry.parent / "keyring.json", clock.now())
    assert claims_of(server, given)["cnf"] == {"x5t#S256": thumbprint(der)}
    assert f"curl --cert {certificate.name} --key {key.name} http" in added.stderr
    record = client(registry)
    assert record["token_endpoint_auth_method"] == "self_signed_tls_client_auth"
    assert "client_secrets" not in record
    assert run("check").exit_code == 0
    assert "self_signed_tls_client_auth  1 key" in run("client", "list").stdout
    inspected = run("inspect", stdin=str(given.access_token)).output
    assert "with which a request has to connect" in inspected


@pytest.mark.parametrize(("options", "field", "name", "found"), [
    ([], "subject_dn", "CN=billing", {"subject": "CN=billing"}),
    (["--tls-client-auth-subject-dn", "CN=b,O=E"], "subject_dn", "CN=b,O=E",
     {"subject": "CN=b,O=E"}),
    (["--tls-client-auth-san-dns", "a.example"], "san_dns", "a.example",
     {"extensions": [names(dns="a.example")]}),
    (["--tls-client-auth-san-uri", "spiffe://x/b"], "san_uri", "spiffe://x/b",
     {"extensions": [names(uri="spiffe://x/b")]}),
    (["--tls-client-auth-san-ip", "10.0.0.7"], "san_ip", "10.0.0.7",
     {"extensions": [names(ip="10.0.0.7")]}),
    (["--tls-client-auth-san-email", "b@example.com"], "san_email", "b@example.com",
     {"extensions": [names(email="b@example.com")]}),
])  # fmt: skip
def test_a_client_is_registered_by_one_name(run, registry, options, field, name, found):
    added = run("client", "add", "billing", "--mtls", *options)
    assert added.exit_code == 0, added.stderr
    assert client(registry)[f"tls_client_auth_{field}"] == name
    assert client(registry)["tls_client_certificate_bound_access_tokens"] is True
    assert f"tls_client_auth      {name}" in run("client", "list").stdout
    (*_, listed) = json.loads(run("client", "list", "--json").stdout)
    assert listed[f"tls_client_auth_{field}"] == name
    vouched = certified(**({"subject": "CN=x"} | found), by=AUTHORITY, **TODAY)
    assert answer(registry, vouched.der).status == 200
    assert answer(registry, certified(by=AUTHORITY, **TODAY).der).status == 401


@pytest.mark.parametrize("is_self_signed", [False, True])
def test_a_client_may_bring_its_certificate(run, registry, is_self_signed):
    own = certified("CN=a\\,b,O=Ä", by=None if is_self_signed else AUTHORITY, **TODAY)
    (registry.parent / "its.pem").write_text(own.pem)
    flag = "--mtls-self-signed" if is_self_signed else "--mtls"
    added = run("client", "add", "billing", flag, "--certificate", "its.pem")
    assert added.exit_code == 0, added.stderr
    assert answer(registry, own.der).status == 200
    assert not (registry.parent / "billing.key").exists()


@pytest.mark.parametrize("flags", [["--public"], ["--auth-method", "client_secret_post"]])
def test_a_client_that_is_known_otherwise_has_bound_tokens_alone(run, registry, flags):
    redirect = ["--redirect-uri", "https://app.example/callback"]
    added = run("client", "add", "billing", "--mtls", *flags, *redirect)
    assert added.exit_code == 0, added.stderr
    record = client(registry)
    assert record["tls_client_certificate_bound_access_tokens"] is True
    assert record["token_endpoint_auth_method"] == ("none" if len(flags) == 1 else flags[1])
    assert "refresh_token" in record["grant_types"]
    assert not [each for each in record if each.startswith("tls_client_auth_")]


@pytest.mark.parametrize("flags", [
    ["--mtls", "--mtls-self-signed"],
    ["--mtls-self-signed", "--public"],
    ["--mtls-self-signed", "--private-key-jwt"],
    ["--mtls-self-signed", "--jwks", "x.json"],
    ["--mtls-self-signed", "--tls-client-auth-san-dns", "a.example"],
    ["--mtls-self-signed", "--private-key", "billing.pem"],
    ["--mtls", "--certificate", "its.pem", "--tls-client-auth-san-dns", "a.example"],
    ["--certificate", "its.pem"],
    ["--tls-client-auth-san-dns", "a.example"],
])  # fmt: skip
def test_what_contradicts_itself_is_a_mistake_of_usage(run, registry, flags):
    (registry.parent / "its.pem").write_text(certified(**TODAY).pem)
    before = registry.read_text()
    assert run("client", "add", "billing", *flags).exit_code == 2
    assert registry.read_text() == before
    assert not (registry.parent / "billing.key").exists()


def test_nothing_is_overwritten_and_nothing_left_behind(run, registry):
    before = registry.read_text()
    for name in ("billing.key", "billing.pem"):
        path = registry.parent / name
        path.write_text("mine")
        refused = run("client", "add", "billing", "--mtls-self-signed")
        assert refused.exit_code == 1
        assert "File exists" in refused.stderr
        assert path.read_text() == "mine"
        path.unlink()
        assert not [*registry.parent.glob("billing.*")]
        assert registry.read_text() == before
    assert run("client", "add", "billing", "--mtls-self-signed").exit_code == 0


@pytest.mark.parametrize("content", ["", "x", AUTHORITY.key_pem])
def test_what_is_no_certificate_is_refused(run, registry, content):
    (registry.parent / "its.pem").write_text(content)
    refused = run("client", "add", "billing", "--mtls", "--certificate", "its.pem")
    assert (refused.exit_code, "its.pem: is no certificate in PEM" in refused.stderr) == (1, True)


def test_a_registry_that_cannot_know_certificates_says_what_is_missing(run, registry):
    registry.write_text(registry.read_text().replace(SOURCE, ""))
    refused = run("client", "add", "billing", "--mtls")
    assert refused.exit_code == 1
    assert "set client_certificate_header under [issuer]" in refused.stderr
    assert "needs client_certificate_authorities_file" in refused.stderr
    made = run("client", "add", "billing", "--mtls-self-signed")
    assert made.exit_code == 1
    assert not [*registry.parent.glob("billing.*")]
