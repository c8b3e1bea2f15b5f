"""``issuer client hash``: what the registry keeps of a secret. It touches no file."""

import sys

import click

from issuer.cli.secrets import chosen
from issuer.registry import secret


@click.command("hash")
@click.option(
    "--generated",
    is_flag=True,
    help="It was made by a machine: SHA-256 is enough, and a thousand times as fast to check.",
)
def hash_secret(*, generated: bool) -> None:
    """Print what the registry keeps of a secret that is known already.

    For a registry that is written by hand or by other tools, and for clients that bring their
    secret from elsewhere; no file is read or changed. The secret is the first line of stdin, or
    asked for where stdin is a terminal. Its argon2id hash is good for every secret; --generated is
    for those of 128 random bits and more.

    \b
    Examples:
      issuer client hash
      pass show billing | issuer client hash --generated
    """
    given = chosen("Secret", from_stdin=not sys.stdin.isatty())
    if generated and len(given) < secret.SHORTEST_GENERATED:
        raise click.UsageError(
            f"a secret of 128 random bits has at least {secret.SHORTEST_GENERATED} characters; "
            "leave --generated out"
        )
    click.echo(secret.sha256_hash(given) if generated else secret.argon2id_hash(given))
