"""``issuer schema``: what an editor needs to know about a registry file."""

import json

import click

from issuer.registry import schema as registry_schema
from issuer.token import OFFERED


@click.command
def schema() -> None:
    """Print the JSON Schema of a registry file.

    \b
    Example:
      issuer schema > registry.schema.json

    Even Better TOML, taplo and other editors check a TOML file against it whose first comments have
    the line `#:schema ./registry.schema.json`, as the file that `issuer init` writes does.
    """
    click.echo(json.dumps(registry_schema.of(OFFERED), indent=2, ensure_ascii=False))
