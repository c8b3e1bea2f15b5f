"""The README's quick start as a newcomer does it: one command, then what it prints, pasted.

    quick_start.py CHECKOUT FOLDER

copies the checkout to a fresh folder, so that the virtual environment and the two files are new.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

LIMIT = 300
"""Seconds for installing and starting."""


def main(checkout: Path, folder: Path) -> None:
    """Starts the issuer by the README, gets a token, and verifies it."""
    shutil.copytree(checkout, folder, ignore=shutil.ignore_patterns(".venv", "*.egg-info"))
    command = subprocess.run(
        [sys.executable, ".ci/readme_command.py", "start"],
        cwd=folder, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    log = folder.parent / "quick_start.log"
    with log.open("wb") as output:
        running = subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=folder, stdout=output, stderr=output, start_new_session=True,
            env=environment(),
        )  # fmt: skip
    try:
        lines = wait_for_lines(running, log)
        print("\n".join(lines))
        script = "\n".join(lines)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=folder, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        print(done.stdout, done.stderr)
        assert done.returncode == 0, "the pasted lines failed"
        assert "demo" in done.stdout, "the verified token does not name the client"
        print("quick start: a token over HTTP, verified with the published key")
    finally:
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGTERM)
            running.wait(30)


def environment() -> dict[str, str]:
    """A newcomer's: no virtual environment, and another port only where 8000 is taken."""
    names = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", 8000)) == 0:
            names["PORT"] = "8765"
    return names


def wait_for_lines(running: subprocess.Popen[bytes], log: Path) -> list[str]:
    """The lines to paste, once the issuer listens."""
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        text = log.read_text()
        pasted = [
            line.strip() for line in text.splitlines() if re.match(r"\s*(TOKEN=|.*-m keys )", line)
        ]
        if len(pasted) == 2 and "startup complete" in text:  # noqa: PLR2004
            return pasted
        if running.poll() is not None:
            break
        time.sleep(0.2)
    raise SystemExit(f"the quick start did not start:\n{log.read_text()}")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
