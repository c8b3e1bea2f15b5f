"""The key ring file: F24 and its neighbours."""

import os

import pytest

from keys import private_file
from keys.ring import InvalidKeyRing, KeyRing, read, write
from keys.ring_file import MAX_BYTES
from tests.mounting import read_only_mount

RING = KeyRing.new("ES256", 1_800_000_000)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "keyring.json"
    write(path, RING)
    return path


def refusal(path) -> str:
    with pytest.raises(InvalidKeyRing) as refused:
        read(path)
    (problem,) = refused.value.problems
    return problem


def test_a_written_file_belongs_to_its_owner_alone(path):
    assert path.stat().st_mode & 0o777 == 0o600
    assert KeyRing.parse(read(path)) == RING


def test_writing_leaves_nothing_else_behind(path):
    write(path, KeyRing.new("ES256", 0))
    assert [each.name for each in path.parent.iterdir()] == ["keyring.json"]
    assert KeyRing.parse(read(path)) != RING


def test_a_failed_write_keeps_the_old_file(path, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write(path, KeyRing.new("ES256", 0))
    assert KeyRing.parse(read(path)) == RING
    assert [each.name for each in path.parent.iterdir()] == ["keyring.json"]


def test_writing_through_a_symbolic_link_keeps_the_link(path):
    link = path.with_name("link.json")
    link.symlink_to(path)
    write(link, KeyRing.new("ES256", 0))
    assert link.is_symlink()
    assert read(link) == read(path)


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o440 | 0o004, 0o660, 0o620, 0o602, 0o666])
def test_a_file_of_ours_that_others_can_touch_is_refused(path, mode):
    path.chmod(mode)
    assert refusal(path) == "keyring.json: others than its owner can read or change it; chmod 600"
    path.chmod(0o600)
    read(path)


@pytest.mark.parametrize("mode", [0o440, 0o640])
def test_a_file_of_ours_that_its_group_can_read_takes_a_word(path, mode):
    path.chmod(mode)
    assert refusal(path) == "keyring.json: its group can read it; chmod 600, or mount it read-only"
    assert KeyRing.parse(private_file.read(path, group_readable=True)) == RING
    assert private_file.group_can_read(path)


@pytest.mark.parametrize("mode", [0o444, 0o460, 0o660, 0o441, 0o442, 0o450])
def test_nobody_beyond_the_group_may_read_it_whatever_was_said(path, mode):
    path.chmod(mode)
    with pytest.raises(private_file.UnfitFile, match="others than its owner can read or change"):
        private_file.read(path, group_readable=True)


def test_the_group_may_read_a_file_on_a_read_only_mount(tmp_path):
    """This is how Kubernetes mounts a secret for a process that is root: nobody can chmod it."""
    path = tmp_path / "keyring.json"
    for mode, accepted in [(0o440, True), (0o640, True), (0o444, False), (0o460, False)]:
        with read_only_mount(tmp_path, {"keyring.json": (RING.format(), mode)}):
            if accepted:
                assert KeyRing.parse(read(path)) == RING
            else:
                assert "others than its owner can" in refusal(path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
@pytest.mark.parametrize(
    ("mode", "accepted"), [(0o440, True), (0o640, True), (0o460, False), (0o444, False)]
)
def test_the_group_may_read_the_file_of_another_user(path, mode, accepted):
    """This is how Kubernetes mounts a secret for a process that is not root."""
    os.chown(path, 65534, -1)
    path.chmod(mode)
    if accepted:
        assert KeyRing.parse(read(path)) == RING
    else:
        assert "chmod 600" in refusal(path)


def test_a_missing_file_is_named(tmp_path):
    assert refusal(tmp_path / "keyring.json") == "keyring.json: No such file or directory"


def test_a_directory_is_refused(tmp_path):
    assert refusal(tmp_path).endswith(": not a regular file")


def test_a_pipe_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "keyring.json", 0o600)
    assert refusal(tmp_path / "keyring.json") == "keyring.json: not a regular file"


def test_a_device_is_refused(tmp_path):
    (tmp_path / "keyring.json").symlink_to("/dev/zero")
    assert refusal(tmp_path / "keyring.json") == "keyring.json: not a regular file"


def test_a_file_beyond_the_cap_is_refused(path):
    path.write_bytes(b" " * (MAX_BYTES + 1))
    assert refusal(path) == f"keyring.json: larger than {MAX_BYTES} bytes"
    path.write_bytes(b" " * MAX_BYTES)
    assert len(read(path)) == MAX_BYTES


def test_a_created_file_belongs_to_its_owner_alone_and_replaces_nothing(tmp_path):
    path = tmp_path / "new.json"
    private_file.create(path, "{}")
    assert path.stat().st_mode & 0o777 == 0o600
    assert private_file.read(path) == b"{}"
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    for taken in (path, tmp_path, tmp_path / "dangling"):
        with pytest.raises(FileExistsError):
            private_file.create(taken, "other")
    assert private_file.read(path) == b"{}"
    assert not (tmp_path / "nowhere").exists()


def test_a_file_that_cannot_be_filled_is_not_created(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        private_file.create(tmp_path / "new.json", "{}")
    assert list(tmp_path.iterdir()) == []
