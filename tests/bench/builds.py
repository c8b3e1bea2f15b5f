"""What answers as the issuer: an interpreter, and where it imports the issuer from."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.bench import interpreter
from tests.bench.compiled import compile_wheel, unpack
from tests.running import CHECKOUT

SERVER = "falcon, gunicorn, httptools, msgspec, uvicorn, uvicorn_worker, uvloop"


class Unusable(Exception):
    """It cannot be had here, and why."""


@dataclass(frozen=True, slots=True)
class Build:
    """One of them."""

    name: str
    python: str = sys.executable
    checkout: Path = CHECKOUT


PURE = Build("issuer")
"""The checkout, by the interpreter that measures."""
COMPILED = "issuer, compiled"


def compiled(folder: Path) -> Build:
    """The same sources, compiled in ``folder``, which takes a minute or two.

    Raises:
        Unusable: there is no compiler, or it failed.
    """
    folder.mkdir()
    try:
        made = compile_wheel(folder)
    except RuntimeError as failed:
        raise Unusable(str(failed).strip().splitlines()[-1]) from failed
    if made.wheel is None:
        raise Unusable(made.reason)
    return Build(COMPILED, checkout=unpack(made.wheel, folder / "packages"))


def under(python: Path) -> Build:
    """The checkout, by another interpreter.

    Raises:
        Unusable: it lacks a package, and what to type for it.
    """
    path = str(python.absolute())  # not resolved: a virtual environment's is a link
    if subprocess.run(
        [path, "-c", f"import {SERVER}"], check=False, capture_output=True
    ).returncode:
        raise Unusable(f"{path} needs: {path} -m pip install '.[server]'")
    return Build(f"issuer, {interpreter.ask(path).name}", python=path)
