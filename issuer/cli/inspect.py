"""``issuer inspect``: what a token or a sealed value is, and why it would be refused."""

from dataclasses import replace

import click

from issuer.cli import access_tokens, clock, remembered, sealed_values, token_text
from issuer.cli.findings import Findings
from issuer.cli.page import columns
from issuer.cli.place import Place, pass_place
from issuer.server import AuthorizationServer


@click.command
@click.argument("token", default="-")
@pass_place
@click.pass_context
def inspect(context: click.Context, place: Place, token: str) -> None:
    """Say what a token is, and why it would be refused.

    Reads access tokens and ID tokens, and with the key ring what only the issuer can read:
    authorization codes, refresh tokens and session cookies. The replay store is asked whether it
    was used or revoked, which uses nothing. Without TOKEN, or with -, reads stdin, which keeps it
    out of the shell's history; a whole token response will do. Leaves with 1 if it would be
    refused.

    \b
    Examples:
      issuer inspect < token.txt
      echo "$TOKEN" | issuer inspect
    """
    now = clock.now()
    server, text = place.load(now), token_text.read(token)
    found = judge(server, text, now)
    refusals, notes = remembered.refusals(place.registry, server, text, now)
    found = replace(found, refusals=found.refusals + refusals, notes=found.notes + notes)
    click.echo(_page(found))
    context.exit(1 if found.refusals else 0)


def judge(server: AuthorizationServer, text: str, now: int) -> Findings:
    """What ``text`` is, and why this issuer or its resource servers would refuse it at ``now``."""
    first, *rest = text.split(".")
    if len(rest) != 2:  # noqa: PLR2004  a JWT and a sealed value have three parts each
        return Findings(kind="No token.", refusals=("it is neither a JWT nor a sealed value",))
    judges = sealed_values.judge if first == sealed_values.VERSION else access_tokens.judge
    return judges(server, text, now)


def _page(found: Findings) -> str:
    parts = [found.kind]
    if found.members:
        parts.append(columns(found.members.items(), indent="  "))
    parts += [f"Refused: {reason}." for reason in found.refusals] or ["It is good."]
    parts += [f"Note: {each}." for each in found.notes]
    return "\n\n".join(parts)
