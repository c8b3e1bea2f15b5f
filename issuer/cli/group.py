"""``issuer group``: who is in what."""

from collections.abc import Callable

import click

from issuer.cli.page import columns, note
from issuer.cli.place import Place, pass_place
from issuer.cli.refusal import Refusal
from issuer.registry import Registry, edit
from issuer.registry.documents import near


@click.group
def group() -> None:
    """Groups: what users are in, as tokens tell it."""


@group.command
@click.argument("name")
@click.option("--user", "users", multiple=True, metavar="NAME", help="Repeat for each member.")
@click.option(
    "--subject", "subjects", multiple=True, metavar="SUB",
    help="A member whom a login application vouches for, by the sub.",
)  # fmt: skip
@click.option("--role", "roles", multiple=True, metavar="NAME", help="What its members are.")
@click.option(
    "--file", metavar="NAME", help="The file to add to, where the registry is a directory."
)
@pass_place
def add(
    place: Place,
    name: str,
    users: tuple[str, ...],
    subjects: tuple[str, ...],
    roles: tuple[str, ...],
    file: str | None,
) -> None:
    """Add a group.

    Tokens tell it where the registry lets a scope tell groups: under [claims.groups].

    \b
    Examples:
      issuer group add admins --user alice --role admin
      issuer group add staff --subject 248289761001
    """
    record = {"users": [*users], "subjects": [*subjects], "roles": [*roles]}
    edited = place.add(
        ("groups", name), {key: value for key, value in record.items() if value}, file
    )
    note(f"Added group {name} to {edited}.{_untold(place.read_registry())}")


@group.command
@click.argument("name")
@click.argument("usernames", nargs=-1, required=True)
@pass_place
def join(place: Place, name: str, usernames: tuple[str, ...]) -> None:
    """Put users into a group; their next tokens say so.

    \b
    Example:
      issuer group join admins bob carol
    """
    edited = place.change(("groups", name), joining(*usernames))
    note(f"Changed {edited}: {', '.join(usernames)} in {name}.{_untold(place.read_registry())}")


@group.command
@click.argument("name")
@click.argument("usernames", nargs=-1, required=True)
@pass_place
def leave(place: Place, name: str, usernames: tuple[str, ...]) -> None:
    """Take users out of a group; their next tokens do not say it any more.

    A token that they have says it until it expires; `issuer revoke --user` takes that back.

    \b
    Example:
      issuer group leave admins bob
    """
    held = place.read_registry().groups.get(name)
    for each in usernames:
        if held is not None and each not in held.users:
            raise Refusal(f"{name} does not have {each}{near(each, held.users)}")
    edited = place.change(("groups", name), _leaving(*usernames))
    note(f"Changed {edited}: {', '.join(usernames)} not in {name}.")


@group.command("list")
@pass_place
def list_groups(place: Place) -> None:
    """Show every group, who is in it, and the roles that it gives.

    \b
    Example:
      issuer group list
    """
    groups = place.read_registry().groups.values()
    if not groups:
        note("There is none yet: `issuer group add NAME`.")
        return
    rows = [
        (each.group, ", ".join((*each.users, *each.subjects)) or "-", ", ".join(each.roles) or "-")
        for each in groups
    ]
    click.echo(columns([("group", "members", "roles"), *rows]))


def joining(*usernames: str) -> Callable[[edit.Table], None]:
    """The change that puts these users into a group, each once."""

    def join_them(record: edit.Table) -> None:
        held = list(record.get("users", ()))
        record["users"] = list(dict.fromkeys((*held, *usernames)))

    return join_them


def _leaving(*usernames: str) -> Callable[[edit.Table], None]:
    def take_them_out(record: edit.Table) -> None:
        record["users"] = [each for each in record.get("users", ()) if each not in usernames]

    return take_them_out


def _untold(registry: Registry) -> str:
    if registry.claims.keys() & {"groups", "roles"}:
        return ""
    return "\nNo scope tells groups yet: write [claims.groups] into the registry."
