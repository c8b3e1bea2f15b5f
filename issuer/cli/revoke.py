"""``issuer revoke``: taking back a token, a grant, a session, or all of a user or a client."""

import json
from datetime import UTC, datetime

import click
from pydantic import TypeAdapter

from issuer.cli import asking, clock, revocable, token_text, withdrawal
from issuer.cli.place import Place, pass_place
from issuer.cli.refusal import Refusal
from issuer.cli.revocable import LONGEST, Revocable
from issuer.registry import Registry, edit
from issuer.registry.record import Instant, rfc3339
from keys.spent import StoreUnavailable

_INSTANT: TypeAdapter[int] = TypeAdapter(Instant)


@click.command
@click.argument("token", required=False)
@click.option("--grant", is_flag=True, help="Not TOKEN alone, but the whole grant it came from.")
@click.option("--user", metavar="NAME", help="All of a user: a username, an address, or a sub.")
@click.option("--client", "client_id", metavar="ID", help="All of a client.")
@click.option("--jti", metavar="ID", help="An access token, by its jti.")
@click.option("--grant-id", metavar="ID", help="A grant, by the grant_id of its access tokens.")
@click.option("--session", "sid", metavar="ID", help="A login session, by the sid of ID tokens.")
@click.option(
    "--not-before",
    is_flag=True,
    help="Of a user or client: write a line into the registry, not into the replay store. "
    "So it is done where there is no store.",
)
@click.option(
    "--unregistered", is_flag=True, help="The user or client is not, or no more, in the registry."
)
@click.option("--json", "as_json", is_flag=True, help="Say what was done as JSON.")
@pass_place
def revoke(  # noqa: PLR0913  one option for each thing that can be named
    place: Place,
    token: str | None,
    user: str | None,
    client_id: str | None,
    jti: str | None,
    grant_id: str | None,
    sid: str | None,
    *,
    grant: bool,
    not_before: bool,
    unregistered: bool,
    as_json: bool,
) -> None:
    """Take back what was issued, and say what that does not reach.

    TOKEN is an access token, which is revoked alone or with --grant; or a refresh token or code,
    with all that came of the same grant; or a session cookie. With - it is read from stdin, which
    keeps it out of the shell's history; of a whole token response it is the access token. One
    thing needs a replay store. Of a user or client all that was issued by now is revoked, and what
    they get from now on is good.

    \b
    Examples:
      issuer revoke - < token.txt
      issuer revoke --grant - < token.txt
      issuer revoke --user alice
      issuer revoke --client billing --not-before
    """
    named = {"TOKEN": token, "--user": user, "--client": client_id, "--jti": jti,
             "--grant-id": grant_id, "--session": sid}  # fmt: skip
    given = [name for name, value in named.items() if value is not None]
    if len(given) != 1:
        raise click.UsageError(f"name one thing to revoke: one of {', '.join(named)}")
    if grant and token is None:
        raise click.UsageError("--grant goes with a TOKEN; --grant-id names one without")
    now = clock.now()
    if token is not None:
        server = place.load(now)
        registry = server.registry
        text = token_text.read(token)
        found = revocable.of_text(server, text, now, whole_grant=grant)
    else:
        registry = place.read_registry()
        if user is not None:
            user = _real(place, registry, user, now)
            found = revocable.of_user(registry, user, now, unregistered=unregistered)
        elif client_id is not None:
            found = revocable.of_client(registry, client_id, now, unregistered=unregistered)
        elif jti is not None:
            found = revocable.of_jti(jti, now)
        elif grant_id is not None:
            found = revocable.of_grant(grant_id, now + LONGEST)
        else:
            found = revocable.of_session(str(sid), now + LONGEST)
    by = _write(place, registry, found, now, to_registry=not_before)
    _say(withdrawal.of(registry, found, by, now), as_json=as_json)


def _real(place: Place, registry: Registry, given: str, now: int) -> str:
    """The user whom some pairwise client knows as ``given``; else whom it says."""
    if not registry.sectors or registry.user_named(given) or registry.user_called(given):
        return given
    return place.load(now).revealed(given) or given


def _write(
    place: Place, registry: Registry, found: Revocable, now: int, *, to_registry: bool
) -> str:
    """What the revocation is written to, once it is.

    Raises:
        Refusal: it is not, and what to do instead.
    """
    has_store = registry.issuer.has_store
    if not found.is_line and (to_registry or not has_store):
        raise Refusal(*withdrawal.why_not_alone(registry, found))
    if has_store and not to_registry:
        _tell_store(place, registry, found, now)
        return withdrawal.BY_STORE
    if found.record is None:
        raise Refusal(*withdrawal.why_no_line(registry, found))
    return str(place.change(found.record, _drawing(now + 1)))


def _tell_store(place: Place, registry: Registry, found: Revocable, now: int) -> None:
    revoked = found.revoked(now)
    try:
        asking.ask(place.registry, registry, lambda store: store.revoke((revoked,), now))
    except StoreUnavailable as unavailable:
        raise Refusal(*withdrawal.why_no_store(registry, found, unavailable)) from None


def _drawing(line: int) -> edit.Change:
    """Draws the line, unless a later one is drawn."""

    def draw(record: edit.Table) -> None:
        drawn = record.get("not_before")
        if drawn is None or _INSTANT.validate_python(drawn) < line:
            record["not_before"] = datetime.fromtimestamp(line, UTC)

    return draw


def _say(done: withdrawal.Withdrawal, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(done.members(), indent=2, ensure_ascii=False))
        return
    issued = f" that was issued before {rfc3339(done.line)}" if done.line else ""
    click.echo(f"Revoked: {done.what}{issued}.\n\nBy {done.by_words}.")
    for each in done.not_covered:
        click.echo(f"\nNot covered: {each}.")
