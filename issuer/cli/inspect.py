"""``issuer inspect``: what a token or a sealed value is, and why it would be refused."""

import json
import sys

import click

from issuer.cli import access_tokens, clock, sealed_values
from issuer.cli.findings import Findings
from issuer.cli.page import columns
from issuer.cli.place import Place, pass_place
from issuer.server import AuthorizationServer

LONGEST = 1 << 20
"""Bytes that are read; no token has as many."""

SEALED = "1"
"""What a sealed value begins with; a JWT begins with the base64url of a brace."""


@click.command
@click.argument("token", default="-")
@pass_place
@click.pass_context
def inspect(context: click.Context, place: Place, token: str) -> None:
    """Say what a token is, and why it would be refused.

    Reads access tokens and ID tokens, and with the key ring what only the issuer can read:
    authorization codes and refresh tokens. Whether something was used or revoked before, only the
    replay store knows. Without TOKEN, or with -, reads stdin, which keeps it out of the shell's
    history; a whole token response will do. Leaves with 1 if it would be refused.

    \b
    Examples:
      issuer inspect < token.txt
      echo "$TOKEN" | issuer inspect
    """
    text = sys.stdin.buffer.read(LONGEST).decode(errors="replace") if token == "-" else token
    now = clock.now()
    found = judge(place.load(now), _token_in(text.strip()), now)
    click.echo(_page(found))
    context.exit(1 if found.refusals else 0)


def judge(server: AuthorizationServer, text: str, now: int) -> Findings:
    """What ``text`` is, and why this issuer or its resource servers would refuse it at ``now``."""
    first, *rest = text.split(".")
    if len(rest) != 2:  # noqa: PLR2004  a JWT and a sealed value have three parts each
        return Findings(kind="No token.", refusals=("it is neither a JWT nor a sealed value",))
    judges = sealed_values.judge if first == SEALED else access_tokens.judge
    return judges(server, text, now)


def _token_in(text: str) -> str:
    """The access token of a token response; anything else as it is."""
    if not text.startswith("{"):
        return text
    try:
        token = json.loads(text).get("access_token")
    except (ValueError, RecursionError):
        token = None
    if not isinstance(token, str):
        raise click.UsageError("this JSON is no token response: it has no access_token")
    return token


def _page(found: Findings) -> str:
    parts = [found.kind]
    if found.members:
        parts.append(columns(found.members.items(), indent="  "))
    parts += [f"Refused: {reason}." for reason in found.refusals] or ["It is good."]
    parts += [f"Note: {each}." for each in found.notes]
    return "\n\n".join(parts)
