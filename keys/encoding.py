"""base64url and JSON, read strictly: what RFC 7515 and RFC 8259 define and nothing wider."""

import json
from binascii import a2b_base64, b2a_base64
from typing import Any, NoReturn

MAX_DEPTH = 16
"""How deep objects and arrays may be nested."""

_LAST = ("", "", "AQgw", "AEIMQUYcgkosw048")
"""Where some bits of the last character are of no byte, by the length of the text modulo four: the
characters in which these bits are zero."""


def to_base64url(data: bytes) -> str:
    """``data`` in base64url without padding (RFC 7515 section 2)."""
    return base64url(data).decode()


def base64url(data: bytes) -> bytes:
    """``to_base64url`` as the bytes of its ASCII, for what is signed."""
    text = b2a_base64(data, newline=False)
    return text.replace(b"+", b"-").replace(b"/", b"_").rstrip(b"=")


def from_base64url(text: str) -> bytes:
    """The bytes that ``text`` spells, if it is the one spelling of them.

    Raises:
        ValueError: padding, blanks, foreign characters, or bits that no byte uses.
    """
    # The decoder knows the standard alphabet and padding, and forgives bits that no byte uses.
    unused = _LAST[len(text) % 4]
    if "+" in text or "/" in text or "=" in text or (unused and text[-1] not in unused):
        raise ValueError("not the one spelling in base64url")
    standard = text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4)
    return a2b_base64(standard, strict_mode=True)


def parse_object(data: bytes) -> dict[str, Any]:
    """The JSON object that ``data`` is.

    Raises:
        ValueError: it is not UTF-8 JSON, not an object, names a member twice, holds a number that
            JSON does not know, half a surrogate pair, or more than ``MAX_DEPTH`` levels.
    """
    try:
        value = _DECODER.decode(data.decode())  # json.loads would also take UTF-16 and a BOM
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if type(value) is not dict:
        raise ValueError("not a JSON object")
    if data.count(b"{") + data.count(b"[") > MAX_DEPTH:
        _check_depth(value, MAX_DEPTH)
    if b"\\u" in data:
        # An escape is the only way for half a pair to come through the UTF-8 decoder.
        json.dumps(value, ensure_ascii=False).encode()
    return value


def to_json(value: object) -> bytes:
    """``value`` as compact JSON in ASCII."""
    return _ENCODER.encode(value).encode()


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is named twice")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _check_depth(value: object, left: int) -> None:
    if not isinstance(value, dict | list):
        return
    if not left:
        raise ValueError("nested too deeply")
    for inner in value.values() if isinstance(value, dict) else value:
        _check_depth(inner, left - 1)


_DECODER = json.JSONDecoder(object_pairs_hook=_members, parse_constant=_refuse_constant)
_ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False)
