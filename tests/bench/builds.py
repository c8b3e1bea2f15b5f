"""What answers as the issuer: an interpreter, and where it imports the issuer from."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.bench import interpreter
from tests.running import CHECKOUT

SERVER = "falcon, gunicorn, httptools, msgspec, uvicorn, uvicorn_worker, uvloop"


class Unusable(Exception):
    """An interpreter lacks what the issuer needs."""


@dataclass(frozen=True, slots=True)
class Build:
    """One of them."""

    name: str
    python: str = sys.executable
    code: Path = CHECKOUT


PURE = Build("issuer")
"""The checkout, by the interpreter that measures."""
COMPILED = "issuer, compiled"


def compiled(code: Path) -> Build:
    """The same sources, compiled into ``code``."""
    return Build(COMPILED, code=code)


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
