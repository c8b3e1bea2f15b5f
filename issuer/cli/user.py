"""``issuer user``: people whom the issuer itself can authenticate."""

from typing import Any

import click

from issuer.cli.page import note
from issuer.cli.place import Place, pass_place
from issuer.cli.secrets import chosen
from issuer.registry import precis, secret
from issuer.registry.user import CLAIM_NAMES

CLAIMS = tuple(name for name in CLAIM_NAMES if name not in ("email", "address"))
"""The claims of OpenID Connect Core section 5.1 that an option can spell."""
TRUTH = {"true": True, "false": False}


def _username(_: click.Context, __: click.Parameter, typed: str) -> str:
    try:
        return precis.username(typed)
    except precis.Forbidden as forbidden:
        raise click.BadParameter(f"{forbidden} (RFC 8265)") from None


def _claims(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> dict[str, Any]:
    claims: dict[str, Any] = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or name not in CLAIMS:
            known = ", ".join(CLAIMS)
            raise click.BadParameter(f"{each!r} must be NAME=VALUE; a NAME is one of {known}")
        claims[name] = TRUTH.get(value, value) if name.endswith("_verified") else value
    return claims


@click.group
def user() -> None:
    """Users: for the login page and the password grant."""


@user.command
@click.argument("username", callback=_username)
@click.option("--email", metavar="ADDRESS", help="Another name to log in with.")
@click.option("--sub", help="What tokens call the user; the username if left out.")
@click.option(
    "--claim", "claims", multiple=True, metavar="NAME=VALUE", callback=_claims,
    help="What clients may be told of the user: name, locale, email_verified=true, ….",
)  # fmt: skip
@click.option(
    "--password-stdin", is_flag=True, help="Read the password from stdin: its first line."
)
@click.option(
    "--file", metavar="NAME", help="The file to add to, where the registry is a directory."
)
@pass_place
def add(
    place: Place,
    username: str,
    email: str | None,
    sub: str | None,
    claims: dict[str, Any],
    *,
    password_stdin: bool,
    file: str | None,
) -> None:
    """Add a user; the password is asked for and kept as an argon2id hash.

    Username and password are kept in the form in which what people type is compared, and refused
    with what no other keyboard may have (RFC 8265).

    \b
    Examples:
      issuer user add alice --email alice@example.com --claim name="Alice Example"
      pass show alice | issuer user add alice --password-stdin
    """
    password = chosen("Password", from_stdin=password_stdin, form=precis.password)
    record: dict[str, Any] = {"sub": sub, "email": email, **claims}
    record = {name: value for name, value in record.items() if value not in (None, "")}
    record["password_hash"] = secret.argon2id_hash(password)
    edited = place.add(("users", username), record, file)
    note(f"Added user {username} to {edited}.")
