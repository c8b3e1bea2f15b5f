"""What must be installed: the load generator, and what the peer runs on."""

import os
import shutil
import subprocess

PACKAGES = {
    "wrk": "wrk", "taskset": "util-linux", "node": "nodejs", "npm": "npm", "valgrind": "valgrind"
}  # fmt: skip


class Missing(Exception):
    """A program is not there and could not be installed."""


def need(*programs: str) -> None:
    """Installs those of ``programs`` that are missing, where that is possible.

    Raises:
        Missing: it is not, and what to type instead.
    """
    packages = [PACKAGES[program] for program in programs if shutil.which(program) is None]
    if not packages:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise Missing(f"This needs: apt-get install {' '.join(packages)}")
    subprocess.run(["apt-get", "update", "-qq"], check=True)
    subprocess.run(["apt-get", "install", "-y", "-qq", *packages], check=True)
