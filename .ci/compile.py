"""Compiles the issuer's core into a wheel, from the same sources, where that is asked for.

A build hook of hatchling, off unless ``HATCH_BUILD_HOOKS_ENABLE=1`` is set: what a command installs
must not hang on which programs happen to be there. ``pyproject.toml`` lists the modules. The wheel
holds their sources as well, and Python prefers what is compiled.

Nothing is ever written beside the sources, and an editable install stays pure Python: an edited
module never has an older, compiled one in front of it.
"""

import shlex
import shutil
import sys
import sysconfig
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

GROUP = "issuer"
"""``issuer__mypyc``, the one library that all of them are in: so they call each other directly."""

MYPY_OPTIONS = (
    "--config-file=",  # `mypy --strict` of the whole is the gate's; here it takes types as given,
    "--follow-imports=silent",
    "--ignore-missing-imports",
    "--disallow-subclassing-any",  # but never compiles a class whose base it cannot see
)


class CompiledCore(BuildHookInterface[Any]):
    """Adds what mypyc makes of ``modules`` to a wheel that is installed, and to no other."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compiles, in a folder of its own.

        Raises:
            SystemExit: there is no C compiler, or there are no headers of Python.
        """
        if self.target_name != "wheel" or version == "editable":
            return
        if missing := _missing():
            sys.exit(
                f"Not compiled: there is no {missing}. Install one (Debian: apt install gcc"
                " python3-dev), or leave out HATCH_BUILD_HOOKS_ENABLE for the same in pure Python."
            )
        self._folder = TemporaryDirectory()
        made = _compile(self.config["modules"], Path(self._folder.name))
        build_data["force_include"] |= {str(path): name for name, path in made.items()}
        build_data["pure_python"] = False
        build_data["infer_tag"] = True

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Leaves nothing behind."""
        if build_data["infer_tag"]:
            self._folder.cleanup()


def _missing() -> str:
    """What compiling needs and is not here; empty where it is all here."""
    compiler = shlex.split(sysconfig.get_config_var("CC") or "cc")[0]
    if shutil.which(compiler) is None:
        return f"C compiler ({compiler})"
    if not Path(sysconfig.get_path("include"), "Python.h").is_file():
        return "header of Python (Python.h)"
    return ""


def _compile(modules: list[str], folder: Path) -> dict[str, Path]:
    """The libraries made of ``modules`` in ``folder``, each under its name in the wheel."""
    from mypyc.build import mypycify
    from setuptools import Distribution

    extensions = mypycify(
        [*MYPY_OPTIONS, *modules],
        target_dir=str(folder / "c"),
        group_name=GROUP,
        opt_level="2",
        debug_level="0",
    )
    distribution = Distribution({"name": GROUP, "ext_modules": extensions})
    command = distribution.get_command_obj("build_ext")
    command.build_lib, command.build_temp = str(folder / "lib"), str(folder / "objects")
    command.ensure_finalized()
    command.run()
    lib = folder / "lib"
    return {str(path.relative_to(lib)): path for path in lib.rglob("*") if path.is_file()}
