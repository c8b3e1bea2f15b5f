"""What users must be to each other: one login, one ``sub``, one user."""

from collections.abc import Iterator

from issuer.registry import precis
from issuer.registry.documents import Finding
from issuer.registry.registry import Registry


def check(registry: Registry) -> Iterator[Finding]:
    """Every contradiction between the users, and between them and the clients."""
    subjects: dict[str, str] = {}
    yield from _check_logins(registry)
    for name, user in registry.users.items():
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
