"""``issuer keys``: the timetable of the key ring."""

import json

import click

from issuer.cli import clock
from issuer.cli.page import DURATION, columns, note, words
from issuer.cli.place import Place, pass_place
from issuer.cli.refusal import Refusal
from issuer.load import promised
from issuer.registry import Registry, advice, edit
from issuer.registry.record import rfc3339
from keys.algorithms import ALGORITHMS
from keys.ring import ROTATION_LEAD, KeyRing, write
from keys.timetable import Timetable


@click.group
def keys() -> None:
    """Keys: what signs and seals, and from when until when."""


@keys.command("list")
@pass_place
def list_keys(place: Place) -> None:
    """Show every key's state and timetable; never the key itself.

    \b
    A key is
      next      published, so that every verifier knows it in time; not used yet
      current   used
      retired   accepted for what it made earlier
      expired   gone

    \b
    Example:
      issuer keys list
    """
    ring, now = place.read_ring(), clock.now()
    heading = ("kid", "use", "alg", "state", "activates_at", "retires_at", "expires_at")
    signing = [(key.kid, "signing", key.alg, *_timetable(key, now)) for key in ring.signing_keys]
    sealing = [
        (key.kid, "sealing", "A256GCMSIV", *_timetable(key, now)) for key in ring.sealing_keys
    ]
    has_subject_key = ring.subject_key is not None
    never = ("-", "pairwise subs", "AES-SIV", "current", "-", "-", "-")
    click.echo(columns([heading, *signing, *sealing, *([never] if has_subject_key else [])]))


def _timetable(key: Timetable, now: int) -> tuple[str, ...]:
    instants = (key.activates_at, key.retires_at, key.expires_at)
    return (key.state(now), *("-" if each is None else rfc3339(each) for each in instants))


@keys.command
@click.option("--alg", type=click.Choice(list(ALGORITHMS)), help="What it signs by.")
@click.option(
    "--subject-key", is_flag=True, help="The key of pairwise subs; it is used at once, for ever."
)
@click.option(
    "--activate-in",
    type=DURATION,
    default=ROTATION_LEAD,
    show_default="15m",
    help="Time for the file to reach every replica, and its keys every verifier.",
)
@click.option("--at-once", is_flag=True, help="Nobody has fetched keys from this issuer yet.")
@pass_place
def add(
    place: Place, alg: str | None, activate_in: int, *, at_once: bool, subject_key: bool
) -> None:
    """Add a key for another algorithm, or the one of pairwise subs.

    Access tokens are signed by the first algorithm of the file, ID tokens by the one that their
    client registered as id_token_signed_response_alg; RS256 if it registered none.

    No two signatures by PS256 are the same: without a replay_store, a code that is redeemed again
    yields other tokens by it, with the same claims. By any other algorithm they are the same.

    By the subject key, clients with subject_type = "pairwise" know each user by a sub of their own.
    There is one, and it never changes: with another, every user would be somebody else to them. So
    keep a copy of the file where it cannot get lost.

    \b
    Examples:
      issuer keys add --alg RS256
      issuer keys add --subject-key
    """
    if (alg is None) is not subject_key:
        raise click.UsageError("name one: --alg, or --subject-key")
    if alg is None:
        _add_subject_key(place)
        return
    now = clock.now()
    with edit.locked(place.keyring):
        ring = place.read_ring()
        try:
            added = ring.add(alg, now, lead=None if at_once else activate_in)
        except ValueError as error:
            raise _unchanged(error) from None
        write(place.keyring, added)
    if at_once:
        note(f"Changed {place.keyring}: the key can be used.")
    else:
        _note_change(place, "the key is used", now, activate_in)
    _note_alg(alg)


def _add_subject_key(place: Place) -> None:
    with edit.locked(place.keyring):
        try:
            added = place.read_ring().with_subject_key()
        except ValueError as error:
            raise _unchanged(error) from None
        write(place.keyring, added)
    note(
        f"Changed {place.keyring}: it has a key for pairwise subs.\n"
        "Every replica needs the file before the registry has a client that is pairwise."
    )


@keys.command
@click.option(
    "--alg",
    type=click.Choice(list(ALGORITHMS)),
    help="Of the key that signs access tokens from then on; as the old. On PS256, see `add`.",
)
@click.option(
    "--activate-in",
    type=DURATION,
    default=ROTATION_LEAD,
    show_default="15m",
    help="Time for the file to reach every replica, and its keys every verifier.",
)
@click.option(
    "--signing/--sealing",
    "signing",
    default=None,
    help="Only the key that signs, or only the one that seals; both if left out.",
)
@pass_place
def rotate(place: Place, alg: str | None, activate_in: int, *, signing: bool | None) -> None:
    """Add successors that take over later.

    There is one for the key of each algorithm, and one for the key that seals.

    What the old keys made stays good. Nothing is restarted, and nothing happens at the moment of
    change: every replica reads the timetable in the file. Bring it to all of them before that.

    \b
    Examples:
      issuer keys rotate
      issuer keys rotate --alg EdDSA --activate-in 1h
    """
    now = clock.now()
    registry = place.read_registry()
    with edit.locked(place.keyring):
        ring = place.read_ring()
        rotated = _rotated(ring, registry, now, activate_in, alg)
        if signing is not None:
            rotated = KeyRing(
                rotated.signing_keys if signing else ring.signing_keys,
                ring.sealing_keys if signing else rotated.sealing_keys,
                ring.subject_key,
            )
        _check_algs(registry, rotated, now)
        write(place.keyring, rotated)
    _note_change(place, "the successors take over", now, activate_in)
    if alg is not None:
        _note_alg(alg)


def _rotated(ring: KeyRing, registry: Registry, now: int, lead: int, alg: str | None) -> KeyRing:
    try:
        return ring.rotate(
            now,
            longest_token_lifetime=registry.longest_access_token_lifetime(),
            longest_sealed_lifetime=registry.longest_sealed_lifetime(),
            lead=lead,
            alg=alg,
        )
    except ValueError as error:
        raise _unchanged(error) from None


def _check_algs(registry: Registry, rotated: KeyRing, now: int) -> None:
    """Refuses to end an algorithm that somebody registered."""
    lost = [
        f"{what} are signed by {alg}" for alg, what in promised(registry) if rotated.gap(alg, now)
    ]
    if lost:
        raise _unchanged("; ".join(lost))


def _unchanged(why: object) -> Refusal:
    return Refusal(f"The key ring was left as it is: {why}.")


def _note_change(place: Place, what: str, now: int, lead: int) -> None:
    note(
        f"Changed {place.keyring}: {what} in {words(lead)}, at {rfc3339(now + lead)}.\n"
        "Every replica needs the file before that."
    )


def _note_alg(alg: str) -> None:
    for why in advice.warn_of_alg(alg):
        note(f"Note: {why}.")


@keys.command
@pass_place
def export(place: Place) -> None:
    """Print the public keys, as `/.well-known/jwks.json` serves them.

    \b
    Example:
      issuer keys export > jwks.json
    """
    click.echo(json.dumps(place.read_ring().jwks(clock.now()), indent=2))
