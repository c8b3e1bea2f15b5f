"""The files in which clients' keys lie, beside the registry: which there are.

The clients that name one say so within the documents.
"""

from collections.abc import Iterator, Mapping

from issuer.registry import documents, entries
from issuer.registry.parsing import ALL_TABLES

_FIELD = "jwks_file"


def named(contents: Mapping[str, bytes]) -> Mapping[str, str]:
    """The files that clients in these documents name, each with one of those clients.

    What is wrong with a document is for ``parsing`` to say.
    """
    found: dict[str, str] = {}
    for file, content in contents.items():
        if _FIELD.encode() in content:  # so in few registries, and this is asked of all of them
            for client_id, name in _named_in(file, content):
                found.setdefault(name, client_id)
    return found


def _named_in(file: str, content: bytes) -> Iterator[tuple[str, str]]:
    try:
        for table, client_id, entry in entries.read(file, content, ALL_TABLES):
            if table == "clients" and isinstance(entry, Mapping):
                name = entry.get(_FIELD)
                if isinstance(name, str) and name:
                    yield client_id, name
    except (ValueError, RecursionError):
        try:
            clients = documents.read(file, content).get("clients")
        except ValueError:
            return
        for client_id, entry in clients.items() if isinstance(clients, Mapping) else ():
            if isinstance(entry, Mapping) and isinstance(entry.get(_FIELD), str):
                yield client_id, entry[_FIELD]
