"""The token that a command is about: an argument, or stdin."""

import json
import sys

import click

LONGEST = 1 << 20
"""Bytes that are read; no token has as many."""


def read(given: str) -> str:
    """``given``, or what stdin holds where it is ``-``; of a token response, the access token."""
    text = sys.stdin.buffer.read(LONGEST).decode(errors="replace") if given == "-" else given
    return _token_in(text.strip())


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
