"""A client's keys on their way into its registration: made here, copied, or left where they are."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import click

from issuer.cli import clock
from issuer.cli.page import note
from issuer.cli.place import Place
from issuer.cli.refusal import Refusal
from issuer.registry import client_keys, documents
from issuer.registry.files import Unreadable, read_file
from keys import private_file
from keys.algorithms import ALGORITHMS, DEFAULT_ALGORITHM
from keys.signing import SigningKey

_PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")

JWKS = click.option(
    "--jwks",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The client's own public keys, a JWK Set: they are copied into the registry.",
)
JWKS_URI = click.option(
    "--jwks-uri", metavar="URL", help="Where the client publishes its public keys, by https."
)
KEY_ALG = click.option(
    "--key-alg",
    type=click.Choice(list(ALGORITHMS)),
    help=f"What a key that is made here signs by; {DEFAULT_ALGORITHM} if left out.",
)
PRIVATE_KEY = click.option(
    "--private-key",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Where the private half goes, mode 0600; ID.jwk.json beside the registry if left out.",
)


class KeyPair(NamedTuple):
    """What goes into a registration, and the private half of it, if that was made here."""

    public: list[dict[str, str]]
    keep: Callable[[], None]
    """Writes the private half, once all is well."""
    path: Path | None

    def show(self, client_id: str) -> None:
        """Says where the private half is."""
        if self.path is not None:
            note(
                f"The private key is in {self.path}, for the client alone; the registry has its "
                f"public half. `issuer client assertion {client_id}` signs with it, to try it out."
            )


def pair(
    place: Place,
    client_id: str,
    *,
    jwks: Path | None,
    key_alg: str | None,
    private_key: Path | None,
) -> KeyPair:
    """The keys in the file ``jwks``, or a new one, whose private half goes to a file."""
    if jwks is not None:
        if key_alg or private_key:
            raise click.UsageError("with --jwks no key is made here, so there is none to keep")
        return KeyPair(_copied(jwks), lambda: None, None)
    path = private_key or default_path(place, client_id)
    alg = key_alg or DEFAULT_ALGORITHM
    key = SigningKey.generate(alg, activates_at=clock.now())
    text = json.dumps({**key.private_jwk, "alg": alg, "kid": key.kid}, indent=2) + "\n"

    def keep() -> None:
        try:
            private_file.create(path, text)
        except OSError as error:
            raise Refusal(
                f"{path}: {error.strerror}; another one can be named with --private-key.",
                "Nothing was changed.",
            ) from None

    return KeyPair([dict(key.public_jwk)], keep, path)


def default_path(place: Place, client_id: str, suffix: str = "jwk.json") -> Path:
    """Where the private half goes, and is looked for, if nobody says it: beside the registry, and
    never among its files."""
    if not _PLAIN.fullmatch(client_id):
        raise click.UsageError("this ID is no name of a file: give --private-key FILE")
    return place.registry.parent / f"{client_id}.{suffix}"


def _copied(path: Path) -> list[dict[str, str]]:
    try:
        found: Any = documents.read(".json", read_file(path, client_keys.MAX_BYTES))
        client_keys.examined(found)
    except Unreadable as error:
        raise Refusal(str(error), "Nothing was changed.") from None
    except ValueError as error:
        raise Refusal(f"{path.name}: {error}", "Nothing was changed.") from None
    keys: list[dict[str, str]] = found["keys"]
    return keys
