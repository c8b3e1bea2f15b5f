"""From the text of the files to a whole ``Registry``, or every problem of it.

Nothing is ever half applied.
"""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from types import MappingProxyType
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from issuer.registry import client_keys, consistency, documents, entries, faults
from issuer.registry.branding import Branding
from issuer.registry.client import Client, ClientSecret
from issuer.registry.client_certificates import read_authorities
from issuer.registry.client_keys import ClientKeys
from issuer.registry.consistency import Offered
from issuer.registry.documents import Problem, near
from issuer.registry.exchange import Exchange
from issuer.registry.federated import Federated
from issuer.registry.federation import Federation
from issuer.registry.freeing import free
from issuer.registry.making import Maker
from issuer.registry.registry import Registry
from issuer.registry.released import Group, ReleasedClaim
from issuer.registry.resource import EncryptionJWK, JWKSet, Resource
from issuer.registry.settings import Settings
from issuer.registry.user import Address, User
from keys import file_text

TABLES: Mapping[str, tuple[type, str]] = MappingProxyType(
    {
        "clients": (Client, "client_id"),
        "users": (User, "username"),
        "groups": (Group, "group"),
        "claims": (ReleasedClaim, "claim"),
        "federations": (Federation, "federation"),
        "resources": (Resource, "resource"),
    }
)
"""The tables of records: what a record is, and the field that its key fills."""

ALL_TABLES = ("issuer", *TABLES, "scopes", "branding")

LARGE = 2**18
"""Bytes. Below, what it takes to be fast takes longer than it saves."""

HELD: Mapping[int | str, type[Any]] = MappingProxyType(
    {
        "client_secrets": ClientSecret,
        "jwks": JWKSet,
        "keys": EncryptionJWK,
        "address": Address,
        "federated": Federated,
        "exchanges": Exchange,
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


def parse(files: Mapping[str, bytes], offered: Offered) -> Registry:
    """The registry that ``files``, by their names, spell together.

    Raises:
        InvalidRegistry: with every problem that could be found.
    """
    large = sum(map(len, files.values())) > LARGE
    return (accept(files, offered) if large else None) or examine(files, offered)


def accept(files: Mapping[str, bytes], offered: Offered) -> Registry | None:
    """The registry, where there is nothing to say against it; else None, and somebody else says it.

    It takes a third of the time of ``examine``, and no more memory than the records do.
    """
    makers = {table: Maker(*row) for table, row in TABLES.items()}
    found: dict[str, dict[str, Any]] = {each: {} for each in ALL_TABLES}
    try:
        for file, content in _documents(files).items():
            for table, name, entry in entries.read(file, content, ALL_TABLES):
                if name in found[table]:
                    return None
                made = makers[table].make(name, entry) if table in makers else entry
                found[table][name] = made
        holders = (*found["clients"].values(), *found["federations"].values())
        key_files = {name: _keys(files, name) for name in _named(holders)}
        settings = TypeAdapter(Settings).validate_python(found["issuer"])
        authorities = _authorities(files, settings)
        branding = TypeAdapter(Branding).validate_python(found["branding"])
    except (ValueError, RecursionError):
        return None
    if not all(isinstance(each, str) for each in found["scopes"].values()):
        return None
    registry = Registry.of(
        settings,
        resources=tuple(found["resources"].values()),
        clients=tuple(found["clients"].values()),
        users=tuple(found["users"].values()),
        groups=tuple(found["groups"].values()),
        claims=tuple(found["claims"].values()),
        federations=tuple(found["federations"].values()),
        scopes=found["scopes"],
        branding=branding,
        key_files=key_files,
        authorities=authorities,
        digest=digest(files),
    )
    findings = consistency.check(registry, offered, registry.resources.keys())
    return registry if next(findings, None) is None else None


def examine(files: Mapping[str, bytes], offered: Offered) -> Registry:
    """The same registry, or everything that is wrong with it.

    Raises:
        InvalidRegistry: with every problem that could be found.
    """
    read, problems = _read(_documents(files))
    readable = not problems
    merged, double = documents.merge(read, ALL_TABLES)
    problems += double
    settings = None
    if readable or merged["issuer"]:  # else it may well be in the file that cannot be read
        file = next(iter(files), "registry")
        settings = _table("issuer", Settings, merged["issuer"], problems, file)
    branding = _table("branding", Branding, merged["branding"], problems)
    records = {table: _records(table, merged[table], problems) for table in TABLES}
    key_files = _key_files(files, (*records["clients"], *records["federations"]), problems)
    settings = settings or Settings(url="https://unreadable.invalid")
    try:
        authorities = _authorities(files, settings)
    except ValueError as error:
        authorities = ""
        problems.append(documents.problem(str(settings.client_certificate_authorities_file), error))
    registry = Registry.of(
        settings,
        resources=tuple(records["resources"]),
        clients=tuple(records["clients"]),
        users=tuple(records["users"]),
        groups=tuple(records["groups"]),
        claims=tuple(records["claims"]),
        federations=tuple(records["federations"]),
        scopes=_scopes(merged["scopes"], problems),
        branding=branding or Branding(),
        key_files=key_files,
        authorities=authorities,
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


def _documents(files: Mapping[str, bytes]) -> Mapping[str, bytes]:
    return {name: each for name, each in files.items() if not documents.is_key_file(name)}


def _named(holders: Iterable[Client | Federation]) -> set[str]:
    return {each.jwks_file for each in holders if each.jwks_file is not None}


def _keys(files: Mapping[str, bytes], name: str) -> ClientKeys:
    """The keys in the file of this name. Raises ``ValueError``."""
    content = files.get(documents.key_file(name))
    if content is None:
        raise ValueError("is named as a jwks_file, and was not there when the registry was read")
    return client_keys.examined(documents.read(".json", content))


def _key_files(
    files: Mapping[str, bytes], holders: Iterable[Client | Federation], problems: list[Problem]
) -> dict[str, ClientKeys]:
    found = {}
    for name in sorted(_named(holders)):
        try:
            found[name] = _keys(files, name)
        except ValueError as error:
            problems.append(documents.problem(name, error))
    return found


def _authorities(files: Mapping[str, bytes], settings: Settings) -> str | None:
    """The certificates of those who vouch for clients. Raises ``ValueError``."""
    name = settings.client_certificate_authorities_file
    if name is None:
        return settings.client_certificate_authorities
    content = files.get(documents.key_file(name))
    if content is None:
        raise ValueError("is named in [issuer], and was not there when the registry was read")
    pem = file_text.decode(content)
    read_authorities(pem)
    return pem


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
    context = error.get("ctx", {})
    return faults.sentence(fault, error["msg"], where, context, record=kind.__name__, toml=toml)
