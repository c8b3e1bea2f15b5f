"""In which language a page speaks, and what it says in it."""

import re
import tomllib
from collections.abc import Callable, Mapping
from importlib.resources import files
from types import MappingProxyType

from markupsafe import Markup, escape

Catalogue = Mapping[str, str]
"""The sentences of one language by their keys. What stands in braces is filled in."""

Say = Callable[..., Markup]
"""The sentence of a key, with its parts filled in and escaped."""

DEFAULT = "en"

_MAX_WANTED = 500  # characters; a browser sends a tenth
_WANTED = re.compile(r"([a-z]{1,8})[a-z0-9-]*(?:\s*;\s*q=(0(?:\.[0-9]{0,3})?|1))?", re.IGNORECASE)


def _read(language: str) -> Catalogue:
    text = files(__package__).joinpath("catalogues", f"{language}.toml").read_text("utf-8")
    tables = tomllib.loads(text)
    return MappingProxyType(
        {f"{table}.{key}": each for table, keys in tables.items() for key, each in keys.items()}
    )


CATALOGUES: Mapping[str, Catalogue] = MappingProxyType(
    {language: _read(language) for language in (DEFAULT, "de", "fr", "es")}
)


def choose(wanted: str) -> str:
    """The language of ours that comes first in ``wanted``; English where none does.

    ``wanted`` is ``ui_locales`` (OpenID Connect Core section 3.1.2.1), Accept-Language (RFC 9110
    section 12.5.4), or the one and then the other. What is not understood in it is passed over.
    """
    found = [
        (float(weight or 1), tag.lower()) for tag, weight in _WANTED.findall(wanted[:_MAX_WANTED])
    ]
    known = [(weight, tag) for weight, tag in found if weight and tag in CATALOGUES]
    return max(known, key=lambda each: each[0], default=(1, DEFAULT))[1]


def speaker(language: str) -> Say:
    """Says the sentences of ``language``."""
    catalogue = CATALOGUES[language]

    def say(key: str, **parts: str) -> Markup:
        return escape(catalogue[key]).format(**parts)

    return say
