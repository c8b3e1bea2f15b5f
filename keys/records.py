"""Frozen dataclasses as JSON and back, so that two versions of one type can read each other.

A member the reader does not know is ignored; one the writer did not know takes the field's default.
Sets are written as sorted lists and come back as what the field's annotation says.
"""

from collections.abc import Callable, Set
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from enum import Enum
from functools import cache
from types import NoneType
from typing import Any, ClassVar, Protocol, TypeVar, get_args, get_origin, get_type_hints

import orjson


class Record(Protocol):
    """Any dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


R = TypeVar("R", bound=Record)
Restore = Callable[[Any], Any]


def dump(record: Record) -> bytes:
    """The fields of ``record`` as a JSON object.

    Raises:
        TypeError: a field holds something that is neither JSON, a set, an enum nor a dataclass.
    """
    return orjson.dumps(record, default=_plain)


def load(kind: type[R], data: bytes) -> R:
    """The record that ``dump`` wrote.

    For authentic data only: the types of plain members are not checked again.

    Raises:
        ValueError: a member without default is missing, or cannot become what the field holds.
    """
    return _restore_record(kind, orjson.loads(data))


@dataclass(frozen=True, slots=True)
class _Shape:
    """What is worth knowing about a type once instead of at every record."""

    names: tuple[str, ...]
    restores: tuple[tuple[str, Restore], ...]
    required: frozenset[str]


@cache
def _shape(kind: type[Record]) -> _Shape:
    hints = get_type_hints(kind)
    names = tuple(each.name for each in fields(kind))
    restores = {name: _restore(hints[name]) for name in names}
    return _Shape(
        names=names,
        restores=tuple((name, made) for name, made in restores.items() if made is not None),
        required=frozenset(
            each.name
            for each in fields(kind)
            if each.default is MISSING and each.default_factory is MISSING
        ),
    )


def _plain(value: object) -> object:
    if isinstance(value, Set):
        return sorted(value)
    raise TypeError(f"a {type(value).__name__} cannot be written into a record")


def _restore_record(kind: type[R], members: Any) -> R:
    shape = _shape(kind)
    if type(members) is not dict or not shape.required <= members.keys():
        raise ValueError(f"this is no {kind.__name__}, or a required member of it is missing")
    known = {name: members[name] for name in shape.names if name in members}
    for name, restore in shape.restores:
        if known.get(name) is not None:
            known[name] = restore(known[name])
    return kind(**known)


def _restore(hint: Any) -> Restore | None:
    """How the JSON of a field becomes its value again; ``None`` where JSON already is the value."""
    alternatives = [each for each in get_args(hint) if each is not NoneType]
    if NoneType in get_args(hint) and len(alternatives) == 1:
        return _restore(alternatives[0])
    kind = get_origin(hint) or hint
    if not isinstance(kind, type):
        return None
    if is_dataclass(kind):
        return lambda members: _restore_record(kind, members)
    if issubclass(kind, tuple):
        return _restore_tuple(get_args(hint))
    return kind if issubclass(kind, Set | Enum) else None


def _restore_tuple(args: tuple[Any, ...]) -> Restore:
    inner = _restore(args[0]) if args else None
    if inner is None:
        return tuple
    return lambda values: tuple(inner(value) for value in values)
