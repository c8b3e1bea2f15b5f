"""The issuer with a compiled core, to be measured beside the one in pure Python."""

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple
from zipfile import ZipFile

CHECKOUT = Path(__file__).parents[2]

NOT_COMPILED = "Not compiled: "
"""What the build says where there is no compiler."""


class Compiled(NamedTuple):
    """The wheel, or None and why there is none."""

    wheel: Path | None
    reason: str = ""


def compile_wheel(folder: Path) -> Compiled:
    """The compiled wheel of this checkout, built into ``folder``. It takes a minute or two.

    Raises:
        RuntimeError: there is a compiler, and it failed.
    """
    pip = (sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", folder, CHECKOUT)
    environment = {**os.environ, "HATCH_BUILD_HOOKS_ENABLE": "1"}
    done = subprocess.run(pip, env=environment, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    if done.returncode == 0:
        return Compiled(next(folder.glob("issuer-*.whl")))
    for line in said.splitlines():
        if NOT_COMPILED in line:
            return Compiled(None, line.partition(NOT_COMPILED)[2])
    raise RuntimeError(said)


def unpack(wheel: Path, folder: Path) -> Path:
    """``folder`` with the packages of ``wheel``: first in ``PYTHONPATH``, they are what is run."""
    with ZipFile(wheel) as packages:
        packages.extractall(folder)
    return folder
