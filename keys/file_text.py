"""The text of a file that people save with editors: UTF-8, with or without a byte order mark."""

import codecs

BYTE_ORDER_MARK = codecs.BOM_UTF8
"""What Windows editors put before UTF-8. It says nothing, and may be ignored (RFC 8259 8.1)."""

# The longer marks first: that of UTF-32 in little-endian begins like that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32 (little-endian)"),
    (codecs.BOM_UTF32_BE, "UTF-32 (big-endian)"),
    (codecs.BOM_UTF16_LE, "UTF-16 (little-endian)"),
    (codecs.BOM_UTF16_BE, "UTF-16 (big-endian)"),
)
_REMEDY = "save it as UTF-8 (in PowerShell: Set-Content -Encoding utf8)"


class NotUTF8(ValueError):
    """The sentence names the encoding, as far as it can be told, and the remedy."""


def unmarked(data: bytes) -> bytes:
    """``data`` without the byte order mark of UTF-8, if it has one."""
    return data.removeprefix(BYTE_ORDER_MARK)


def decode(data: bytes) -> str:
    """The text of a file that holds ``data``, without its byte order mark.

    Raises:
        NotUTF8: it is in another encoding.
    """
    other = _other_encoding(data)
    if other:
        raise NotUTF8(f"is {other}, not UTF-8: {_REMEDY}")
    try:
        return unmarked(data).decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise NotUTF8(f"is not UTF-8, first at line {line}: {_REMEDY}") from None


def _other_encoding(data: bytes) -> str | None:
    """The encoding that a mark announces, or that the zero bytes of its first letters give away.

    TOML and JSON begin with ASCII, of which UTF-16 makes every other byte zero. In UTF-8 a zero
    byte is a control character that neither format has anywhere.
    """
    for mark, name in _MARKS:
        if data.startswith(mark):
            return name
    shape = bytes(map(bool, data[:4]))
    return {
        b"\1\0\0\0": "UTF-32 (little-endian)",
        b"\0\0\0\1": "UTF-32 (big-endian)",
        b"\1\0\1\0": "UTF-16 (little-endian)",
        b"\0\1\0\1": "UTF-16 (big-endian)",
        b"\1\0": "UTF-16 (little-endian)",
        b"\0\1": "UTF-16 (big-endian)",
    }.get(shape)
