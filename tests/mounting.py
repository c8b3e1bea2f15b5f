"""A mount that is read-only, as Kubernetes makes one for a secret."""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def read_only_mount(at: Path, files: Mapping[str, tuple[str, int]]) -> Iterator[None]:
    """While it holds, ``at`` is a read-only file system of these texts and modes."""
    if _mount("-t", "tmpfs", "tmpfs", str(at)):
        pytest.skip("mounting takes root, and a system that allows it")
    try:
        for name, (text, mode) in files.items():
            (at / name).write_text(text)
            (at / name).chmod(mode)
        if _mount("-o", "remount,ro", str(at)):
            pytest.skip("this system does not mount read-only")
        yield
    finally:
        subprocess.run(["umount", str(at)], check=True)


def _mount(*arguments: str) -> int:
    try:
        return subprocess.run(["mount", *arguments], capture_output=True, check=False).returncode
    except FileNotFoundError:
        return 1
