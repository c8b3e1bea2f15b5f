"""The private half of a resource server's key, on its way to the resource server."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import click

from issuer.cli.page import note
from issuer.cli.refusal import Refusal
from keys import file_text, private_file
from keys.encoding import parse_object
from keys.mac.key_wrapping import DecryptionKeys

Jwk = Mapping[str, str]
Keep = Callable[[], None]


def show(jwk: Jwk, path: Path | None) -> None:
    """Prints the key this once, or says where it is; and who may have it."""
    if path is None:
        click.echo(_text([jwk]), nl=False)
        note("The private key is shown this once, as a JWKS; the registry has its public half.")
    else:
        note(f"The private key is in {path}; the registry has its public half.")
    note("It is for the resource server alone: it opens the MAC key in every token for it.")


def creating(jwk: Jwk, path: Path | None) -> Keep:
    """Makes a file of its own for the key, if there is a path."""

    def keep() -> None:
        if path is not None:
            _create(path, jwk)

    return keep


def adding(jwk: Jwk, path: Path | None) -> Keep:
    """Adds the key to the file of the others, or makes one, if there is a path."""

    def keep() -> None:
        if path is None or not path.exists():
            creating(jwk, path)()
        else:
            private_file.write(path, _text([*_held(path), jwk]))

    return keep


def _create(path: Path, jwk: Jwk) -> None:
    try:
        private_file.create(path, _text([jwk]))
    except OSError as error:
        raise Refusal(f"{path}: {error.strerror}", "Nothing was changed.") from None


def _held(path: Path) -> list[Jwk]:
    try:
        DecryptionKeys.from_file(path)
        held: list[Jwk] = parse_object(file_text.unmarked(private_file.read(path)))["keys"]
    except ValueError as error:
        raise Refusal(str(error), "Nothing was changed.") from None
    return held


def _text(keys: list[Jwk]) -> str:
    return json.dumps({"keys": keys}, indent=2) + "\n"
