"""``issuer user`` and ``issuer resource``."""

import tomllib

import pytest

from issuer.registry import secret

PASSWORD = "correct horse"


def test_a_user_is_added_with_a_stretched_password(run, registry):
    typed = f"{PASSWORD}\n{PASSWORD}\n"
    result = run("user", "add", "bob", "--email", "bob@example.com", stdin=typed)
    assert result.exit_code == 0
    assert PASSWORD not in result.output
    added = tomllib.loads(registry.read_text())["users"]["bob"]
    assert secret.matches(added.pop("password_hash"), PASSWORD)
    assert added == {"email": "bob@example.com"}


def test_the_password_can_come_from_another_command(run, registry):
    result = run("user", "add", "bob", "--sub", "u-2", "--password-stdin", stdin=f"{PASSWORD}\n")
    assert result.exit_code == 0
    added = tomllib.loads(registry.read_text())["users"]["bob"]
    assert added["sub"] == "u-2"
    assert secret.matches(added["password_hash"], PASSWORD)


def test_what_clients_may_be_told_of_a_user_is_added(run, registry):
    claims = ("--claim", "name=Bob = Example", "--claim", "email_verified=true")
    result = run("user", "add", "bob", *claims, "--password-stdin", stdin=f"{PASSWORD}\n")
    assert result.exit_code == 0
    added = tomllib.loads(registry.read_text())["users"]["bob"]
    assert (added["name"], added["email_verified"]) == ("Bob = Example", True)


def test_a_claim_that_has_no_name_or_value_is_refused_with_those_that_there_are(run, registry):
    before = registry.read_text()
    for wrong in ("nickname", "=x"):
        result = run("user", "add", "bob", "--claim", wrong, "--password-stdin", stdin=PASSWORD)
        assert (result.exit_code, registry.read_text()) == (2, before)
    assert "preferred_username" in result.stderr


def test_a_claim_that_nobody_is_told_may_be_a_misspelt_one(run, registry):
    add = ("user", "add", "bob", "--password-stdin", "--claim")
    result = run(*add, "nicname=Bob", stdin=PASSWORD)
    assert result.exit_code == 0
    assert 'no scope tells nicname; did you mean "nickname"?' in result.stderr


def test_a_claim_of_the_wrong_type_is_refused_with_its_place(run, registry):
    claim = ("--claim", "email_verified=yes")
    result = run("user", "add", "bob", *claim, "--password-stdin", stdin=f"{PASSWORD}\n")
    assert result.exit_code == 1
    assert "users.bob.email_verified" in result.stderr
    assert "bob" not in registry.read_text()


def test_a_short_password_is_refused(run, registry):
    result = run("user", "add", "bob", "--password-stdin", stdin="short\n")
    assert result.exit_code == 2
    assert "at least 8 characters" in result.stderr


def test_passwords_that_differ_are_asked_for_again_and_giving_up_is_quiet(run, registry):
    result = run("user", "add", "bob", stdin=f"{PASSWORD}\nother horse\n")
    assert result.exit_code == 1
    assert "do not match" in result.stderr
    assert "bob" not in registry.read_text()


def test_a_user_called_like_a_client_is_refused(run, registry):
    result = run("user", "add", "web", "--password-stdin", stdin=f"{PASSWORD}\n")
    assert result.exit_code == 1
    assert "is a client's client_id" in result.stderr


def test_a_resource_is_added_with_its_scopes(run, registry):
    result = run(
        "resource", "add", "https://pay.example", "--scope", "pay", "--scope", "refund",
        "--access-token-lifetime", "5m",
    )  # fmt: skip
    assert result.exit_code == 0
    assert tomllib.loads(registry.read_text())["resources"]["https://pay.example"] == {
        "scopes": ["pay", "refund"],
        "access_token_lifetime": 300,
    }


def test_a_resource_is_an_absolute_uri(run, registry):
    result = run("resource", "add", "pay")
    assert result.exit_code == 1
    assert "must be an absolute URI" in result.stderr


def test_username_and_password_are_kept_in_the_form_that_is_compared(run, registry):
    """RFC 8265: here both have a letter of two code points."""
    result = run("user", "add", "zoe\u0308", "--password-stdin", stdin="noe\u0308l in June\n")
    assert result.exit_code == 0
    added = tomllib.loads(registry.read_text())["users"]["zo\u00eb"]
    assert secret.matches(added["password_hash"], "no\u00ebl in June")


@pytest.mark.parametrize(
    ("username", "stdin", "sentence"),
    [
        ("R&D \U0001f680", PASSWORD, "must not have U+1F680 ROCKET: a symbol beyond ASCII"),
        ("bob ", PASSWORD, "must not be empty, nor begin or end with a space"),
        ("bob", "tab\tin the middle", "the password must not have U+0009: a control character"),
        ("bob", "zero\u200bwidth", "the password must not have U+200B ZERO WIDTH SPACE"),
        ("bob", "e\u0301" * 7, "the password must have at least 8 characters"),
        ("bob", b"caf\xe9 au lait\n", "the password is not UTF-8"),
        ("bob", f"{PASSWORD}\r\n".encode("utf-16-le"), "the password is UTF-16 (little-endian)"),
    ],
)
def test_what_another_keyboard_may_not_have_is_refused_by_its_name(
    run, registry, username, stdin, sentence
):
    before = registry.read_text()
    result = run("user", "add", username, "--password-stdin", stdin=stdin)
    assert (result.exit_code, registry.read_text()) == (2, before)
    assert sentence in " ".join(result.stderr.split())


def test_a_password_from_powershell_may_begin_with_a_byte_order_mark(run, registry):
    stdin = f"\ufeff{PASSWORD}\r\n".encode()
    assert run("user", "add", "bob", "--password-stdin", stdin=stdin).exit_code == 0
    added = tomllib.loads(registry.read_text())["users"]["bob"]
    assert secret.matches(added["password_hash"], PASSWORD)


def test_two_logins_that_differ_in_case_alone_are_refused(run, registry):
    add = ("user", "add", "bob", "--email", "Alice@Example.com", "--password-stdin")
    result = run(*add, stdin=f"{PASSWORD}\n")
    assert result.exit_code == 1
    assert 'is also a login of "alice"; case' in result.stderr
