"""Which core runs: the sources, or what was compiled of them."""

from collections.abc import Callable
from importlib.machinery import ExtensionFileLoader
from importlib.util import find_spec

from click.testing import Result

from keys import encoding, ring


def test_the_version_says_whether_the_core_is_compiled(run: Callable[..., Result]) -> None:
    spec = find_spec("issuer.token")
    assert spec is not None
    core = "compiled" if isinstance(spec.loader, ExtensionFileLoader) else "pure Python"
    assert run("--version").stdout.endswith(f" ({core})\n")


def test_the_core_is_compiled_as_a_whole_or_not_at_all() -> None:
    assert ring.__file__.endswith(".py") is encoding.__file__.endswith(".py")
