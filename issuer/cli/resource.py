"""``issuer resource``: the resource servers that tokens are for."""

from typing import Any

import click

from issuer.cli.page import DURATION, note
from issuer.cli.place import Place, pass_place
from issuer.token import OFFERED


@click.group
def resource() -> None:
    """Resources: the APIs that tokens are for."""


@resource.command
@click.argument("uri")
@click.option("--scope", "scopes", multiple=True, metavar="NAME", help="Repeat for each scope.")
@click.option("--access-token-type", type=click.Choice(OFFERED.access_token_types))
@click.option("--access-token-lifetime", type=DURATION, help="Such as 10m.")
@click.option(
    "--file", metavar="NAME", help="The file to add to, where the registry is a directory."
)
@pass_place
def add(
    place: Place,
    uri: str,
    scopes: tuple[str, ...],
    access_token_type: str | None,
    access_token_lifetime: int | None,
    file: str | None,
) -> None:
    """Add a resource server: the audience of a token.

    \b
    Example:
      issuer resource add https://api.example --scope read --scope write
    """
    record: dict[str, Any] = {"scopes": " ".join(scopes).split()}
    if access_token_type:
        record["access_token_type"] = access_token_type
    if access_token_lifetime is not None:
        record["access_token_lifetime"] = access_token_lifetime
    edited = place.add(("resources", uri), record, file)
    note(
        f"Added resource {uri} to {edited}. A client names it under `resources` to have its tokens."
    )
