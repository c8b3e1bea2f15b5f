"""``issuer check``: would a worker start with these two files?"""

from collections.abc import Iterator

import click

from issuer import load
from issuer.cli import clock
from issuer.cli.page import columns
from issuer.cli.place import Place, pass_place
from issuer.registry import advice
from issuer.registry.documents import dotted
from issuer.registry.record import rfc3339
from issuer.server import AuthorizationServer
from keys.signing import SigningKey


@click.command
@pass_place
def check(place: Place) -> None:
    """Say whether registry and key ring are good, alone and together.

    Prints every problem, one to a line, and leaves with 1 if there is any. Run it before a changed
    file reaches the workers: in a pre-commit hook, in CI, after every edit by hand. What is good
    but could be safer it names as well, and leaves with 0.

    \b
    Example:
      issuer --registry registry.toml --keyring keyring.json check
    """
    now = clock.now()
    server = place.load(now)
    click.echo("\n".join((summary(server, now), *warned(server, place, now))))


def warned(server: AuthorizationServer, place: Place, now: int) -> Iterator[str]:
    """The warnings as a short list under a line of their own; nothing where there are none."""
    found = [f"{dotted(path)}: {why}" for path, why in advice.warnings(server.registry)]
    found += load.warn_of_keyring(place.keyring, server, now)
    if found:
        yield from ("", f"Good, with {len(found)} warning{'s' * (len(found) > 1)}:", "")
        yield from (f"  {each}" for each in found)


def summary(server: AuthorizationServer, now: int) -> str:
    """What there is, and until when."""
    registry, ring = server.registry, server.ring
    keys = [server.signing_key(now, alg) for alg in ring.algs(now)]
    rows = [
        ("issuer", server.issuer),
        ("clients", str(len(registry.clients))),
        ("resources", str(len(registry.resources))),
        ("users", str(len(registry.users))),
        *(("signing key", f"{key.kid} ({key.alg}), {_end(key)}") for key in keys),
        ("registry", registry.digest),
        ("key ring", ring.digest if ":" in ring.digest else f"sha256:{ring.digest}"),
    ]
    return f"Everything is fine.\n\n{columns(rows, indent='  ')}"


def _end(key: SigningKey) -> str:
    return f"until {rfc3339(key.retires_at)}" if key.retires_at else "until the next rotation"
