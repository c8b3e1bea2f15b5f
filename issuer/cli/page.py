"""How the command writes: aligned columns, instants, durations, and notes beside the result."""

import re
from collections.abc import Iterable, Sequence

import click

_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_NAMES = {"d": "day", "h": "hour", "m": "minute", "s": "second"}
_DURATION = re.compile(r"([0-9]{1,9})([smhd]?)")


class Duration(click.ParamType[int]):
    """Seconds, written as a number of them or as ``10m``, ``2h``, ``7d``."""

    name = "duration"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """The seconds that ``value`` spells."""
        if isinstance(value, int):
            return value
        spelt = _DURATION.fullmatch(str(value))
        if not spelt:
            self.fail(f"{value!r} is no duration; write 600, 10m, 2h or 7d", param, ctx)
        return int(spelt[1]) * _UNITS[spelt[2] or "s"]


DURATION = Duration()


def words(seconds: int) -> str:
    """A duration as somebody would say it: ``3 minutes``, ``2 days``."""
    unit = next((unit for unit, size in _UNITS.items() if seconds >= 2 * size), "s")
    count = seconds // _UNITS[unit]
    return f"{count} {_NAMES[unit]}{'' if count == 1 else 's'}"


def columns(rows: Iterable[Sequence[str]], indent: str = "") -> str:
    """The rows, their columns aligned."""
    listed = [list(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*listed, strict=True)]
    return "\n".join(indent + "  ".join(map(str.ljust, row, widths)).rstrip() for row in listed)


def note(text: str) -> None:
    """Says ``text`` beside the result, on stderr."""
    click.echo(text, err=True)
