"""How a record is laid out in the TOML that somebody wrote, and behind which line it goes."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

import tomlkit
from tomlkit.items import Item

from issuer.registry.documents import dotted

_CROWDED = re.compile(
    r"""(?P<text>"[^"]*"|'[^']*')|(?P<open>\{(?=\S))|(?<=\S)(?P<shut>\})|,(?=\S)"""
)


def insertions(text: str, at: tuple[str, str], record: Mapping[str, Any]) -> Iterator[str]:
    """``text`` with the record behind the last of its kind, or else at its end.

    Where a section ends is judged by the look of the lines, so the caller checks what came out.
    """
    newline = "\r\n" if "\r\n" in text else "\n"
    section = _section(at, record).replace("\n", newline)
    lines = text.splitlines(keepends=True)
    for line in (_end_of_sections(lines, at[0]), len(lines)):
        before, after = "".join(lines[:line]).rstrip("\r\n"), "".join(lines[line:]).lstrip("\r\n")
        parts = [before + newline if before else "", section, after]
        yield newline.join(part for part in parts if part)


def spaced(text: str, old: str = "") -> str:
    """``text`` with blanks around what stands in braces, in the lines that are not of ``old``."""
    kept = set(old.splitlines(keepends=True))
    lines = text.splitlines(keepends=True)
    return "".join(line if line in kept else _CROWDED.sub(_space, line) for line in lines)


def _section(at: tuple[str, str], record: Mapping[str, Any]) -> str:
    document = tomlkit.document()
    for key, value in record.items():
        document.add(key, _toml(value))
    return spaced(f"[{dotted(at)}]\n{document.as_string()}")


def _space(crowded: re.Match[str]) -> str:
    if crowded["text"]:
        return crowded["text"]
    return "{ " if crowded["open"] else " }" if crowded["shut"] else ", "


def _toml(value: Any) -> Item:
    """``value`` as it stands in a registry: tables within lists inline, one to a line."""
    if isinstance(value, Mapping):
        inline = tomlkit.inline_table()
        for key, inner in value.items():
            inline.add(key, _toml(inner))
        return inline
    if isinstance(value, list | tuple):
        array = tomlkit.array()
        array.extend(map(_toml, value))
        array.multiline(multiline=any(isinstance(inner, Mapping) for inner in value))
        return array
    plain: Item = tomlkit.item(value)
    return plain


def _end_of_sections(lines: list[str], table: str) -> int:
    """The line behind the last section of ``table``: behind its comments, before the next one's."""
    opened = [(number, _opens(line)) for number, line in enumerate(lines)]
    headers = [(number, name) for number, name in opened if name]
    ours = [number for number, name in headers if name == table]
    if not ours:
        return len(lines)
    stop = next((number for number, _ in headers if number > ours[-1]), len(lines))
    spoken = [number for number in range(ours[-1], stop) if lines[number].split("#")[0].strip()]
    end = spoken[-1] + 1
    while end < stop and lines[end].strip():
        end += 1
    # A comment that touches the next header is about what it heads.
    return end if end < stop or stop == len(lines) else spoken[-1] + 1


def _opens(line: str) -> str | None:
    """The table at the top that a header line opens; None for any other line."""
    if not line.lstrip().startswith("["):
        return None
    try:
        return next(iter(tomllib.loads(line)), None)
    except tomllib.TOMLDecodeError:
        return None
