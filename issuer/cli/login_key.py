"""``issuer login-key``: what a login application of the team's own signs with."""

import json
from pathlib import Path

import click

from issuer.cli import clock
from issuer.cli.page import note
from issuer.cli.refusal import Refusal
from keys import private_file
from keys.algorithms import ALGORITHMS, DEFAULT_ALGORITHM
from keys.signing import SigningKey


@click.command("login-key")
@click.option(
    "--alg", type=click.Choice(list(ALGORITHMS)), default=DEFAULT_ALGORITHM, show_default=True
)
@click.option(
    "--private-key",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Where the private half goes, mode 0600; to stdout if left out.",
)
def login_key(alg: str, private_key: Path | None) -> None:
    """Make the key of a login application.

    The application shows the login page in place of the issuer, and signs who is there. The private
    half is its own; the public half goes into the registry, in the line that is printed.

    \b
    Example:
      issuer login-key --private-key login.jwk.json
    """
    key = SigningKey.generate(alg, activates_at=clock.now())
    private = json.dumps({**key.private_jwk, "alg": alg, "kid": key.kid}, indent=2) + "\n"
    if private_key is None:
        click.echo(private, nl=False)
        note("The private key is shown this once; it is for the login application alone.\n")
    else:
        try:
            private_file.create(private_key, private)
        except OSError as error:
            raise Refusal(f"{private_key}: {error.strerror}") from None
        note(f"The private key is in {private_key}; it is for the login application alone.\n")
    public = ", ".join(f'{name} = "{value}"' for name, value in key.public_jwk.items())
    note("Under [issuer] in the registry:\n")
    note('login_url = "https://login.example/"')
    note(f"login_jwks = {{ keys = [{{ {public} }}] }}")
