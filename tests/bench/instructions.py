"""Instructions, as valgrind's callgrind counts them between two marks."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

WARM_UP, REQUESTS = 64, 256
MARK = "getppid"  # in the C library, found by its name, and called by nobody else here


def begin() -> None:
    """Nothing was counted until now: a process that is not counted starts ten times as fast."""
    subprocess.run(["callgrind_control", "-i", "on", str(os.getpid())], check=True)


def mark() -> None:
    """What was counted until now is written down, and counting begins anew."""
    os.getppid()


def counted(grant: str, stacks: Sequence[str]) -> dict[str, float]:
    """Thousands of instructions that one request by ``grant`` takes each of ``stacks``."""
    with tempfile.TemporaryDirectory(prefix="callgrind-") as folder:
        written = Path(folder) / "out"
        command = [
            "valgrind", "--tool=callgrind", f"--callgrind-out-file={written}",
            f"--dump-before={MARK}", "--instr-atstart=no",
            sys.executable, "-m", "tests.bench.anatomy", "--drive", grant,
        ]  # fmt: skip
        environment = os.environ | {"PYTHONHASHSEED": "0"}
        subprocess.run(command, check=True, capture_output=True, env=environment)
        # One file for each mark: of what was before the first, a stack, what was between, a stack…
        files = [written.with_suffix(f".{2 * number + 2}") for number in range(len(stacks))]
        totals = [total(file.read_text()) for file in files]
    return {name: counted / REQUESTS / 1000 for name, counted in zip(stacks, totals, strict=True)}


def total(written: str) -> int:
    """Of one file that callgrind wrote."""
    line = next(line for line in written.splitlines() if line.startswith("totals:"))
    return int(line.split()[1])
