"""What people type and nobody may see: asked for hidden, or read from stdin."""

import sys

import click

SHORTEST = 8
"""Characters; NIST SP 800-63B-4 section 3.1.1.1 asks for no fewer."""


def chosen(what: str, *, from_stdin: bool) -> str:
    """A secret that a person chose: the first line of stdin, or typed twice without an echo."""
    if from_stdin:
        secret = sys.stdin.buffer.readline().decode(errors="replace").rstrip("\r\n")
    else:
        secret = click.prompt(what, hide_input=True, confirmation_prompt=True, err=True)
    if len(secret) < SHORTEST:
        raise click.UsageError(f"the {what.lower()} must have at least {SHORTEST} characters")
    return str(secret)
