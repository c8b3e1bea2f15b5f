"""The registry: everything the issuer knows about others, as one value that never changes.

Text in; a whole ``Registry`` or every problem of it out. Nothing is ever half applied.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from types import MappingProxyType
from typing import Any, TypeVar
from zlib import crc32

from pydantic import TypeAdapter, ValidationError

from issuer.registry import consistency, documents, faults, precis, secret
from issuer.registry.branding import Branding
from issuer.registry.client import Client, ClientSecret
from issuer.registry.consistency import Offered
from issuer.registry.documents import Problem, near
from issuer.registry.freeing import free
from issuer.registry.resource import EncryptionJWK, JWKSet, Resource
from issuer.registry.settings import Settings
from issuer.registry.user import OPENID_SCOPES, Address, User
from keys.audience import canonical

TABLES: Mapping[str, tuple[type, str]] = MappingProxyType(
    {
        "clients": (Client, "client_id"),
        "users": (User, "username"),
        "resources": (Resource, "resource"),
    }
)
"""The tables of records: what a record is, and the field that its key fills."""

HELD: Mapping[int | str, type[Any]] = MappingProxyType(
    {
        "client_secrets": ClientSecret,
        "jwks": JWKSet,
        "keys": EncryptionJWK,
        "address": Address,
    }
)
"""What lies within a record, by the field that it lies in."""

_T = TypeVar("_T")
_Merged = dict[str, dict[str, tuple[str, Any]]]


class InvalidRegistry(Exception):
    """The registry was refused, whole."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """Clients, resources, users and settings, checked against each other."""

    issuer: Settings
    resources: Mapping[str, Resource]
    clients: Mapping[str, Client]
    users: Mapping[str, User]
    scopes: Mapping[str, str]
    branding: Branding
    own: Resource
    """The issuer itself as a resource: it says who the user is."""
    has_stretched_secrets: bool
    """True where comparing some client's secret takes milliseconds."""
    id_token_algs: Mapping[str, str]
    """What ID tokens are signed by, and one client each of those who want that."""
    known_scopes: frozenset[str]
    """What means something to some resource, the issuer itself included."""
    blocked_subjects: frozenset[str]
    """Whom no registry has to know to refuse them."""
    cors_origins: frozenset[str]
    """From where scripts may ask, whosever client they are."""
    digest: str
    """``sha256:`` and the hex SHA-256 hash of the files' names and contents."""
    _by_canonical: Mapping[str, Resource] = field(repr=False)
    _usernames: Mapping[str, User] = field(repr=False)
    _addresses: Mapping[str, User] = field(repr=False)
    _subjects: Mapping[str, User] = field(repr=False)
    _decoy_secrets: tuple[tuple[ClientSecret, ...], ...] = field(repr=False)
    _decoy_passwords: tuple[str, ...] = field(repr=False)

    @classmethod
    def of(
        cls,
        issuer: Settings,
        *,
        resources: tuple[Resource, ...] = (),
        clients: tuple[Client, ...] = (),
        users: tuple[User, ...] = (),
        scopes: Mapping[str, str] = MappingProxyType({}),
        branding: Branding = Branding(),  # noqa: B008  it never changes
        digest: str = "",
    ) -> "Registry":
        """The registry of these records. Whether they fit together is not checked here."""
        own = Resource(resource=issuer.url, scopes=OPENID_SCOPES)
        return cls(
            issuer=issuer,
            resources=MappingProxyType({each.resource: each for each in resources}),
            clients=MappingProxyType({each.client_id: each for each in clients}),
            users=MappingProxyType({each.username: each for each in users}),
            scopes=MappingProxyType(dict(scopes)),
            branding=branding,
            own=own,
            digest=digest,
            _by_canonical=MappingProxyType(
                {canonical(each.resource): each for each in (*resources, own)}
            ),
            _usernames=MappingProxyType(
                {precis.same_username(each.username): each for each in users}
            ),
            _addresses=MappingProxyType(
                {precis.same_address(each.email): each for each in users if each.email}
            ),
            _subjects=MappingProxyType({user.sub: user for user in users}),
            has_stretched_secrets=any(
                secret.is_stretched(each.hash)
                for client in clients
                for each in client.client_secrets
            ),
            known_scopes=frozenset(OPENID_SCOPES).union(*(each.scopes for each in resources)),
            blocked_subjects=frozenset(issuer.blocked_subjects),
            cors_origins=frozenset(
                origin for client in clients for origin in client.allowed_cors_origins
            ),
            id_token_algs=MappingProxyType(
                {
                    each.id_token_signed_response_alg: each.client_id
                    for each in clients
                    if each.is_relying_party
                }
            ),
            _decoy_secrets=tuple(each.client_secrets for each in clients if each.client_secrets),
            _decoy_passwords=tuple(user.password_hash for user in users if user.password_hash)
            or (secret.DECOY_PASSWORD_HASH,),
        )

    def resource(self, identifier: str) -> Resource | None:
        """The resource of this name, the issuer itself included.

        A slash behind a bare origin is the same resource (RFC 3986 section 6.2.3): what JavaScript
        makes of a URL.
        """
        return self.resources.get(identifier) or self._by_canonical.get(canonical(identifier))

    def user_named(self, login: str) -> User | None:
        """The user with this username, as RFC 8265 compares it, or with this e-mail address."""
        username, address = precis.same_username(login), precis.same_address(login)
        return self._usernames.get(username) or self._addresses.get(address)

    def user_called(self, sub: str) -> User | None:
        """The user whom tokens call ``sub``."""
        return self._subjects.get(sub)

    def decoy_secrets(self, client_id: str) -> tuple[ClientSecret, ...]:
        """Some client's secrets, for a client that has none: refusing both takes alike.

        The same client_id gets the same ones everywhere, so that asking twice tells nothing.
        """
        if not self._decoy_secrets:
            return ()
        return self._decoy_secrets[self._pick(client_id, len(self._decoy_secrets))]

    def decoy_password(self, login: str) -> str:
        """Some user's password hash, for a login that has none.

        The same one for all the ways to write an address: a known one has one hash in all of them.
        """
        written = precis.same_address(precis.same_username(login))
        return self._decoy_passwords[self._pick(written, len(self._decoy_passwords))]

    def _pick(self, name: str, among: int) -> int:
        return crc32(name.encode(errors="surrogatepass"), crc32(self.digest.encode())) % among

    def access_token_lifetime(self, client: Client, resource: Resource) -> int:
        """Seconds: the shorter of the client's and the resource's, the issuer's without either."""
        ours, theirs = client.access_token_lifetime, resource.access_token_lifetime
        if ours and theirs:
            return min(ours, theirs)
        return ours or theirs or self.issuer.access_token_lifetime

    def longest_access_token_lifetime(self) -> int:
        """Seconds that any access token of this registry can live."""
        held = [self.issuer.access_token_lifetime]
        held += [each.access_token_lifetime or 0 for each in self.resources.values()]
        return max(held + [each.access_token_lifetime or 0 for each in self.clients.values()])

    def longest_sealed_lifetime(self) -> int:
        """Seconds that any code or refresh token of this registry can live."""
        held = [self.issuer.authorization_code_lifetime, self.issuer.refresh_token_lifetime]
        for client in self.clients.values():
            held += [client.authorization_code_lifetime or 0, client.refresh_token_lifetime or 0]
        return max(held)


def parse(files: Mapping[str, bytes], offered: Offered) -> Registry:
    """The registry that ``files``, by their names, spell together.

    Raises:
        InvalidRegistry: with every problem that could be found.
    """
    read, problems = _read(files)
    readable = not problems
    merged, double = documents.merge(read, ["issuer", *TABLES, "scopes", "branding"])
    problems += double
    settings = None
    if readable or merged["issuer"]:  # else it may well be in the file that cannot be read
        file = next(iter(files), "registry")
        settings = _table("issuer", Settings, merged["issuer"], problems, file)
    branding = _table("branding", Branding, merged["branding"], problems)
    records = {table: _records(table, merged[table], problems) for table in TABLES}
    registry = Registry.of(
        settings or Settings(url="https://unreadable.invalid"),
        resources=tuple(records["resources"]),
        clients=tuple(records["clients"]),
        users=tuple(records["users"]),
        scopes=_scopes(merged["scopes"], problems),
        branding=branding or Branding(),
        digest=digest(files),
    )
    if readable:
        findings = consistency.check(registry, offered, merged["resources"].keys())
        problems += [Problem(_place(merged, path), path, message) for path, message in findings]
    if problems:
        raise InvalidRegistry(tuple(problems))
    entries = [entry for table in TABLES for _, entry in merged[table].values()]
    read.clear()
    merged.clear()
    free(entries)
    return registry


def _place(merged: _Merged, path: tuple[str | int, ...]) -> str:
    table, name = map(str, path[:2])
    return merged[table][name][0]


def digest(files: Mapping[str, bytes]) -> str:
    """One hash over the names and contents of ``files``."""
    whole = sha256()
    for name, content in sorted(files.items()):
        whole.update(b"%d:%s%d:" % (len(name.encode()), name.encode(), len(content)))
        whole.update(content)
    return "sha256:" + whole.hexdigest()


def _read(files: Mapping[str, bytes]) -> tuple[dict[str, dict[str, Any]], list[Problem]]:
    read: dict[str, dict[str, Any]] = {}
    problems: list[Problem] = []
    for file, content in files.items():
        try:
            read[file] = documents.read(file, content)
        except ValueError as error:
            problems.append(documents.problem(file, error))
    return read, problems


def _table(
    table: str,
    kind: type[_T],
    entries: Mapping[str, tuple[str, Any]],
    problems: list[Problem],
    file: str = "",
) -> _T | None:
    """The one value that a whole table is; ``file`` is blamed where it has no entries."""
    places = [place for place, _ in entries.values()]
    values = {name: value for name, (_, value) in entries.items()}
    try:
        return TypeAdapter(kind).validate_python(values)
    except ValidationError as error:
        problems += _problems(error, places[0] if places else file, (table,), kind)
        return None


def _records(
    table: str, entries: Mapping[str, tuple[str, Any]], problems: list[Problem]
) -> list[Any]:
    kind, key = TABLES[table]
    adapter: TypeAdapter[Any] = TypeAdapter(kind)
    records = []
    for name, (file, entry) in entries.items():
        if not isinstance(entry, Mapping):
            problems.append(Problem(file, (table, name), "must be a table of fields, not a value"))
        elif entry.get(key, name) != name:
            problems.append(
                Problem(
                    file, (table, name, key), "must equal the key it stands under; leave it out"
                )
            )
        else:
            try:
                records.append(adapter.validate_python({**entry, key: name}))
            except ValidationError as error:
                problems += _problems(error, file, (table, name), kind)
    return records


def _scopes(entries: Mapping[str, tuple[str, Any]], problems: list[Problem]) -> dict[str, str]:
    for name, (file, entry) in entries.items():
        if not isinstance(entry, str):
            problems.append(
                Problem(
                    file,
                    ("scopes", name),
                    'must be a sentence in quotes, such as "Read your invoices"',
                )
            )
    return {name: entry for name, (_, entry) in entries.items()}


def _problems(
    error: ValidationError, file: str, path: tuple[str, ...], kind: type
) -> list[Problem]:
    return [
        Problem(file, (*path, *each["loc"]), _sentence(each, kind, toml=not file.endswith(".json")))
        for each in error.errors(include_input=False, include_url=False)
    ]


def _sentence(error: Any, kind: type[Any], *, toml: bool) -> str:
    fault, where = error["type"], error["loc"]
    if fault == "unexpected_keyword_argument":
        holder = next((HELD[each] for each in reversed(where[:-1]) if each in HELD), kind)
        known = near(str(where[-1]), holder.__dataclass_fields__)
        return "unknown key" + (known or "; `issuer schema` lists those that there are")
    return faults.sentence(fault, error["msg"], where, error.get("ctx", {}), toml=toml)
