"""How an interpreter was built: it decides what the interpreter's own share of a token costs.

As a script, under the interpreter that is asked about, it prints what that one says of itself.
"""

import json
import platform
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

FLAGS = ("PY_CFLAGS", "PY_CFLAGS_NODIST", "PY_CORE_CFLAGS", "CFLAGS_NODIST", "PY_LDFLAGS_NODIST")
"""Where the flags stand with which the interpreter itself was compiled and linked."""
ARGUMENTS = "CONFIG_ARGS"
KEPT_FOR_LATER = "PGO_PROF_USE_FLAG"
"""What configure writes down in any case, for ``make profile-opt``. Debian empties it, with every
other trace of its profile, so that extensions are not built with it."""
TOLD = (*FLAGS, ARGUMENTS, KEPT_FOR_LATER, "Py_GIL_DISABLED")


class Profile(StrEnum):
    """Whether an interpreter was built with profile-guided optimization, and what that means."""

    GUIDED = (
        "with profile-guided optimization, as distributions' and the official images' are:"
        " the interpreter's own share of a token is as cheap as it gets"
    )
    UNGUIDED = (
        "without profile-guided optimization, as `configure && make` and pyenv build it:"
        " what is not compiled, which bare signing and the peer hardly have, costs a tenth to a"
        " sixth more than with it, and their ratios are lower by as much"
    )
    HIDDEN = (
        "by a distribution that took what its profile left out of `sysconfig`, as Debian does,"
        " which builds with profile-guided optimization: the interpreter's own share of a token is"
        " as cheap as it gets"
    )


@dataclass(frozen=True, slots=True)
class Interpreter:
    """What one says of itself."""

    version: str
    compiler: str
    config: Mapping[str, object]
    """Of ``sysconfig``, what ``TOLD`` names."""
    jit: bool | None
    """Whether it compiles while it runs; None where it cannot."""

    @property
    def name(self) -> str:
        """As short as a row of a table needs it."""
        threads = ", free-threaded" if self.config.get("Py_GIL_DISABLED") else ""
        profile = " without PGO" if self.profile is Profile.UNGUIDED else ""
        return f"CPython {self.version}{profile}{threads}{', JIT' if self.jit else ''}"

    @property
    def profile(self) -> Profile:
        """Whether it was built with a profile of itself at work."""
        flags = " ".join(str(self.config.get(name, "")) for name in FLAGS)
        asked = "--enable-optimizations" in str(self.config.get(ARGUMENTS, ""))
        if asked or "-fprofile-use" in flags or "-fprofile-instr-use" in flags:
            return Profile.GUIDED
        return Profile.HIDDEN if self.config.get(KEPT_FOR_LATER) == "" else Profile.UNGUIDED

    @property
    def is_linked_as_one(self) -> bool:
        """Whether its linker optimized the whole of it (LTO), as far as it tells."""
        told = " ".join(str(self.config.get(name, "")) for name in (*FLAGS, ARGUMENTS))
        return "-flto" in told or "--with-lto" in told

    @property
    def built(self) -> str:
        """One sentence of it."""
        linked = "with link-time optimization" if self.is_linked_as_one else "no LTO told of"
        return f"{self.name} ({self.compiler}, {linked}), built {self.profile}"


def ask(python: str) -> Interpreter:
    """What ``python`` says of itself."""
    said = subprocess.run(
        [python, "-P", str(Path(__file__))], check=True, capture_output=True, text=True
    ).stdout
    return Interpreter(**json.loads(said))


def _says() -> dict[str, object]:
    jit = getattr(sys, "_jit", None)
    config = sysconfig.get_config_vars()
    return {
        "version": platform.python_version(),
        "compiler": platform.python_compiler(),
        "config": {name: config[name] for name in TOLD if name in config},
        "jit": jit.is_enabled() if jit is not None and jit.is_available() else None,
    }


if __name__ == "__main__":
    print(json.dumps(_says()))
