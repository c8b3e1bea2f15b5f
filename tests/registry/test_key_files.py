"""Files of clients' keys beside the registry: read with it, judged with it, changed like it."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from issuer.load import parse_registry
from issuer.registry import InvalidRegistry, Registry, digest, edit, files, key_files, parse
from issuer.registry.files import Unreadable
from issuer.reload import Reloader
from issuer.token import OFFERED
from keys.ring import KeyRing, write
from tests.builders import API, ISSUER
from tests.rfc7523.keys import KID, OTHERS, a_jwks, a_public_jwk

SECRETS = [{"hash": "sha256:" + "A" * 43}]


def a_table(*client_ids: str, jwks_file: str = "app.jwks.json") -> dict[str, Any]:
    client = {"client_secrets": SECRETS, "grant_types": ["client_credentials"]}
    client |= {"resources": [API], "scope": "read", "jwks_file": jwks_file}
    return {
        "issuer": {"url": ISSUER},
        "resources": {API: {"scopes": ["read"]}},
        "clients": dict.fromkeys(client_ids or ("app",), client),
    }


def written(path: Path, content: Any) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def read(path: Path) -> Registry:
    return parse(files.read_registry(path), OFFERED)


def xs(registry: Registry, client_id: str = "app") -> list[str]:
    """The ``x`` of the client's keys."""
    keys = registry.client_keys(registry.clients[client_id])
    assert keys is not None
    return [dict(each.members)["x"] for each in keys.keys]


@pytest.mark.parametrize("name", ["app.jwks.json", "keys/app.json", "./app.json", "app"])
def test_a_file_of_keys_lies_beside_the_registry(tmp_path, name):
    path = written(tmp_path / "registry.json", a_table("app", "twin", jwks_file=name))
    jwk = a_public_jwk()
    written(tmp_path / name, a_jwks(jwk))
    registry = read(path)
    assert xs(registry) == xs(registry, "twin") == [jwk["x"]]


def test_a_file_of_keys_may_lie_anywhere_and_among_the_files_of_a_directory(tmp_path):
    """A ConfigMap is one flat directory, in which everything lies."""
    folder, elsewhere = tmp_path / "registry", written(tmp_path / "its" / "keys.json", a_jwks())
    written(folder / "clients.json", a_table())
    written(folder / "app.jwks.json", a_jwks())
    assert set(files.read_registry(folder)) == {"clients.json", "./app.jwks.json"}
    assert len(xs(read(folder))) == 1
    written(folder / "clients.json", a_table(jwks_file=str(elsewhere)))
    (folder / "app.jwks.json").unlink()
    assert len(xs(read(folder))) == 1


def test_in_toml_as_in_json(tmp_path):
    path = tmp_path / "registry.toml"
    path.write_text(f"""
[issuer]
url = "{ISSUER}"
[resources."{API}"]
[clients.app]
client_secrets = [{{ hash = "{SECRETS[0]["hash"]}" }}]
grant_types = ["client_credentials"]
resources = ["{API}"]
jwks_file = "app.json"
""")
    written(tmp_path / "app.json", a_jwks())
    assert len(xs(read(path))) == 1


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(b"{", "app.jwks.json: ", id="no JSON"),
        pytest.param(b'{"keys": 1}', "app.jwks.json: must be a JWK Set", id="no JWK Set"),
        pytest.param(
            json.dumps(a_jwks(a_public_jwk(d="hunter2"))).encode(),
            "app.jwks.json: keys[0] must be the public half alone: take out d",
            id="a private key",
        ),
    ],
)
def test_what_is_wrong_with_it_is_said_with_its_name(tmp_path, content, problem):
    path = written(tmp_path / "registry.json", a_table())
    (tmp_path / "app.jwks.json").write_bytes(content)
    with pytest.raises(InvalidRegistry) as refused:
        read(path)
    (said,) = map(str, refused.value.problems)
    assert said.startswith(problem)
    assert "hunter2" not in said


def test_one_that_cannot_be_read_is_named_and_so_is_who_names_it(tmp_path):
    path = written(tmp_path / "registry.json", a_table())
    with pytest.raises(Unreadable) as refused:
        read(path)
    assert str(refused.value) == "clients.app.jwks_file: app.jwks.json: No such file or directory"
    (tmp_path / "app.jwks.json").write_bytes(b" " * 300_000)
    with pytest.raises(Unreadable, match=r"app\.jwks\.json: is larger than 256 KiB"):
        read(path)
    with pytest.raises(InvalidRegistry, match=r"app\.jwks\.json: is named as a jwks_file"):
        parse({"registry.json": path.read_bytes()}, OFFERED)


def test_its_content_is_a_part_of_what_the_registry_is(tmp_path):
    path = written(tmp_path / "registry.json", a_table())
    written(tmp_path / "app.jwks.json", a_jwks())
    before = digest(files.read_registry(path))
    written(tmp_path / "app.jwks.json", a_jwks(a_public_jwk(kid="2")))
    assert digest(files.read_registry(path)) != before


def test_it_is_picked_up_while_the_issuer_runs_and_the_last_good_one_stays(tmp_path):
    """F23, and the rollover of a client's key without a restart."""
    path = written(tmp_path / "registry.json", a_table())
    held = written(tmp_path / "keys.d" / "1.json", a_jwks())
    (tmp_path / "app.jwks.json").symlink_to(held)
    keyring = tmp_path / "keyring.json"
    now = int(time.time())
    write(keyring, KeyRing.new("ES256", now - 10))
    reloader = Reloader(path, keyring, clock=lambda: now + 100)
    first = xs(reloader.server.registry)

    def settle() -> list[str]:
        for _ in range(5):
            reloader.look()
        return xs(reloader.server.registry)

    assert settle() == first
    jwk = a_public_jwk(key=OTHERS["ES256"])
    following = written(tmp_path / "keys.d" / "2.json", a_jwks(a_public_jwk(), jwk))
    (tmp_path / "next").symlink_to(following)
    (tmp_path / "next").replace(tmp_path / "app.jwks.json")
    assert settle() == [*first, jwk["x"]]
    following.unlink()
    assert settle() == [*first, jwk["x"]]
    assert reloader.status()["registry"]["reason"] == "it cannot be read"
    written(following, a_jwks(jwk))
    assert settle() == [jwk["x"]]


def test_an_edit_reads_what_it_names(tmp_path):
    """Nothing invalid is written: a file that is not there is named, and nothing was changed."""
    path = written(tmp_path / "registry.json", a_table())
    written(tmp_path / "app.jwks.json", a_jwks())
    record = a_table()["clients"]["app"] | {"jwks_file": "second.json"}
    with pytest.raises(Unreadable, match=r"clients\.second\.jwks_file: second\.json"):
        edit.add(path, ("clients", "second"), record, offered=OFFERED)
    written(tmp_path / "second.json", a_jwks())
    edit.add(path, ("clients", "second"), record, offered=OFFERED)
    assert len(xs(read(path), "second")) == 1


def test_a_large_registry_reads_it_the_same_way(tmp_path):
    table = a_table()
    table["clients"] |= dict.fromkeys((f"c{n}" for n in range(3000)), table["clients"]["app"])
    path = written(tmp_path / "registry.json", table)
    written(tmp_path / "app.jwks.json", a_jwks())
    contents = files.read_registry(path)
    assert sum(map(len, contents.values())) > 2**18
    registry = parse_registry(contents)
    assert xs(registry, "c2999") == xs(registry)
    assert registry.client_keys(registry.clients["c7"]).find(KID, "ES256")


@pytest.mark.parametrize("before", [2**20 - 9, 2**20 - 5, 2**20 - 1, 2**20, 2**20 + 1])
def test_a_file_is_found_wherever_in_a_large_document_it_is_named(before):
    """Documents are looked through in pieces."""
    head, tail = '{"clients": {"a": {"', 'jwks_file": "a.jwks.json"}}}'
    document = (head.replace("{", "{" + " " * (before - len(head)), 1) + tail).encode()
    assert document.index(b"jwks_file") == before
    assert list(key_files.named({"registry.json": document})) == ["a.jwks.json"]
