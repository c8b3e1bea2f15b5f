"""``issuer check``."""

from issuer import registry as registries
from keys.ring import KeyRing, write


def test_good_files_are_summed_up(run, registry):
    result = run("check")
    assert result.exit_code == 0
    assert result.stdout.startswith("Everything is fine.")
    assert "clients      1" in result.stdout
    assert "users        1" in result.stdout
    assert "until the next rotation" in result.stdout
    assert registries.digest({"registry.toml": registry.read_bytes()}) in result.stdout


def test_after_a_rotation_it_says_until_when_the_key_is_used(run, registry):
    run("keys", "rotate")
    assert "(ES256), until 20" in run("check").stdout


def test_every_problem_is_one_line_on_stderr_with_its_place(run, registry):
    text = registry.read_text().replace("client_name", "client_nmae")
    registry.write_text(text.replace("https://app.example", "http://app.example"))
    result = run("check")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert set(result.stderr.splitlines()) == {
        'registry.toml: clients.web.client_nmae: unknown key; did you mean "client_name"?',
        "registry.toml: clients.web.redirect_uris[0]: must be https; http is for 127.0.0.1, "
        "[::1] and localhost only",
    }


def test_problems_of_both_files_come_together(run, registry, tmp_path):
    registry.write_text("[isuer]\n")
    (tmp_path / "keyring.json").chmod(0o644)
    result = run("check")
    assert result.exit_code == 1
    assert "registry.toml: isuer" in result.stderr
    assert "keyring.json: others than its owner can read" in result.stderr


def test_keys_that_go_before_their_tokens_do_are_a_problem(run, registry):
    run("keys", "rotate")
    text = registry.read_text()
    registry.write_text(text.replace("[issuer]", "[issuer]\naccess_token_lifetime = 86400"))
    result = run("check")
    assert result.exit_code == 1
    assert "must be at least 86400 s after retires_at" in result.stderr


def test_a_missing_file_is_named_with_what_helps(run, tmp_path):
    result = run("check")
    assert result.exit_code == 1
    assert "registry.toml: No such file or directory" in result.stderr
    assert "keyring.json: No such file or directory" in result.stderr
    assert "`issuer init`" in result.stderr


CARELESS = """
[clients.app]
token_endpoint_auth_method = "none"
redirect_uris = ["com.example.app:/cb"]
scope = "read"
resources = ["https://api.example"]
skip_consent = true
"""


def test_what_could_be_safer_is_named_below_and_is_no_failure(run, registry):
    assert "warning" not in run("check").stdout
    registry.write_text(registry.read_text() + CARELESS)
    result = run("check")
    assert result.exit_code == 0
    assert result.stdout.startswith("Everything is fine.")
    said = result.stdout.partition("Good, with 1 warning:")[2].split("\n\n")
    assert [each.strip() for each in said if each] == [
        "clients.app.skip_consent: lets codes go to an application on people's own machines "
        "unasked, and anybody can make one that says it is this one (RFC 8252 section 8.6)"
    ]
    registry.write_text(registry.read_text() + CARELESS.replace("clients.app", "clients.other"))
    assert "Good, with 2 warnings:" in run("check").stdout


PS256_COSTS = (
    "no two signatures by PS256 are the same here: without a replay_store, a code that is redeemed "
    "again yields other tokens, with the same claims"
)
ASKING = """
[clients.app]
token_endpoint_auth_method = "none"
grant_types = ["authorization_code"]
redirect_uris = ["https://app.example/cb"]
scope = "openid read"
resources = ["https://api.example"]
id_token_signed_response_alg = "PS256"
"""


def test_signatures_of_which_no_two_are_the_same_are_warned_of_where_no_store_is(run, registry):
    ring = KeyRing.new("PS256", 0, "ES256", "RS256")
    write(registry.with_name("keyring.json"), ring)
    without_codes = registry.read_text()
    id_token = f"clients.app.id_token_signed_response_alg: {PS256_COSTS}"
    access_token = f"keyring.json: {PS256_COSTS}"

    def warned(text: str) -> list[str]:
        registry.write_text(text)
        result = run("check")
        assert result.exit_code == 0, result.stderr
        return [each.strip() for each in result.stdout.partition("Good, with")[2].splitlines()[2:]]

    assert warned(without_codes + ASKING) == [id_token, access_token]
    assert warned(without_codes + ASKING.replace("PS256", "ES256")) == [access_token]
    assert warned(without_codes + ASKING.replace("openid ", "")) == [access_token]
    stored = without_codes.replace("[issuer]\n", '[issuer]\nreplay_store = "sqlite:replay.db"\n')
    assert warned(stored + ASKING) == []
    another = KeyRing(ring.signing_keys[1:] + ring.signing_keys[:1], ring.sealing_keys)
    write(registry.with_name("keyring.json"), another)
    assert warned(without_codes + ASKING) == [id_token]


def test_a_key_ring_that_its_group_can_read_takes_a_word_and_is_warned_of(
    run, registry, monkeypatch
):
    """As a secret of Kubernetes is, where it is not mounted read-only."""
    ring = registry.with_name("keyring.json")
    ring.chmod(0o440)
    refused = run("check")
    assert refused.exit_code == 1
    assert refused.stderr.splitlines()[0] == (
        "keyring.json: its group can read it; chmod 600, or mount it read-only, "
        "or set ISSUER_KEYRING_GROUP_READABLE=1 if only the issuer is in it"
    )
    for value in ("0", "yes", ""):
        monkeypatch.setenv("ISSUER_KEYRING_GROUP_READABLE", value)
        assert run("check").exit_code == 1
    monkeypatch.setenv("ISSUER_KEYRING_GROUP_READABLE", "1")
    result = run("check")
    assert result.exit_code == 0
    assert "keyring.json: its group can read it, and so issue every token" in result.stdout
    assert run("keys", "list").exit_code == 0
    ring.chmod(0o444)
    assert "others than its owner can read" in run("check").stderr
    ring.chmod(0o600)
    assert "group" not in run("check").stdout
