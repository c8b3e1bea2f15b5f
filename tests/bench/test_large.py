"""The large registry is the small one, but for its size."""

import json

from issuer.registry import files, parse
from issuer.token import OFFERED
from tests.bench import large, ours
from tests.builders import ISSUER


def test_what_is_written_at_once_is_what_would_be_written_one_by_one(tmp_path, monkeypatch):
    monkeypatch.setattr(large, "CLIENTS_IN_A_FILE", 4)
    large.write(tmp_path / "many", ours.registry(ISSUER, 1), 10)
    found = files.read_registry(tmp_path / "many")
    assert len(found) == 4
    table = ours.registry(ISSUER, 10)
    one_by_one = parse({"r.json": json.dumps(table).encode()}, OFFERED)
    assert parse(found, OFFERED).clients == one_by_one.clients
