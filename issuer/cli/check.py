"""``issuer check``: would a worker start with these two files?"""

from collections.abc import Iterator, Sequence

import click

from issuer import load, stores
from issuer.cli import asking, clock
from issuer.cli.page import columns
from issuer.cli.place import Place, pass_place
from issuer.cli.refusal import Refusal
from issuer.registry import advice, files
from issuer.registry.documents import dotted
from issuer.registry.record import rfc3339
from issuer.server import AuthorizationServer
from keys.signing import SigningKey
from keys.spent import StoreUnavailable

STORE = ("issuer", "replay_store")


@click.command
@click.option("--online", is_flag=True, help="Ask the replay store, too.")
@pass_place
def check(place: Place, online: bool) -> None:  # noqa: FBT001  # click passes it by name
    """Say whether registry and key ring are good, alone and together.

    Prints every problem, one to a line, and leaves with 1 if there is any. Run it before a changed
    file reaches the workers: in a pre-commit hook, in CI, after every edit by hand. What is good
    but could be safer it names as well, and leaves with 0.

    With --online it also asks the replay store: whether it can be reached and written to, and
    whether it is set up to remember. Run that where the workers run, with their environment.

    \b
    Examples:
      issuer --registry registry.toml --keyring keyring.json check
      issuer check --online
    """
    now = clock.now()
    server = place.load(now)
    found = list(_warned_online(server, place, now)) if online else []
    click.echo("\n".join((summary(server, now), *warned(server, place, now, found))))


def _warned_online(server: AuthorizationServer, place: Place, now: int) -> Iterator[str]:
    """What could be safer about the store, once it has been asked.

    Raises:
        Refusal: it cannot be.
    """
    settings, where = server.registry.issuer, f"{dotted(STORE)} ({asking.kind(server.registry)})"
    try:
        fault = asking.ask(place.registry, server.registry, lambda store: store.fault(now))
    except StoreUnavailable as unavailable:
        fault = str(unavailable)
    if fault:
        raise Refusal(f"{place.registry.name}: {where}: cannot be written to: {fault}")
    folder = files.folder_of(place.registry)
    for why in stores.warnings(settings.replay_store, folder=folder, issuer=settings.url):
        yield f"{where}: {why}"


def warned(
    server: AuthorizationServer, place: Place, now: int, online: Sequence[str] = ()
) -> Iterator[str]:
    """The warnings as a short list under a line of their own; nothing where there are none."""
    found = [f"{dotted(path)}: {why}" for path, why in advice.warnings(server.registry)]
    found += load.warn_of_keyring(place.keyring, server, now)
    found += online
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
