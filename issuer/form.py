"""Form bodies, read so that no two readers could see two different requests in them."""

import re
from collections.abc import Mapping
from urllib.parse import unquote_plus

import msgspec

from issuer.errors import InvalidRequest

REPEATABLE = frozenset({"resource", "audience"})
"""What RFC 8707 and RFC 8693 let stand more than once."""

MAX_PARAMETERS = 64

_MALFORMED_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


def decode(text: str) -> str:
    """``text`` without its application/x-www-form-urlencoded escapes.

    Raises:
        ValueError: an escape is malformed, or what it spells is not UTF-8.
    """
    if "%" not in text and "+" not in text:
        return text
    if _MALFORMED_ESCAPE.search(text):
        raise ValueError("malformed percent-encoding")
    return unquote_plus(text, errors="strict")


class Form(msgspec.Struct, frozen=True):
    """The parameters of one request. An empty one counts as left out (RFC 6749 section 3.2)."""

    parameters: Mapping[str, tuple[str, ...]]

    @classmethod
    def parse(cls, body: bytes) -> "Form":
        """The form that ``body`` spells.

        Raises:
            InvalidRequest: it is not a form in UTF-8, or a parameter is there more than once.
        """
        parameters: dict[str, tuple[str, ...]] = {}
        for name, value in _pairs(body):
            if name in parameters and name not in REPEATABLE:
                raise InvalidRequest("A parameter is there more than once.")
            parameters[name] = (*parameters.get(name, ()), value)
        return cls({name: tuple(filter(None, held)) for name, held in parameters.items()})

    def get(self, name: str) -> str | None:
        """The value of ``name``, or None where it was left out. Not for what may be repeated."""
        values = self.parameters.get(name)
        return values[0] if values else None

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of a parameter that may be repeated, in order."""
        return self.parameters.get(name, ())

    def require(self, name: str) -> str:
        """The value of ``name``.

        Raises:
            InvalidRequest: it was left out. ``name`` is told, so it must be a literal of ours.
        """
        values = self.parameters.get(name)
        if not values:
            raise InvalidRequest(f"The parameter {name} is missing.")
        return values[0]


def _pairs(body: bytes) -> list[tuple[str, str]]:
    try:
        fields = body.decode("ascii").split("&")
        if len(fields) > MAX_PARAMETERS:
            raise InvalidRequest("There are too many parameters.")
        parted = [field.partition("=") for field in fields if field]
        return [(decode(name), decode(value)) for name, _, value in parted]
    except ValueError:
        raise InvalidRequest("The body is not a form in UTF-8.") from None
