"""The rooms of the house, as Python finds them."""

import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType

NOT_TO_IMPORT = frozenset({"issuer.__main__", "issuer.gunicorn_settings"})
"""What does something when it is imported."""


def modules(package: str) -> Iterator[ModuleType]:
    """Every module of ``package``, imported."""
    whole = importlib.import_module(package)
    yield whole
    for found in pkgutil.walk_packages(whole.__path__, f"{package}."):
        if found.name not in NOT_TO_IMPORT:
            yield importlib.import_module(found.name)


def rooms(package: str) -> tuple[str, ...]:
    """The packages right in ``package``, by their last names."""
    whole = importlib.import_module(package)
    return tuple(each.name for each in pkgutil.iter_modules(whole.__path__) if each.ispkg)
