"""Records made field by field, where each field says what some record was allowed to say before.

Most clients say the same things. What pydantic found good once is good again, and is kept once;
whatever it does not find good, it says of the whole record (``parsing``).
"""

from collections.abc import Callable
from dataclasses import fields, make_dataclass
from functools import cached_property
from typing import Any

from pydantic import TypeAdapter
from pydantic.fields import FieldInfo

from issuer.registry.entries import Unusual

MOST_KNOWN = 1024
"""Values of one field that are remembered; one that has more is of each record's own."""


class _Field:
    """A field of a record, and what it was allowed to say."""

    def __init__(self, position: int, info: FieldInfo) -> None:
        self.position = position
        self._info = info
        self._known: dict[Any, Any] | None = {}

    def read(self, said: Any) -> Any:
        """The value that ``said`` becomes. Raises ``ValueError`` where it becomes none."""
        known, kind = self._known, type(said)
        if known is None:
            return self._validate(said)
        # What is neither text nor a list of texts goes by its type as well, for True is 1.
        key = said if kind is str else tuple(said) if kind is list else (kind, said)
        try:
            return known[key]
        except KeyError:
            value = self._validate(said)
            if len(known) < MOST_KNOWN:
                known[key] = value
            else:
                self._known = None
            return value
        except TypeError:
            self._known = None  # it says tables, which are of each record's own
            return self._validate(said)

    @cached_property  # few of the fields that there are say anything
    def _validate(self) -> Callable[[Any], Any]:
        return TypeAdapter[Any](self._info.rebuild_annotation()).validator.validate_python


class Maker:
    """Makes the records of one table, which share what they say alike.

    ``key`` is the field that the name fills under which a record stands.
    """

    def __init__(self, kind: type, key: str) -> None:
        infos: dict[str, FieldInfo] = kind.__pydantic_fields__  # type: ignore[attr-defined]
        self._kind, self._key = kind, key
        self._fields = {name: _Field(at, each) for at, (name, each) in enumerate(infos.items())}
        self._left_out = [each.get_default(call_default_factory=True) for each in infos.values()]
        self._required = {name for name, each in infos.items() if each.is_required()}
        self._finish = getattr(kind, "__post_init__", None)
        # A class of the same slots that is not frozen fills them in a fifth of the time.
        names = [each.name for each in fields(kind)]
        self._open: type = make_dataclass("_Open", names, slots=True)

    def make(self, name: str, entry: Any) -> Any:
        """The record that stands under ``name`` and says ``entry``.

        Raises:
            ValueError: there may be something wrong with it.
        """
        if type(entry) is not dict or entry.setdefault(self._key, name) != name:
            raise Unusual
        known, values = self._fields, self._left_out.copy()
        if not entry.keys() <= known.keys() or not self._required <= entry.keys():
            raise Unusual
        for field_name, said in entry.items():
            field = known[field_name]
            values[field.position] = field.read(said)
        record = self._open(*values)
        record.__class__ = self._kind
        if self._finish is not None:
            self._finish(record)
        return record
