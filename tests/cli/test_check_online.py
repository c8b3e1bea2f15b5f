"""``issuer check --online``: it asks the store as a worker would."""

import json
import sys
from pathlib import Path

import pytest

from issuer.stores import file_system
from issuer.stores.redis_url import PASSWORD_VARIABLE
from tests.running import free_port
from tests.stores.asking import Backing


def written(registry: Path, replay_store: str) -> None:
    text = registry.read_text()
    registry.write_text(
        text.replace("[issuer]", f"[issuer]\nreplay_store = {json.dumps(replay_store)}")
    )


def warnings(result) -> list[str]:
    assert result.exit_code == 0, result.stderr
    below = result.stdout.partition("Good, with ")[2].partition("\n\n")[2]
    return [line.strip() for line in below.splitlines() if line]


def test_a_registry_without_a_store_has_nobody_to_ask(run, registry):
    assert run("check", "--online").stdout == run("check").stdout


def test_a_redis_that_remembers_is_good(run, registry, redis_server):
    redis_server.ask("CONFIG", "SET", "appendonly", "yes")
    written(registry, redis_server.url)
    assert warnings(run("check", "--online")) == []


def test_what_a_redis_may_forget_is_a_warning(run, registry, redis_server):
    """F15: an evicting policy, and nothing on disk."""
    written(registry, redis_server.url)
    redis_server.ask("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    assert warnings(run("check", "--online")) == [
        "issuer.replay_store (redis): has maxmemory-policy allkeys-lru, so it may evict what was "
        "spent, which then can be spent again, and what was revoked: set noeviction",
        "issuer.replay_store (redis): has appendonly no, so a restart forgets: whoever holds a "
        "refresh token that rotates has to log in again; set appendonly yes",
    ]
    assert warnings(run("check")) == []


def test_a_redis_that_does_not_say_how_it_is_set_up_is_a_warning(run, registry, redis_server):
    written(registry, redis_server.url)
    redis_server.ask("ACL", "SETUSER", "default", "-info")
    assert warnings(run("check", "--online")) == [
        "issuer.replay_store (redis): cannot be asked how it is set up: grant +info to see "
        "whether it may forget"
    ]


@pytest.mark.parametrize(("command", "why"), [
    (("REPLICAOF", "127.0.0.1", "1"), "READONLY"),
    (("CONFIG", "SET", "maxmemory", "1"), "OOM"),
    (("CONFIG", "SET", "requirepass", "x"), "AuthenticationError"),
])  # fmt: skip
def test_a_store_that_cannot_be_written_to_is_a_problem(
    run, registry, redis_server, command, why, monkeypatch
):
    monkeypatch.setenv(PASSWORD_VARIABLE, "hunter2")
    if why != "AuthenticationError":
        monkeypatch.delenv(PASSWORD_VARIABLE)
    written(registry, redis_server.url)
    redis_server.ask(*command)
    result = run("check", "--online")
    assert result.exit_code == 1
    said = "registry.toml: issuer.replay_store (redis): cannot be written to: "
    assert result.stderr == f"{said}{why}\n"
    assert run("check").exit_code == 0


def test_a_store_that_nobody_runs_is_a_problem(run, registry):
    written(registry, f"redis://127.0.0.1:{free_port()}")
    result = run("check", "--online")
    assert result.exit_code == 1
    assert "cannot be written to: ConnectionError" in result.stderr


def test_a_file_that_no_worker_made_yet_is_not_made(run, registry, tmp_path):
    written(registry, "sqlite:replay.db")
    result = run("check", "--online")
    assert result.exit_code == 1
    assert "no worker has started here" in result.stderr
    assert not (tmp_path / "replay.db").exists()


def test_a_file_on_a_disk_is_good(run, registry, tmp_path, monkeypatch):
    written(registry, "sqlite:replay.db")
    backing = Backing("sqlite", tmp_path, None)
    backing.open()
    backing.close()
    said = warnings(run("check", "--online"))
    kind = file_system.file_system(tmp_path)
    assert bool(said) == (kind in {"overlay", "tmpfs"})


@pytest.mark.parametrize(("path", "kind", "said"), [
    ("/srv/replay.db", "ext4", ""),
    ("/mnt/share/replay.db", "nfs4", "is on a network file system (nfs4)"),
    ("/mnt/share/with blank/x/replay.db", "fuse.sshfs", "is on a network file system (fuse.sshfs)"),
    ("/mnt/sharedisk/replay.db", "ext4", ""),
    ("/run/replay.db", "tmpfs", "is in memory (tmpfs)"),
    ("/over/replay.db", "overlay", "is in the file system of a container (overlay)"),
    ("/twice/replay.db", "cifs", "is on a network file system (cifs)"),
])  # fmt: skip
def test_where_a_file_lies_is_read_off_the_mounts(tmp_path, path, kind, said):
    """F12: one machine's disk; mountinfo as proc_pid_mountinfo(5) has it."""
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
        "30 22 0:40 / /mnt/share rw - nfs4 nas:/share rw,vers=4.2\n"
        "31 30 0:41 / /mnt/share/with\\040blank rw shared:2 master:1 - fuse.sshfs a:/ rw\n"
        "32 22 0:25 / /run rw - tmpfs tmpfs rw\n"
        "33 22 0:26 / /over rw - overlay overlay rw\n"
        "34 22 8:2 / /twice rw - ext4 /dev/sdb1 rw\n"
        "35 34 0:42 / /twice rw - cifs //nas/twice rw\n"
    )
    assert file_system.file_system(Path(path), mounts) == kind
    assert "; ".join(file_system.warnings(Path(path), mounts)).startswith(said)
    assert bool(list(file_system.warnings(Path(path), mounts))) == bool(said)


def test_a_system_that_does_not_tell_its_mounts_is_not_guessed_about(tmp_path):
    assert list(file_system.warnings(tmp_path, tmp_path / "none")) == []
    assert sys.platform != "linux" or file_system.file_system(tmp_path)
