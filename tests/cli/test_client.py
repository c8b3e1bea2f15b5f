"""``issuer client``."""

import json
import tomllib
from pathlib import Path

import pytest

from issuer.registry import secret
from issuer.registry.client import DEVICE_CODE


def client(registry: Path, client_id: str) -> dict:
    return tomllib.loads(registry.read_text())["clients"][client_id]


def test_a_client_with_nothing_said_acts_for_itself(run, registry):
    result = run("client", "add", "billing")
    assert result.exit_code == 0
    added = client(registry, "billing")
    made = result.stdout.split()[-1]
    assert added.pop("client_secrets") == [{"hash": secret.sha256_hash(made)}]
    assert added == {
        "token_endpoint_auth_method": "client_secret_basic",
        "grant_types": ["client_credentials"],
        "scope": "read write",
        "resources": ["https://api.example"],
    }


def test_the_secret_is_on_stdout_and_nowhere_else(run, registry):
    result = run("client", "add", "billing")
    name, made = result.stdout.splitlines()[1].split()
    assert name == "client_secret"
    assert made not in result.stderr
    assert made not in registry.read_text()


def test_a_redirect_uri_makes_it_a_client_with_users(run, registry):
    run("client", "add", "shop", "--name", "Shop", "--redirect-uri", "https://shop.example/cb")
    assert client(registry, "shop")["grant_types"] == ["authorization_code", "refresh_token"]
    assert client(registry, "shop")["client_name"] == "Shop"


def test_its_server_can_be_told_of_logouts(run, registry):
    told = "https://wiki.example/backchannel_logout"
    where = ("--redirect-uri", "https://wiki.example/cb", "--backchannel-logout-uri", told)
    assert run("client", "add", "wiki", "--scope", "openid", *where).exit_code == 0
    assert client(registry, "wiki")["backchannel_logout_uri"] == told
    refused = run("client", "add", "api", "--scope", "read", *where)
    assert refused.exit_code == 1
    assert 'needs "openid" in the scope' in refused.stderr


def test_a_public_client_has_no_secret(run, registry):
    result = run("client", "add", "app", "--public", "--redirect-uri", "com.example.app:/cb")
    assert result.exit_code == 0
    assert "secret" not in result.stdout
    added = client(registry, "app")
    assert "client_secrets" not in added
    assert added["token_endpoint_auth_method"] == "none"
    assert added["grant_types"] == ["authorization_code"]


def test_with_a_store_a_public_client_gets_refresh_tokens(run, registry):
    """RFC 9700 section 4.14.2: they rotate, and a replay of one is detected."""
    remembering = registry.read_text().replace("[issuer]", '[issuer]\nreplay_store = "sqlite:"')
    registry.write_text(remembering)
    result = run("client", "add", "app", "--public", "--redirect-uri", "com.example.app:/cb")
    assert result.exit_code == 0
    assert client(registry, "app")["grant_types"] == ["authorization_code", "refresh_token"]


def test_rotation_is_asked_for_and_takes_a_store(run, registry):
    add = "client", "add", "shop", "--redirect-uri", "https://shop.example/cb"
    refused = run(*add, "--rotate-refresh-tokens")
    assert refused.exit_code == 1
    assert "clients.shop.rotate_refresh_tokens: needs a replay_store" in refused.stderr
    remembering = registry.read_text().replace("[issuer]", '[issuer]\nreplay_store = "sqlite:"')
    registry.write_text(remembering)
    assert run(*add, "--rotate-refresh-tokens").exit_code == 0
    assert client(registry, "shop")["rotate_refresh_tokens"] is True
    assert run("check").exit_code == 0


def test_what_is_said_is_what_is_written(run, registry):
    run(
        "client", "add", "all", "--grant-type", "client_credentials", "--grant-type", "password",
        "--scope", "read", "--resource", "https://api.example",
        "--auth-method", "client_secret_post",
    )  # fmt: skip
    added = client(registry, "all")
    assert added["grant_types"] == ["client_credentials", "password"]
    assert added["scope"] == "read"
    assert added["token_endpoint_auth_method"] == "client_secret_post"


@pytest.mark.parametrize(
    ("arguments", "exit_code", "reason"),
    [
        pytest.param(["web"], 1, "registry.toml already has clients.web", id="it is there"),
        pytest.param(["x", "--scope", "raed"], 1, 'did you mean "read"?', id="scope is unknown"),
        pytest.param(["x", "--public"], 1, "authorization_code needs one", id="no URI"),
        pytest.param(["x", "--public", "--auth-method", "client_secret_post"], 2, "not", id="both"),
        pytest.param(["x", "--redirect-uri", "http://x.example"], 1, "must be https", id="http"),
        pytest.param(["x", "--resource", "https://x"], 1, "is not known here", id="no resource"),
        pytest.param(["x", "--grant-type", "implicit"], 2, "is not one of", id="no such grant"),
        pytest.param(["x", "--file", "other.toml"], 1, "is for a directory", id="one file only"),
        pytest.param(["a\nb"], 1, "must have no control characters", id="a name of two lines"),
    ],
)
def test_a_refused_edit_leaves_the_file_as_it_was(run, registry, arguments, exit_code, reason):
    before = registry.read_bytes()
    result = run("client", "add", *arguments)
    assert result.exit_code == exit_code
    assert reason in result.stderr
    assert result.stdout == ""
    assert registry.read_bytes() == before
    assert len(list(registry.parent.iterdir())) == 3


LOCALHOST = ["--redirect-uri", "http://localhost:1234/callback"]


def test_an_application_on_peoples_machines_says_so_and_may_have_localhost(run, registry):
    result = run("client", "add", "editor", "--native", *LOCALHOST)
    assert result.exit_code == 0
    assert "application_type" in result.stderr
    added = client(registry, "editor")
    assert (added["application_type"], added["token_endpoint_auth_method"]) == ("native", "none")
    assert added["redirect_uris"] == ["http://localhost:1234/callback"]
    assert "Good, with 1 warning:" in run("check").stdout
    listed = {
        each["client_id"]: each for each in json.loads(run("client", "list", "--json").stdout)
    }
    assert listed["editor"]["application_type"] == "native"


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_a_native_application_has_a_secret_only_if_that_is_said(run, registry, method):
    assert run("client", "add", "x", "--native", "--auth-method", method, *LOCALHOST).exit_code == 0
    assert client(registry, "x")["client_secrets"]


@pytest.mark.parametrize("uri", ["http://localhost:1234/callback", "cursor://a.b/callback"])
def test_what_only_a_native_application_may_have_says_how_to_be_one(run, registry, uri):
    result = run("client", "add", "editor", "--redirect-uri", uri)
    assert result.exit_code == 1
    assert "`issuer client add --native`" in result.stderr
    assert "Nothing was changed." in result.stderr


def test_the_rest_of_a_registration_has_options_too(run, registry):
    result = run(
        "client", "add", "own", "--redirect-uri", "https://own.example/cb", "--skip-consent",
        "--require-pushed-authorization-requests", "--id-token-signed-response-alg", "ES256",
        "--scope", "openid", "--authorization-signed-response-alg", "ES256",
    )  # fmt: skip
    assert result.exit_code == 0
    added = client(registry, "own")
    assert added["authorization_signed_response_alg"] == "ES256"
    assert added["skip_consent"] is added["require_pushed_authorization_requests"] is True
    assert added["id_token_signed_response_alg"] == "ES256"
    assert "skip_consent                           true" in result.stderr
    plain = run("client", "add", "plain", "--redirect-uri", "https://own.example/cb")
    assert plain.exit_code == 0
    assert "skip_consent" not in client(registry, "plain")


def test_a_client_that_has_to_sign_its_requests_needs_a_key(run, registry):
    """RFC 9101 section 10.5."""
    before = registry.read_text()
    asked = ("client", "add", "own", "--redirect-uri", "https://own.example/cb")
    refused = run(*asked, "--require-signed-request-object")
    assert refused.exit_code == 1
    assert "require_signed_request_object: needs a key of the client's" in refused.stderr
    assert "Nothing was changed" in refused.stderr
    assert registry.read_text() == before
    assert run(*asked).exit_code == 0


@pytest.mark.parametrize(
    ("option", "stdin"),
    [("--chosen", "open sesame\nopen sesame\n"), ("--secret-stdin", "open sesame\nmore\n")],
)
@pytest.mark.parametrize("command", [["add", "moved"], ["secret", "web"]])
def test_a_client_may_bring_its_secret(run, registry, command, option, stdin):
    result = run("client", *command, option, stdin=stdin)
    assert result.exit_code == 0
    assert "sesame" not in result.output
    assert "client_secret " not in result.stdout
    held = client(registry, command[1])["client_secrets"][-1]["hash"]
    assert secret.matches(held, "open sesame")


@pytest.mark.parametrize("option", ["--chosen", "--secret-stdin"])
@pytest.mark.parametrize("kind", ["--public", "--native"])
def test_who_can_keep_no_secret_cannot_bring_one(run, registry, kind, option):
    before = registry.read_bytes()
    arguments = ["--redirect-uri", "com.example.app:/cb", option]
    result = run("client", "add", "x", kind, *arguments, stdin="open sesame\nopen sesame\n")
    assert result.exit_code == 2
    assert "has no secret to choose" in result.stderr
    assert registry.read_bytes() == before


def test_a_known_secret_becomes_its_hash_without_a_file(run, tmp_path):
    chosen = run("client", "hash", stdin="open sesame\n").stdout.strip()
    assert chosen.startswith("$argon2id$")
    assert secret.matches(chosen, "open sesame")
    made = secret.generate()
    for ending in ("", "\n", "\r\n"):
        hashed = run("client", "hash", "--generated", stdin=made + ending).stdout
        assert hashed == secret.sha256_hash(made) + "\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "given", "sentence"),
    [
        pytest.param([], "sesame\n", "at least 8 characters", id="too short"),
        pytest.param([], "", "at least 8 characters", id="nothing"),
        pytest.param(["--generated"], "x" * 21, "leave --generated out", id="hardly generated"),
    ],
)
def test_a_secret_that_is_none_has_no_hash(run, arguments, given, sentence):
    result = run("client", "hash", *arguments, stdin=given)
    assert (result.exit_code, result.stdout) == (2, "")
    assert sentence in result.stderr
    assert given == "" or given.strip() not in result.stderr


def test_of_several_resources_one_must_be_named(run, registry):
    run("resource", "add", "https://other.example", "--scope", "pay")
    result = run("client", "add", "x")
    assert result.exit_code == 2
    assert "--resource: https://api.example, https://other.example" in result.stderr
    assert run("client", "add", "x", "--resource", "https://other.example").exit_code == 0
    assert client(registry, "x")["scope"] == "pay"


@pytest.mark.parametrize(
    ("scope", "resources"),
    [
        ("openid", []),
        ("openid profile email offline_access", []),
        ("openid read", ["https://api.example"]),
        ("read", ["https://api.example"]),
    ],
)
def test_a_client_that_asks_only_who_the_user_is_has_no_resource(run, registry, scope, resources):
    callback = ["--redirect-uri", "https://wiki.example/callback"]
    assert run("client", "add", "wiki", *callback, "--scope", scope).exit_code == 0
    wiki = tomllib.loads(registry.read_text())["clients"]["wiki"]
    assert wiki.get("resources", []) == resources
    assert run("check").exit_code == 0


def test_without_a_resource_it_says_how_to_add_one(run, registry):
    registry.write_text('[issuer]\nurl = "https://issuer.example"\n')
    result = run("client", "add", "x")
    assert result.exit_code == 1
    assert "issuer resource add" in result.stderr


def test_a_second_secret_leaves_the_first_some_days(run, registry):
    made = run("client", "secret", "web", "--expires-old-in", "2h").stdout.strip()
    old, new = client(registry, "web")["client_secrets"]
    assert old["hash"] == "sha256:" + "A" * 43
    assert old["expires_at"]
    assert new == {"hash": secret.sha256_hash(made)}
    assert run("check").exit_code == 0


def test_an_end_that_comes_earlier_stays(run, registry):
    run("client", "secret", "web", "--expires-old-in", "1h")
    first = client(registry, "web")["client_secrets"][0]["expires_at"]
    run("client", "secret", "web", "--expires-old-in", "7d")
    first_now, second, _ = client(registry, "web")["client_secrets"]
    assert first_now["expires_at"] == first
    assert second["expires_at"] > first


def test_old_secrets_can_go_at_once(run, registry):
    made = run("client", "secret", "web", "--revoke-old").stdout.strip()
    assert client(registry, "web")["client_secrets"] == [{"hash": secret.sha256_hash(made)}]


def test_a_client_without_a_secret_gets_its_first(run, registry):
    lines = registry.read_text().splitlines(keepends=True)
    registry.write_text("".join(line for line in lines if "client_secrets" not in line))
    assert "`issuer client secret` makes it" in run("check").stderr
    assert run("client", "secret", "web").exit_code == 0
    assert run("check").exit_code == 0


def test_a_chosen_secret_is_stretched_and_never_shown(run, registry):
    result = run("client", "secret", "web", "--chosen", stdin="open sesame\nopen sesame\n")
    assert result.exit_code == 0
    assert "sesame" not in result.output
    chosen = client(registry, "web")["client_secrets"][-1]["hash"]
    assert chosen.startswith("$argon2id$")
    assert secret.matches(chosen, "open sesame")


def test_a_chosen_secret_is_what_every_client_can_send(run, registry):
    """RFC 6749 appendix A.2."""
    before, typed = registry.read_text(), "s\u00e9same ouvre-toi\n"
    result = run("client", "secret", "web", "--chosen", stdin=typed * 2)
    assert (result.exit_code, registry.read_text()) == (2, before)
    assert "must be printable ASCII, and not have U+00E9" in " ".join(result.stderr.split())


def test_a_public_client_gets_no_secret(run, registry):
    run("client", "add", "app", "--public", "--redirect-uri", "com.example.app:/cb")
    result = run("client", "secret", "app")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "a public client must have none" in result.stderr
    assert "Nothing was changed." in result.stderr


def test_a_misspelt_client_is_answered_with_the_near_name(run, registry):
    assert 'did you mean "web"?' in run("client", "secret", "wbe").stderr


def test_a_duration_is_a_number_with_a_unit(run, registry):
    result = run("client", "secret", "web", "--expires-old-in", "soon")
    assert result.exit_code == 2
    assert "write 600, 10m, 2h or 7d" in result.stderr


def test_the_list_says_how_many_secrets_are_live(run, registry):
    assert "web        client_secret_basic  1 live" in run("client", "list").stdout
    text = registry.read_text().replace('" }]', '", expires_at = 2100-01-01T00:00:00Z }]')
    registry.write_text(text)
    assert "1 live, the last for" in run("client", "list").stdout


def test_the_list_as_json_has_the_dates_of_secrets_and_not_their_hashes(run, registry):
    run("client", "secret", "web")
    result = run("client", "list", "--json")
    (listed,) = json.loads(result.stdout)
    assert listed["client_id"] == "web"
    assert listed["redirect_uris"] == ["https://app.example/callback"]
    assert [list(each) for each in listed["client_secrets"]] == [["expires_at"], []]
    assert "sha256" not in result.stdout


def test_an_empty_list_says_how_to_fill_it(run, registry):
    registry.write_text('[issuer]\nurl = "https://issuer.example"\n')
    result = run("client", "list")
    assert result.stdout == ""
    assert "`issuer client add ID`" in result.stderr


def test_a_client_on_devices_is_public_refreshes_and_takes_a_store(run, registry):
    """RFC 8628: `--device` alone is what most want."""
    refused = run("client", "add", "tv", "--device")
    assert refused.exit_code == 1
    assert "needs a replay_store under [issuer]" in refused.stderr
    remembering = registry.read_text().replace("[issuer]", '[issuer]\nreplay_store = "sqlite:"')
    registry.write_text(remembering)
    assert run("client", "add", "tv", "--device", "--name", "Television").exit_code == 0
    added = client(registry, "tv")
    assert added["token_endpoint_auth_method"] == "none"
    assert added["grant_types"] == [DEVICE_CODE, "refresh_token"]
    assert "redirect_uris" not in added
    assert "Everything is fine" in run("check").stdout


def test_a_client_on_devices_may_have_a_secret_and_pages_as_well(run, registry):
    remembering = registry.read_text().replace("[issuer]", '[issuer]\nreplay_store = "sqlite:"')
    registry.write_text(remembering)
    uri = "https://console.example/cb"
    method = "client_secret_basic"
    result = run(
        "client", "add", "console", "--device", "--auth-method", method, "--redirect-uri", uri
    )
    assert result.exit_code == 0
    added = client(registry, "console")
    assert added["grant_types"] == [DEVICE_CODE, "refresh_token", "authorization_code"]
    assert added["token_endpoint_auth_method"] == method
    assert "Everything is fine" in run("check").stdout


def test_a_public_client_on_devices_that_asks_nobody_is_warned_of(run, registry):
    """RFC 8628 section 5.4: whoever shows a code says which client it is of."""
    remembering = registry.read_text().replace("[issuer]", '[issuer]\nreplay_store = "sqlite:"')
    registry.write_text(remembering)
    assert run("client", "add", "tv", "--device", "--skip-consent").exit_code == 0
    checked = run("check")
    assert "Good, with 1 warning:" in checked.stdout
    assert "clients.tv.skip_consent" in checked.stdout
