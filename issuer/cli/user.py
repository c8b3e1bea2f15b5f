"""``issuer user``: people whom the issuer itself can authenticate."""

from collections.abc import Callable
from typing import Any

import click

from issuer.cli.group import joining
from issuer.cli.page import note
from issuer.cli.place import Place, pass_place
from issuer.cli.refusal import Refusal
from issuer.cli.secrets import chosen
from issuer.registry import documents, precis, secret
from issuer.registry.documents import near
from issuer.registry.edit import Table
from issuer.registry.user import CLAIM_NAMES

CLAIMS = tuple(name for name in CLAIM_NAMES if name not in ("email", "address"))
"""The claims of OpenID Connect Core section 5.1 that an option can spell."""
TRUTH = {"true": True, "false": False}


def _username(_: click.Context, __: click.Parameter, typed: str) -> str:
    try:
        return precis.username(typed)
    except precis.Forbidden as forbidden:
        raise click.BadParameter(f"{forbidden} (RFC 8265)") from None


def _claims(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> dict[str, Any]:
    """The fields of the record that ``given`` spells: the standard claims, and all others."""
    fields: dict[str, Any] = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or not name or name in ("email", "address"):
            known = ", ".join(CLAIMS)
            raise click.BadParameter(
                f"{each!r} must be NAME=VALUE; a NAME is one of {known}, or of your own"
            )
        if name in CLAIMS:
            fields[name] = TRUTH.get(value, value) if name.endswith("_verified") else value
        else:
            fields.setdefault("claims", {})[name] = _value(value)
    return fields


def _value(text: str) -> Any:
    """What ``text`` spells as JSON; text that is none is meant as it is."""
    try:
        return documents.strict_json().decode(text)
    except (ValueError, RecursionError):
        return text


@click.group
def user() -> None:
    """Users: for the login page and the password grant."""


@user.command
@click.argument("username", callback=_username)
@click.option("--email", metavar="ADDRESS", help="Another name to log in with.")
@click.option("--sub", help="What tokens call the user; the username if left out.")
@click.option(
    "--claim", "claims", multiple=True, metavar="NAME=VALUE", callback=_claims,
    help="What clients may be told of the user: name, locale, email_verified=true, …; of a name "
    "of your own, a text or JSON.",
)  # fmt: skip
@click.option(
    "--group", "groups", multiple=True, metavar="NAME", help="A group to be in; it has to be there."
)
@click.option(
    "--password-stdin", is_flag=True, help="Read the password from stdin: its first line."
)
@click.option(
    "--file", metavar="NAME", help="The file to add to, where the registry is a directory."
)
@pass_place
def add(  # noqa: PLR0913  one option for each thing that can be said
    place: Place,
    username: str,
    email: str | None,
    sub: str | None,
    claims: dict[str, Any],
    groups: tuple[str, ...],
    *,
    password_stdin: bool,
    file: str | None,
) -> None:
    """Add a user; the password is asked for and kept as an argon2id hash.

    Username and password are kept in the form in which what people type is compared, and refused
    with what no other keyboard may have (RFC 8265).

    \b
    Examples:
      issuer user add alice --email alice@example.com --claim name="Alice Example"
      issuer user add bob --group admins --claim department=ops --claim level=3
      pass show alice | issuer user add alice --password-stdin
    """
    _check_groups(place, groups)
    password = chosen("Password", from_stdin=password_stdin, form=precis.password)
    record: dict[str, Any] = {"sub": sub, "email": email, **claims}
    record = {name: value for name, value in record.items() if value not in (None, "")}
    record["password_hash"] = secret.argon2id_hash(password)
    edited = place.add(("users", username), record, file)
    for name in groups:
        place.change(("groups", name), joining(username))
    said = f", in {', '.join(groups)}" if groups else ""
    note(f"Added user {username} to {edited}{said}.")
    _note_untold(place, claims)


def _note_untold(place: Place, fields: dict[str, Any]) -> None:
    """Says which claims nobody is told: one may be misspelt."""
    told = place.read_registry().claims
    for name in sorted(fields.get("claims", {}).keys() - told.keys()):
        meant = near(name, (*CLAIMS, *told))
        note(f"Note: no scope tells {name}{meant or f'; [claims.{name}] says which does.'}")


def _check_groups(place: Place, groups: tuple[str, ...]) -> None:
    """Returns where each is there: before anything is written, and a password asked for."""
    known = place.read_registry().groups if groups else {}
    for name in groups:
        if name not in known:
            raise Refusal(
                f"The registry has no group {name}{near(name, known)}",
                f"`issuer group add {name}` makes it.",
            )


@user.command
@click.argument("username")
@click.option("--email", metavar="ADDRESS", help="Another name to log in with.")
@click.option(
    "--claim", "claims", multiple=True, metavar="NAME=VALUE", callback=_claims,
    help="What clients may be told of the user, as in `add`; nothing behind the = takes it away.",
)  # fmt: skip
@click.option("--group", "groups", multiple=True, metavar="NAME", help="A group to be in.")
@click.option("--active/--inactive", default=None, help="Whether the user may log in and refresh.")
@pass_place
def edit(
    place: Place,
    username: str,
    email: str | None,
    claims: dict[str, Any],
    groups: tuple[str, ...],
    *,
    active: bool | None,
) -> None:
    """Change what is known of a user; their next tokens say so.

    \b
    Examples:
      issuer user edit alice --claim department=sales --group staff
      issuer user edit alice --claim nickname= --inactive
    """
    given = {"email": email, "active": active, **claims}
    changed = {name: value for name, value in given.items() if value is not None}
    if not changed and not groups:
        raise click.UsageError("say what to change: --claim, --group, --email, --inactive")
    _check_groups(place, groups)
    edited = place.change(("users", username), _changing(changed)) if changed else place.registry
    for name in groups:
        edited = place.change(("groups", name), joining(username))
    note(f"Changed user {username} in {edited}.")
    _note_untold(place, claims)


def _changing(changed: dict[str, Any]) -> Callable[[Table], None]:
    """The change that says ``changed``; what is empty in it is said no more."""

    def change(record: Table) -> None:
        own = {**record.get("claims", {}), **changed.get("claims", {})}
        fields = {**changed, "claims": {name: each for name, each in own.items() if each != ""}}
        for name, value in fields.items():
            if value not in ("", {}):
                record[name] = value
            elif name in record:
                del record[name]

    return change
