"""The two files as one server, or every reason why they are none."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from issuer import registry
from issuer.registry import InvalidRegistry, Registry, advice, consistency, fapi2, files
from issuer.registry.documents import Finding, dotted
from issuer.registry.files import Unreadable
from issuer.server import AuthorizationServer
from issuer.token import OFFERED
from keys import private_file
from keys.ring import InvalidKeyRing, KeyRing

Contents = Mapping[str, bytes]
"""What files hold, by their names."""

_shared: list[tuple[Registry, tuple[Finding, ...]]] = []
"""What was read before the workers were forked, and what there is to warn of in it: one at most,
which does not change in them."""


class Refused(Exception):
    """The files describe no server; ``problems`` says all of it, without secrets."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def load(registry_path: Path, keyring_path: Path, now: int) -> AuthorizationServer:
    """The server that the two files describe.

    Raises:
        Refused: with every problem of both, or of the one with the other.
    """
    problems: list[str] = []
    found = held = None
    try:
        found = parse_registry(read_registry(registry_path))
    except Refused as refused:
        problems += refused.problems
    try:
        held = parse_keyring(read_keyring(keyring_path))
    except Refused as refused:
        problems += refused.problems
    if found is None or held is None:
        raise Refused(tuple(problems))
    return combine(found, held, now)


def read_registry(path: Path) -> Contents:
    """What lies at ``path``. Raises ``Refused`` where that cannot be read."""
    try:
        return files.read_registry(path)
    except Unreadable as error:
        raise Refused((str(error),)) from None


def read_keyring(path: Path) -> Contents:
    """What lies at ``path``. Raises ``Refused`` where it cannot be read, or others can read it."""
    try:
        allowed = files.group_may_read_keyring()
        return {path.name: private_file.read(path, group_readable=allowed)}
    except private_file.GroupReadable as unfit:
        sentence = f"{unfit}, or set {files.GROUP_READABLE_VARIABLE}=1 if only the issuer is in it"
        raise Refused((sentence,)) from None
    except private_file.UnfitFile as unfit:
        raise Refused((str(unfit),)) from None


def warn_of_keyring(path: Path, server: AuthorizationServer, now: int) -> Iterator[str]:
    """What is allowed of the file at ``path``, the key ring of ``server``, but could be safer."""
    if private_file.group_can_read(path):
        yield f"{path.name}: its group can read it, and so issue every token"
    preferred = server.ring.algs(now)[:1]
    if preferred and advice.needs_convergence(server.registry):
        yield from (f"{path.name}: {why}" for why in advice.warn_of_alg(*preferred))


def share(found: Registry) -> None:
    """Keeps ``found`` for processes that are forked from this one, in memory that they share.

    Whoever looks at a record counts a reference, and has its page of memory alone from then on. So
    what goes through all of them is done here.
    """
    _shared[:] = [(found, tuple(advice.warnings(found)))]


def is_shared(found: Registry) -> bool:
    """True where ``found`` stays, whoever lets go of it."""
    return any(found is each for each, _ in _shared)


def warn_of_registry(found: Registry) -> Iterator[str]:
    """What holds together in ``found``, but could be safer."""
    known = next((warnings for each, warnings in _shared if each is found), None)
    for path, why in advice.warnings(found) if known is None else known:
        yield f"{dotted(path)}: {why}"


def parse_registry(contents: Contents) -> Registry:
    """The registry that ``contents`` spell. Raises ``Refused`` where they are not valid."""
    digest = registry.digest(contents)
    for each, _ in _shared:
        if each.digest == digest:
            return each
    try:
        return registry.parse(contents, OFFERED)
    except InvalidRegistry as error:
        raise Refused(tuple(map(str, error.problems))) from None


def parse_keyring(contents: Contents) -> KeyRing:
    """The key ring that ``contents`` spell. Raises ``Refused`` where they are not valid."""
    try:
        ((name, text),) = contents.items()
        return KeyRing.parse(text, name)
    except InvalidKeyRing as error:
        raise Refused(error.problems) from None


def combine(found: Registry, held: KeyRing, now: int) -> AuthorizationServer:
    """The server of the two.

    Raises:
        Refused: the keys do not last as long as the tokens that the registry promises, an
            algorithm that it promises has none, or a resource server has no key yet.
    """
    early = [f"registry: {dotted(path)}: {why}" for path, why in consistency.check_at(found, now)]
    problems = held.problems(
        now,
        longest_token_lifetime=found.longest_access_token_lifetime(),
        longest_sealed_lifetime=found.longest_sealed_lifetime(),
    )
    for alg, what in promised(found):
        gap = held.gap(alg, now)
        if gap is not None:
            problems.append(
                f"no {alg} key is current {gap}, and {what} are signed by one; "
                f"`issuer keys add --alg {alg}`"
            )
    problems += fapi2.problems(found, held.algs(now))
    if found.sectors and held.subject_key is None:
        client_id = next(each.client_id for each in found.clients.values() if each.is_pairwise)
        problems.append(
            f"no subject_key, and client {json.dumps(client_id)} has subject_type = "
            '"pairwise"; `issuer keys add --subject-key`'
        )
    if early or problems:
        raise Refused((*early, *(f"key ring: {problem}" for problem in problems)))
    return AuthorizationServer.of(found, held)


def promised(found: Registry) -> Iterator[tuple[str, str]]:
    """The algorithms that others count on, and for what."""
    for alg, client_id in found.id_token_algs.items():
        yield alg, f"the ID tokens of client {json.dumps(client_id)}"
    for alg, client_id in found.authorization_response_algs.items():
        yield alg, f"the authorization responses to client {json.dumps(client_id)}"
    for alg, client_id in found.userinfo_algs.items():
        yield alg, f"the userinfo answers to client {json.dumps(client_id)}"
    for name, resource in found.resource_servers.known.items():
        if resource.introspection_signed_response_alg is not None:
            yield (
                resource.introspection_signed_response_alg,
                f"the answers to resource server {json.dumps(name)}",
            )
