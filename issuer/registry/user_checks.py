"""What users must be to each other: one login, one ``sub``, one user."""

from collections.abc import Iterator

from issuer.registry import precis
from issuer.registry.documents import Finding, near
from issuer.registry.registry import Registry
from issuer.registry.released import Place
from issuer.registry.user import User
from keys.subjects import MAX_SUB

MAX_TOLD = 6500
"""Characters of one token: verifiers read 8192, and what else a token says takes the rest."""


def check(registry: Registry) -> Iterator[Finding]:
    """Every contradiction between the users, and between them and the clients."""
    subjects: dict[str, str] = {}
    yield from _check_logins(registry)
    yield from _check_groups(registry)
    yield from _check_sizes(registry)
    for name, user in registry.users.items():
        if registry.sectors and len(user.sub.encode()) > MAX_SUB:
            sentence = f"has more than {MAX_SUB} bytes, too long for clients that are pairwise"
            yield ("users", name, "sub"), sentence
        if user.sub in registry.clients:
            yield (
                ("users", name, "sub"),
                (
                    "is a client's client_id: resource servers could not tell the two apart; "
                    "give the user another sub (RFC 9700 section 4.15)"
                ),
            )
        if subjects.setdefault(user.sub, name) != name:
            yield (
                ("users", name, "sub"),
                f'is also that of "{subjects[user.sub]}": give one of them another',
            )


def _check_groups(registry: Registry) -> Iterator[Finding]:
    for name, group in registry.groups.items():
        for number, username in enumerate(group.users):
            if username not in registry.users:
                sentence = f'"{username}" is no user here{near(username, registry.users)}'
                if registry.issuer.login_url is not None:
                    sentence += "; whom the login application knows stands in subjects, by the sub"
                yield ("groups", name, "users", number), sentence
        for number, sub in enumerate(group.subjects):
            user = registry.user_called(sub)
            if user is not None and user.username in group.users:
                sentence = f'is the sub of "{user.username}", who is among the users already'
                yield ("groups", name, "subjects", number), sentence


def _check_sizes(registry: Registry) -> Iterator[Finding]:
    """A token that no verifier reads opens nothing, and its user would not know why."""
    for user, place, size in told_at_length(registry, MAX_TOLD):
        sentence = (
            f"what the claims table tells of this user in the {place} takes {size} characters, and "
            f"more than {MAX_TOLD} make a token that is refused for its length: leave something out"
        )
        yield ("users", user.username), sentence


def told_at_length(registry: Registry, length: int) -> Iterator[tuple[User, Place, int]]:
    """The users of whom a token says more than this, the first of the tokens, and how much."""
    releasing = registry.releasing
    if not registry.claims:
        return
    for user in registry.users.values():
        if not user.claims and not releasing.groups_of(user.sub):
            continue
        for place in (Place.ACCESS_TOKEN, Place.ID_TOKEN):
            size = releasing.size(user, place)
            if size > length:
                yield user, place, size
                break


def _check_logins(registry: Registry) -> Iterator[Finding]:
    """What one types must be the login of one user: else the password of another is asked for."""
    usernames: dict[str, str] = {}
    for name in registry.users:
        first = usernames.setdefault(precis.same_username(name), name)
        if first != name:
            yield ("users", name), f'is the username "{first}" in another Unicode form (RFC 8265)'
    # Usernames differ in case. An address does not, also where it is some other's username.
    taken: dict[str, list[str]] = {}
    for name in registry.users:
        taken.setdefault(precis.same_address(name), []).append(name)
    for name, user in registry.users.items():
        logins = taken.setdefault(precis.same_address(user.email), []) if user.email else []
        other = next((each for each in logins if each != name), None)
        if other is not None:
            alike = user.email in {other, registry.users[other].email}
            why = "" if alike else "; case and Unicode form do not count in an address"
            yield ("users", name, "email"), f'is also a login of "{other}"{why}'
        logins.append(name)
