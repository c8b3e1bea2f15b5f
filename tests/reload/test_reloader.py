"""What lies on disk against what is in force, look by look (F23, F24)."""

import json
import logging
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from issuer.registry.files import read_registry
from issuer.reload import Reloader
from keys.ring import KeyRing, write
from keys.sealing import SealingKey
from keys.signing import SigningKey
from tests.builders import PASSWORD_HASH, SECRET
from tests.running import RunningIssuer

Spoil = Callable[[Path], None]


class Files:
    """The two files of an issuer that does not run, and the cell that watches them."""

    def __init__(self, issuer: RunningIssuer) -> None:
        self.issuer = issuer
        self.registry, self.keyring = issuer.registry, issuer.keyring
        self.ring = KeyRing.parse(self.keyring.read_bytes())
        self.now = int(time.time())
        self.reloader = Reloader(self.registry, self.keyring, clock=lambda: self.now)

    @property
    def clients(self) -> set[str]:
        """Whom the registry in force knows."""
        return set(self.reloader.server.registry.clients)

    @property
    def refused(self) -> tuple[bool, bool]:
        """Whether something of the registry and of the ring on disk is not in force."""
        status: dict[str, Any] = self.reloader.status()
        return status["registry"]["refused"] is not None, status["keyring"]["refused"] is not None

    @property
    def reasons(self) -> tuple[str | None, str | None]:
        """What ``/readyz`` says of why that is so."""
        status: dict[str, Any] = self.reloader.status()
        return status["registry"]["reason"], status["keyring"]["reason"]

    def settle(self) -> None:
        """As many looks as a change takes that has come to rest, and some more."""
        for _ in range(5):
            self.reloader.look()

    def write(self, **clients: dict[str, Any]) -> None:
        """A good registry with these clients in it as well."""
        table = self.issuer.read_registry()
        table["clients"] |= clients
        self.issuer.write_registry(table)


@pytest.fixture
def files(an_issuer: Callable[..., RunningIssuer]) -> Files:
    return Files(an_issuer())


def a_record(**fields: Any) -> dict[str, Any]:
    given = {"token_endpoint_auth_method": "none", "redirect_uris": ["https://x.example/"]}
    return given | {"resources": ["https://api.example"]} | fields


def refusals(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The lines that say why something was refused, as the log shows them."""
    return [
        json.dumps(record.fields["problems"])
        for record in caplog.records
        if record.name == "issuer.reload" and record.levelno == logging.ERROR
    ]


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What is warned of, in the order of the log."""
    records = [each for each in caplog.records if each.levelno == logging.WARNING]
    return [line.partition(":")[0] for each in records for line in each.fields["warnings"]]


def edited(edit: Callable[[dict[str, Any]], object]) -> Spoil:
    """A registry that was good before ``edit``."""

    def spoil(path: Path) -> None:
        table = json.loads(path.read_text())
        edit(table)
        path.write_text(json.dumps(table))

    return spoil


def written(content: bytes) -> Spoil:
    return lambda path: path.write_bytes(content) and None


def half(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def cut_to_nothing(path: Path) -> None:
    os.truncate(path, 0)


def huge(path: Path) -> None:
    os.truncate(path, 100 * 2**20)


def a_link_to_zeros(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def a_dangling_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


def a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def an_empty_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def client(**fields: Any) -> Spoil:
    return edited(lambda table: table["clients"]["web"].update(fields))


def said_twice(path: Path) -> None:
    path.write_text(path.read_text().replace('"billing"', '"web"'))


SPOILT_ANYHOW = [half, cut_to_nothing, huge, a_link_to_zeros, a_dangling_link, a_pipe, Path.unlink]
SPOILT_TEXT = [
    pytest.param(written(b"{"), id="invalid JSON"),
    pytest.param(written(b"[]"), id="no object"),
    pytest.param(written(b'{"issuer": {"url": "\xff"}}'), id="invalid UTF-8"),
    pytest.param(written(b"[" * 200_000), id="nested too deeply"),
    pytest.param(written(b'{"a":' * 50_000), id="nested too deeply in objects"),
    pytest.param(written(b'{"issuer": ' + b"9" * 10_000 + b"}"), id="a number of 10 000 digits"),
    pytest.param(written(b'{"issuer": {"access_token_lifetime": 1e999}}'), id="infinity"),
]
SPOILT_REGISTRIES = [
    pytest.param(said_twice, id="a client twice"),
    pytest.param(an_empty_directory, id="an empty directory"),
    pytest.param(client(redirect_uris=["https://*.example/"]), id="a wildcard redirect"),
    pytest.param(client(redirect_uris=["http://app.example/"]), id="an http redirect"),
    pytest.param(client(grant_types=["implicit"]), id="an unknown grant"),
    pytest.param(client(client_secrets=[{"hash": SECRET}]), id="a plaintext secret"),
    pytest.param(client(client_secrets=[]), id="no secret"),
    pytest.param(client(skope="read"), id="a misspelt key"),
    pytest.param(client(scope="read admin"), id="a scope of no resource"),
    pytest.param(client(resources=["https://gone.example"]), id="a dangling resource"),
    pytest.param(edited(lambda table: table.pop("issuer")), id="no issuer"),
    pytest.param(
        edited(lambda table: table["issuer"].update(url="https://new.example")), id="another url"
    ),
    pytest.param(
        edited(lambda table: table["issuer"].update(replay_store="sqlite:x")), id="another store"
    ),
]


def key(member: str, **fields: Any) -> Spoil:
    return edited(lambda ring: ring[member][0].update(fields))


def open_to(mode: int) -> Spoil:
    return lambda path: path.chmod(mode)


SPOILT_RINGS = [
    pytest.param(open_to(0o644), id="readable by all"),
    pytest.param(open_to(0o640), id="readable by the group"),
    pytest.param(open_to(0o602), id="writable by others"),
    pytest.param(key("signing_keys", kid="x"), id="a kid that is not the thumbprint"),
    pytest.param(key("signing_keys", alg="none"), id="alg none"),
    pytest.param(key("signing_keys", d="AAAA"), id="a private number of another key"),
    pytest.param(key("sealing_keys", k="AAAA"), id="a short sealing key"),
    pytest.param(key("signing_keys", retires_at="2020-01-01T00:00:00Z"), id="a key back in time"),
    pytest.param(edited(lambda ring: ring["signing_keys"].clear()), id="no key to sign with"),
    pytest.param(edited(lambda ring: ring.pop("sealing_keys")), id="no sealing keys"),
    pytest.param(
        edited(lambda ring: ring["signing_keys"].append(ring["signing_keys"][0])), id="a key twice"
    ),
]


@pytest.mark.parametrize("spoil", [*SPOILT_ANYHOW, *SPOILT_TEXT, *SPOILT_REGISTRIES])
def test_a_registry_that_is_not_good_leaves_the_last_good_one_whole(files, caplog, spoil: Spoil):
    """F23."""
    before, content = files.reloader.server, files.registry.read_text()
    digest = before.registry.digest
    spoil(files.registry)
    files.settle()
    assert files.reloader.server is before
    assert files.reloader.status()["registry"]["digest"] == digest
    assert files.refused == (True, False)
    assert files.reloader.refusals == 1
    (line,) = refusals(caplog)
    assert SECRET not in line
    assert PASSWORD_HASH not in line
    restore(files.registry, content)
    files.write(newcomer=a_record())
    files.settle()
    assert files.refused == (False, False)
    assert "newcomer" in files.clients


@pytest.mark.parametrize("spoil", [*SPOILT_ANYHOW, *SPOILT_TEXT, *SPOILT_RINGS])
def test_a_ring_that_is_not_good_leaves_the_last_good_one_whole(files, caplog, spoil: Spoil):
    """F24."""
    before, content = files.reloader.server, files.keyring.read_text()
    spoil(files.keyring)
    files.settle()
    assert files.reloader.server is before
    assert files.reloader.status()["keyring"]["digest"] == before.ring.digest
    assert files.refused == (False, True)
    assert files.reloader.refusals == 1
    (line,) = refusals(caplog)
    assert not any(secret in line for secret in secrets_of(content))
    restore(files.keyring, content)
    files.settle()
    assert files.refused == (False, False)
    assert files.reloader.server.ring.digest == before.ring.digest
    assert files.reloader.refusals == 1


def secrets_of(ring: str) -> list[str]:
    table = json.loads(ring)
    return [table["signing_keys"][0]["d"], table["sealing_keys"][0]["k"]]


def restore(path: Path, content: str) -> None:
    if path.is_dir():
        path.rmdir()
    path.unlink(missing_ok=True)
    path.write_text(content)
    path.chmod(0o600)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_files_behind_a_closed_door_are_refused(files):
    """F23: no search permission on the directory, when asking what the registry is."""
    files.registry.parent.chmod(0o700)
    os.seteuid(65534)
    try:
        files.settle()
    finally:
        os.seteuid(0)
    assert files.refused == (True, True)
    files.settle()
    assert files.refused == (False, False)


def test_a_change_counts_once_it_holds_still(files):
    """F23: a writer that is not finished is not read for a finished one."""
    files.write(one=a_record())
    files.reloader.look()
    assert "one" not in files.clients
    files.write(two=a_record())
    files.reloader.look()
    assert "two" not in files.clients
    files.reloader.look()
    assert {"one", "two"} <= files.clients
    assert files.reloader.reloads == 1


def test_two_writes_of_one_size_in_one_second_are_two_changes(files):
    """F23: what decides is content."""
    for name in ("name-a", "name-b", "name-c"):
        content = files.registry.read_text()
        os.utime(files.registry, ns=(10**18, 10**18))
        files.settle()
        was = json.loads(content)["clients"]["web"].get("client_name", "name-0")
        table = json.loads(content)
        table["clients"]["web"]["client_name"] = name
        assert len(was) == len(name)
        files.registry.write_text(json.dumps(table, indent=1))
        os.utime(files.registry, ns=(10**18, 10**18))
        files.settle()
        assert files.reloader.server.registry.clients["web"].client_name == name


def test_touching_a_file_is_no_change(files):
    """F23: its neighbour, the same content with other times."""
    files.registry.touch()
    files.keyring.touch()
    files.settle()
    assert (files.reloader.reloads, files.reloader.refusals) == (0, 0)


def test_a_directory_with_a_client_twice_names_both_files(an_issuer, caplog):
    """F23: one file per team, and two teams that disagree."""
    issuer = an_issuer()
    directory = issuer.directory / "registry"
    directory.mkdir()
    issuer.registry.rename(directory / "one.json")
    issuer.registry = directory
    files = Files(issuer)
    (directory / "two.json").write_text(json.dumps({"clients": {"newcomer": a_record()}}))
    files.settle()
    assert "newcomer" in files.clients
    (directory / "three.json").write_text(json.dumps({"clients": {"newcomer": a_record()}}))
    files.settle()
    assert files.refused == (True, False)
    (line,) = refusals(caplog)
    assert "two.json" in line
    assert "three.json" in line
    (directory / "two.json").unlink()
    files.settle()
    assert files.refused == (False, False)
    assert "newcomer" in files.clients
    assert set(read_registry(directory)) == {"one.json", "three.json"}


def test_a_good_registry_beside_a_bad_ring_is_put_in_force(files):
    """F23, F24: and the ring is still said to be refused."""
    files.write(newcomer=a_record())
    files.keyring.write_text("{")
    files.settle()
    assert "newcomer" in files.clients
    assert files.refused == (False, True)


def test_a_good_ring_beside_a_bad_registry_is_put_in_force(files):
    """F23, F24: a key can be replaced whatever somebody did to the registry."""
    files.registry.write_text("{")
    files.settle()
    ring = KeyRing.new("ES256", files.now - 5)
    write(files.keyring, ring)
    files.settle()
    assert files.reloader.server.ring.digest == ring.digest
    assert files.refused == (True, False)


def test_a_good_ring_is_put_in_force_beside_a_registry_that_takes_a_restart(files):
    """F24: the registry is valid, but not here and now."""
    table = files.issuer.read_registry()
    table["issuer"]["url"] = "https://new.example"
    files.issuer.write_registry(table)
    files.settle()
    ring = KeyRing.new("ES256", files.now - 5)
    write(files.keyring, ring)
    files.settle()
    assert files.reloader.server.ring.digest == ring.digest
    assert files.refused == (True, False)


def a_ring_whose_keys_last(files: Files, seconds: int) -> KeyRing:
    """The ring with a successor, and with an old key that honours tokens for ``seconds``."""
    (old,), (sealing,) = files.ring.signing_keys, files.ring.sealing_keys
    retires_at = files.now - 5
    retired = replace(old, activates_at=files.now - 1000, published_at=None, retires_at=retires_at)
    retired = replace(retired, expires_at=retires_at + seconds)
    successor = SigningKey.generate(activates_at=files.now - 5)
    return KeyRing((successor, retired), (sealing,))


def test_a_registry_waits_for_the_ring_that_fits_it(files, caplog):
    """F22, F24: two files are never written in one moment; the second completes the first."""
    write(files.keyring, a_ring_whose_keys_last(files, 700))
    files.settle()
    assert files.refused == (False, False)
    table = files.issuer.read_registry()
    table["issuer"]["access_token_lifetime"] = 3600
    files.issuer.write_registry(table)
    files.settle()
    assert files.refused == (True, False)
    assert len(refusals(caplog)) == 1
    assert files.reloader.server.registry.issuer.access_token_lifetime == 600
    write(files.keyring, a_ring_whose_keys_last(files, 4000))
    files.settle()
    assert files.refused == (False, False)
    assert files.reloader.server.registry.issuer.access_token_lifetime == 3600


def test_a_ring_that_comes_too_early_is_taken_when_its_time_has_come(files):
    """F19: a key that verifiers cannot know yet is not used; the file need not be touched again."""
    early = SigningKey.generate(activates_at=files.now + 60, published_at=files.now)
    ring = KeyRing((*files.ring.signing_keys, early), files.ring.sealing_keys)
    write(files.keyring, ring)
    files.settle()
    assert files.refused == (False, True)
    files.now += 360
    files.settle()
    assert files.refused == (False, False)
    assert files.reloader.server.ring.digest == ring.digest


def test_a_sealing_key_that_was_taken_away_takes_its_values_along(files):
    """F20, for what is sealed: refused at once, and what the new key seals is good."""
    new = SealingKey.generate(activates_at=files.now - 5)
    write(files.keyring, KeyRing(files.ring.signing_keys, (new,)))
    files.settle()
    kids = [each.kid for each in files.reloader.server.ring.sealing_keys]
    assert kids == [new.kid]


def test_what_could_be_safer_is_logged_once_and_is_in_force(files, caplog):
    files.reloader.warn()
    assert warnings(caplog) == []
    careless = a_record(redirect_uris=["com.example.app:/cb"], skip_consent=True)
    files.write(app=careless)
    files.settle()
    assert "app" in files.clients
    files.write(other=careless)
    files.settle()
    files.reloader.warn()
    assert warnings(caplog) == ["clients.app.skip_consent", "clients.other.skip_consent"]
    files.write(app=careless | {"skip_consent": False})
    files.settle()
    files.write(app=careless)
    files.settle()
    assert warnings(caplog)[2:] == ["clients.app.skip_consent"], "it was mended, and is back"


NAMED = "which the log and `issuer check` name"


def test_readyz_says_why_what_lies_on_disk_is_not_in_force(files):
    """The reason, and never who or what: anybody may be able to ask."""
    good = files.issuer.read_registry()
    assert files.reasons == (None, None)

    moved = {**good["issuer"], "replay_store": "sqlite:other.db"}
    files.issuer.write_registry({**good, "issuer": moved})
    files.settle()
    assert files.reasons == ("issuer: a new url or replay_store takes a restart", None)

    files.registry.write_text("{")
    files.settle()
    assert files.reasons == (f"it has 1 problem, {NAMED}", None)

    bad = a_record(redirect_uris=["http://a"], scope="a  b")
    files.issuer.write_registry({**good, "clients": {**good["clients"], "new": bad}})
    files.settle()
    assert files.reasons == (f"it has 2 problems, {NAMED}", None)

    files.registry.unlink()
    files.settle()
    assert files.reasons == ("it cannot be read", None)

    files.issuer.write_registry(good)
    files.settle()
    assert (files.reasons, files.refused) == ((None, None), (False, False))

    write(files.keyring, replace(files.ring, sealing_keys=()))
    files.settle()
    assert files.reasons == (None, f"it does not fit the other file: 1 problem, {NAMED}")

    write(files.keyring, files.ring)
    files.settle()
    assert files.reasons == (None, None)
