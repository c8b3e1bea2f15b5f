"""Reading a JSON file that people edit: all that is wrong in it, each with its place."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

from keys import file_text
from keys.file_text import NotUTF8

_QUOTABLE = 32  # Characters. A longer name is not repeated: it may be a key in the wrong place.


class JSONObject(dict[str, Any]):
    """A JSON object that remembers which of its members were named more than once."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        names = [name for name, _ in pairs]
        self.repeated = sorted({name for name in names if names.count(name) > 1})


@dataclass(frozen=True, slots=True)
class Place:
    """Somewhere in a file; all places of one file share one list of problems."""

    file: str
    path: str
    problems: list[str]

    def member(self, name: str) -> "Place":
        """The place of a member of the object here."""
        quotable = len(name) <= _QUOTABLE and name.isascii() and name.isidentifier()
        path = f"{self.path}.{name if quotable else '(a member)'}"
        return Place(self.file, path.lstrip("."), self.problems)

    def item(self, index: int) -> "Place":
        """The place of an item of the array here."""
        return Place(self.file, f"{self.path}[{index}]", self.problems)

    def refuse(self, why: str) -> None:
        """Note that what is here is wrong."""
        self.problems.append(f"{self.file}: {self.path}{': ' if self.path else ''}{why}")

    def read_object(self, value: object, known: Collection[str]) -> Mapping[str, Any]:
        """``value``; noting if it is no object, or has members that are unknown or named twice."""
        if not isinstance(value, JSONObject):
            self.refuse("must be an object")
            return MappingProxyType({})
        for name in value.repeated:
            self.member(name).refuse("named twice")
        for name in sorted(value.keys() - set(known)):
            near = get_close_matches(name, known, n=1)
            self.member(name).refuse(f"unknown; did you mean {near[0]}?" if near else "unknown")
        return value


def parse_json(data: bytes, place: Place) -> object:
    """The JSON in ``data``, its objects as ``JSONObject``; ``None`` and a problem if it is none."""
    try:
        return json.loads(file_text.decode(data), object_pairs_hook=JSONObject)
    except NotUTF8 as other:
        place.refuse(str(other))
    except json.JSONDecodeError as wrong:
        place.refuse(f"not JSON at line {wrong.lineno}")
    except (ValueError, RecursionError):
        place.refuse("not JSON that belongs here")
    return None
