"""A registry of very many clients, in the files of a directory."""

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from issuer.registry import secret
from tests.bench.clients import client_id, client_secret

CLIENTS_IN_A_FILE = 100_000
"""Half of what fits into the 64 MiB that a file may have."""


def write(directory: Path, table: dict[str, Any], clients: int) -> None:
    """Writes ``table`` into ``directory``, and clients made like its first beside it.

    In the time that hashing their secrets takes: two seconds for each million, of any core.
    """
    directory.mkdir()
    (like, *_) = table["clients"].values()
    rest = {name: entry for name, entry in like.items() if name != "client_secrets"}
    (directory / "registry.json").write_text(json.dumps(table | {"clients": {}}))
    lines = _lines(json.dumps(rest)[1:], clients)
    for number in range(0, clients, CLIENTS_IN_A_FILE):
        held = ",\n".join(islice(lines, CLIENTS_IN_A_FILE))
        file = directory / f"clients-{number // CLIENTS_IN_A_FILE:03}.json"
        file.write_text(f'{{"clients": {{\n{held}\n}}}}')


def _lines(rest: str, clients: int) -> Iterator[str]:
    for number in range(clients):
        hashed = secret.sha256_hash(client_secret(number))
        yield f'"{client_id(number)}": {{"client_secrets": [{{"hash": "{hashed}"}}], {rest}'
