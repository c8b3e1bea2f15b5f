"""Form bodies, read so that no two readers could see two different requests in them."""

from collections.abc import Mapping

import msgspec

from issuer.errors import InvalidRequest

REPEATABLE = frozenset({"resource", "audience"})
"""What RFC 8707 and RFC 8693 let stand more than once."""

MAX_PARAMETERS = 64

_DIGITS = "0123456789ABCDEFabcdef"
_ESCAPES = {high + low: bytes.fromhex(high + low) for high in _DIGITS for low in _DIGITS}


def decode(text: str) -> str:
    """``text`` without its application/x-www-form-urlencoded escapes.

    Raises:
        ValueError: an escape is malformed, or what it spells is not UTF-8.
    """
    if "+" in text:
        text = text.replace("+", " ")
    if "%" not in text:
        return text
    plain, *escaped = text.split("%")
    try:
        rest = [_ESCAPES[each[:2]] + each[2:].encode() for each in escaped]
    except KeyError:
        raise ValueError("malformed percent-encoding") from None
    return (plain.encode() + b"".join(rest)).decode()


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
        for name, _, value in _parted(body):
            values: tuple[str, ...] = (value,) if value else ()
            if name in parameters:
                if name not in REPEATABLE:
                    raise InvalidRequest("A parameter is there more than once.")
                values = parameters[name] + values
            parameters[name] = values
        return cls(parameters)

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


def _parted(body: bytes) -> list[tuple[str, str, str]]:
    """Names, ``=`` and values. All are decoded before any of them is judged."""
    try:
        fields = body.decode("ascii").replace("+", " ").split("&")
        if len(fields) > MAX_PARAMETERS:
            raise InvalidRequest("There are too many parameters.")
        return [
            _decoded(field) if "%" in field else field.partition("=") for field in fields if field
        ]
    except ValueError:
        raise InvalidRequest("The body is not a form in UTF-8.") from None


def _decoded(field: str) -> tuple[str, str, str]:
    name, sign, value = field.partition("=")
    return decode(name), sign, decode(value)
