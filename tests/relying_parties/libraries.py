"""Libraries for relying parties, each in a program of its own that plays one.

A program is given its client as JSON, as the registry has it. It prints the URL to send the browser
to, reads the one at which that came back, and prints what it learnt, or its error.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from tests.relying_parties.builders import HERE


@dataclass
class Program:
    """A relying party that runs: each line is JSON, or a URL."""

    process: subprocess.Popen[str]

    def hear(self) -> Any:
        """What it prints next."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "it ended early"
        return json.loads(line)

    def say(self, url: str) -> Any:
        """Tells it where the browser came back; what it makes of that."""
        assert self.process.stdin is not None
        self.process.stdin.write(url + "\n")
        self.process.stdin.flush()
        return self.hear()


@dataclass(frozen=True)
class Library:
    """A library, ready to play a relying party."""

    name: str
    command: tuple[str, ...]
    folder: Path

    @contextmanager
    def started(self, registered: Mapping[str, Any]) -> Iterator[Program]:
        """The program as the client that ``registered`` describes."""
        with subprocess.Popen(
            [*self.command, json.dumps(dict(registered))],
            cwd=self.folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        ) as process:  # fmt: skip
            try:
                yield Program(process)
            finally:
                process.kill()


def need(*programs: str) -> None:
    """Skips the test where one of these is not installed."""
    missing = [each for each in programs if not shutil.which(each)]
    if missing:
        pytest.skip(f"needs {' and '.join(missing)}")


def fetch(what: str, *command: str | Path, patience: int = 180, **options: Any) -> None:
    """Runs what brings packages; skips the test where they do not come within ``patience`` s."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=patience, **options
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"needs {what}, which did not come in {patience} s")
    if done.returncode:
        said = (done.stderr + done.stdout).strip().splitlines() or [""]
        pytest.skip(f"needs {what}: {said[-1]}")


def node(folder: Path) -> Path:
    """Both packages of npm and both programs, in ``folder``."""
    need("node", "npm")
    for each in (*HERE.glob("package*.json"), *HERE.glob("*.mjs")):
        shutil.copy(each, folder)
    quiet = ("--no-audit", "--no-fund", "--loglevel=error", "--prefer-offline")
    fetch("oauth4webapi and openid-client from npm", "npm", "ci", *quiet, cwd=folder)
    return folder


def go(folder: Path) -> Path:
    """The program on go-oidc, in ``folder``."""
    need("go")
    source = HERE / "go"
    fetch("the Go modules go-oidc and oauth2", "go", "mod", "download", cwd=source)
    build = ["go", "build", "-mod=readonly", "-o", folder / "party", "."]
    subprocess.run(build, cwd=source, check=True)
    return folder


def java(folder: Path) -> Path:
    """The program on Nimbus' SDK and what it needs, in ``folder``."""
    need("java", "javac", "mvn")
    source = HERE / "java"
    fetch(
        "Nimbus' oauth2-oidc-sdk",
        "mvn", "-q", "-B", "-f", source / "pom.xml", "dependency:copy-dependencies",
        f"-DoutputDirectory={folder}", "-DincludeScope=runtime",
    )  # fmt: skip
    compile_ = ["javac", "-Werror", "-Xlint:all", "-cp", f"{folder}/*", "-d", folder]
    subprocess.run([*compile_, source / "RelyingParty.java"], check=True)
    return folder


def python(folder: Path) -> Path:
    """idpyoidc comes with the tests."""
    return folder


LIBRARIES: Mapping[str, tuple[Callable[[Path], Path], tuple[str, ...]]] = MappingProxyType(
    {
        "oauth4webapi": (node, ("node", "oauth4webapi.mjs")),
        "openid-client": (node, ("node", "openid_client.mjs")),
        "idpyoidc": (python, (sys.executable, str(HERE / "idpyoidc_party.py"))),
        "go-oidc": (go, ("./party",)),
        "Nimbus": (java, ("java", "-XX:TieredStopAtLevel=1", "-cp", ".:*", "RelyingParty")),
    }
)
"""How each is made ready, and how its program is started there."""

CANNOT_BE_PUBLIC = frozenset({"idpyoidc"})
"""Who knows no ``none``: where there is no secret, idpyoidc sends the word None."""
