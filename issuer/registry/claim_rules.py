"""What the claims of a token that somebody else issued have to say, and what of them is passed on.

Both are written in the shape of the token: a claim within a claim is a table within a table.

    claims = { repository = "acme/*", "kubernetes.io" = { namespace = "shop" } }
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from issuer.registry.client_claims import check_claims

MAX_DEPTH = 4
"""Tables within tables."""

Path = tuple[str, ...]
"""Of a claim within claims."""

Told = str | int | bool

_SEGMENT = re.compile(r"[^/:]+")


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile("[^/:]+".join(map(re.escape, pattern.split("*"))))


def check_pattern(pattern: str) -> str:
    """``pattern``, if it says whom it is for. Raises ``ValueError``.

    A ``*`` stands for one character or more, none of which is ``/`` or ``:``. One of them between
    two of those is all there is, so that matching takes no longer than reading.
    """
    if not pattern:
        raise ValueError("must not be empty")
    if pattern.startswith("*"):
        raise ValueError("must not begin with *, which could be anybody's: say how it begins")
    if any(each.count("*") > 1 for each in _SEGMENT.findall(pattern)):
        raise ValueError("must have at most one * between two of / and :")
    return pattern


def matches(pattern: str, value: object) -> bool:
    """Whether ``value`` is all of what ``pattern`` describes."""
    if not isinstance(value, str):
        return False
    if "*" not in pattern:
        return value == pattern
    return _compiled(pattern).fullmatch(value) is not None


@dataclass(frozen=True, slots=True)
class ClaimRules:
    """Claims, each with the values of which it has to have one."""

    rules: tuple[tuple[Path, tuple[Told, ...]], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.rules)

    def mismatches(self, claims: Mapping[str, Any]) -> Iterator[Path]:
        """The claims that are missing, or say something else."""
        for path, wanted in self.rules:
            if not any(_is(each, said(claims, path)) for each in wanted):
                yield path

    def patterns(self, *path: str) -> tuple[str, ...]:
        """The texts that the claim at ``path`` may be like; none where there is no rule for it."""
        held = dict(self.rules).get(path, ())
        return tuple(each for each in held if isinstance(each, str))


@dataclass(frozen=True, slots=True)
class ClaimMap:
    """Claims that are passed on, and what each is called then."""

    names: tuple[tuple[Path, str], ...] = ()

    def of(self, claims: Mapping[str, Any]) -> dict[str, Any]:
        """What is passed on of ``claims``: texts, numbers, truths, and lists of them."""
        found = {name: said(claims, path) for path, name in self.names}
        return {name: value for name, value in found.items() if _is_plain(value)}


def said(claims: Mapping[str, Any], path: Path) -> Any:
    """What the claim at ``path`` says; None where there is none."""
    value: Any = claims
    for name in path:
        if not isinstance(value, Mapping) or name not in value:
            return None
        value = value[name]
    return value


def read_rules(table: object) -> ClaimRules:
    """The rules that ``table`` spells. Raises ``ValueError``."""
    if isinstance(table, ClaimRules):
        return table
    return ClaimRules(tuple((path, _wanted(path, value)) for path, value in _leaves(table)))


def read_map(table: object) -> ClaimMap:
    """The map that ``table`` spells. Raises ``ValueError``."""
    if isinstance(table, ClaimMap):
        return table
    names = []
    for path, name in _leaves(table):
        if not isinstance(name, str) or not name:
            raise ValueError(f"{written(path)} must be text: what the claim is called here")
        names.append((path, name))
    called = [name for _, name in names]
    if len(set(called)) != len(called):
        raise ValueError("must not call two claims the same")
    check_claims(dict.fromkeys(called))
    return ClaimMap(tuple(names))


def written(path: Path) -> str:
    """``path`` for people: its names with dots between them, in quotes where they have some."""
    return ".".join(f'"{name}"' if "." in name else name for name in path)


def _leaves(table: object, path: Path = ()) -> Iterator[tuple[Path, object]]:
    if not isinstance(table, Mapping):
        raise ValueError('must be a table of claims, such as {repository = "acme/shop"}')  # noqa: TRY004
    if len(path) >= MAX_DEPTH:
        raise ValueError(f"must have at most {MAX_DEPTH} tables within each other")
    for name, value in table.items():
        if isinstance(value, Mapping):
            if not value:
                raise ValueError(f"{written((*path, name))} must not be empty")
            yield from _leaves(value, (*path, name))
        else:
            yield (*path, name), value


def _wanted(path: Path, value: object) -> tuple[Told, ...]:
    listed = value if isinstance(value, list | tuple) else [value]
    wanted: list[Told] = []
    for each in listed:
        if isinstance(each, str):
            try:
                wanted.append(check_pattern(each))
            except ValueError as error:
                raise ValueError(f"{written(path)} {error}") from None
        elif isinstance(each, int):
            wanted.append(each)
        else:
            raise ValueError(f"{written(path)} must be text, a whole number, true or false")  # noqa: TRY004
    if not wanted:
        raise ValueError(f"{written(path)} must name a value that is good")
    return tuple(wanted)


def _is(wanted: Told, value: object) -> bool:
    """Whether the claim is this, or a list that has it."""
    if isinstance(value, list):
        return any(_is(wanted, each) for each in value if not isinstance(each, list))
    if isinstance(wanted, str):
        return matches(wanted, value)
    return type(value) is type(wanted) and value == wanted


def _is_plain(value: object) -> bool:
    if isinstance(value, list):
        return all(isinstance(each, str | int | float) for each in value)
    return isinstance(value, str | int | float)
