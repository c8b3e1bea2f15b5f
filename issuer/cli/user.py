"""``issuer user``: people whom the issuer itself can authenticate."""

from typing import Any

import click

from issuer import secret
from issuer.cli.page import note
from issuer.cli.place import Place, pass_place
from issuer.cli.secrets import chosen


@click.group
def user() -> None:
    """Users: for the login page and the password grant."""


@user.command
@click.argument("username")
@click.option("--email", metavar="ADDRESS", help="Another name to log in with.")
@click.option("--sub", help="What tokens call the user; the username if left out.")
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
    *,
    password_stdin: bool,
    file: str | None,
) -> None:
    """Add a user; the password is asked for and kept as an argon2id hash.

    \b
    Examples:
      issuer user add alice --email alice@example.com
      pass show alice | issuer user add alice --password-stdin
    """
    password = chosen("Password", from_stdin=password_stdin)
    record: dict[str, Any] = {"sub": sub, "email": email}
    record = {name: value for name, value in record.items() if value}
    record["password_hash"] = secret.argon2id_hash(password)
    edited = place.add(("users", username), record, file)
    note(f"Added user {username} to {edited}.")
