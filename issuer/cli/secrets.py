"""What people type and nobody may see: asked for hidden, or read from stdin."""

import re
import sys
from collections.abc import Callable

import click

from issuer.registry.precis import Forbidden
from keys import file_text

SHORTEST = 8
"""Characters; NIST SP 800-63B-4 section 3.1.1.1 asks for no fewer."""


CHOSEN = click.option(
    "--chosen", "is_chosen", is_flag=True, help="Ask for a secret instead of making one."
)
SECRET_STDIN = click.option(
    "--secret-stdin", is_flag=True, help="Read a chosen secret from stdin: its first line."
)

_NO_VSCHAR = re.compile(r"[^\x20-\x7e]")


def client_secret(text: str) -> str:
    """``text``, if a client can send it by every method (RFC 6749 appendix A.2).

    Raises:
        Forbidden: a character of it is not printable ASCII.
    """
    wrong = _NO_VSCHAR.search(text)
    if wrong:
        raise Forbidden(f"must be printable ASCII, and not have U+{ord(wrong[0]):04X}")
    return text


def chosen(what: str, *, from_stdin: bool, form: Callable[[str], str] = client_secret) -> str:
    """A secret that a person chose: the first line of stdin, or typed twice without an echo.

    It comes in the one ``form`` in which it is compared, that of a client's secret if left out.
    """
    try:
        secret = form(_first_line() if from_stdin else _typed(what))
    except (Forbidden, file_text.NotUTF8) as error:
        raise click.UsageError(f"the {what.lower()} {error}") from None
    if len(secret) < SHORTEST:
        raise click.UsageError(f"the {what.lower()} must have at least {SHORTEST} characters")
    return secret


def _first_line() -> str:
    return file_text.decode(sys.stdin.buffer.readline()).rstrip("\r\n")


def _typed(what: str) -> str:
    return str(click.prompt(what, hide_input=True, confirmation_prompt=True, err=True))
