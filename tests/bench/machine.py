"""What was measured on, and with what."""

import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from tests.bench import interpreter
from tests.bench.builds import Build

PACKAGES = ("falcon", "gunicorn", "uvicorn", "uvloop", "httptools", "cryptography", "PyJWT")


def facts(others: Iterable[Build] = ()) -> dict[str, str]:
    """What a reader must know to compare the figures with others."""
    asked = {build.python for build in others} - {sys.executable}
    return {
        "date": time.strftime("%Y-%m-%d"),
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "load before": f"{os.getloadavg()[0]:.2f} (more than 0.2: somebody else is measured too)",
        "Python": interpreter.ask(sys.executable).built,
        **{f"Python {python}": interpreter.ask(python).built for python in sorted(asked)},
        "packages": ", ".join(f"{name} {version(name)}" for name in PACKAGES),
        "wrk": _wrk(),
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _wrk() -> str:
    said = subprocess.run(["wrk", "-v"], check=False, capture_output=True, text=True).stdout
    return said.splitlines()[0].split()[1]
