"""What a request's target says, and what an answer begins with, in bytes (RFC 9112)."""

import re
from collections.abc import Iterable
from functools import lru_cache
from http import HTTPStatus

import msgspec
from httptools import parse_url

Header = tuple[bytes, bytes]

_STATUS_LINES = {
    int(each): b"HTTP/1.1 %d %s\r\n" % (each, each.phrase.encode()) for each in HTTPStatus
}
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PRINTABLE = bytes({*range(0x20, 0x100), 0x09} - {0x7F})
_CONTENT_LENGTH, _CONNECTION = b"content-length: ", b"connection: "


def split_target(target: bytes) -> tuple[bytes, bytes]:
    """The path and the query of a target that httptools took (RFC 9112 section 3.2).

    Raises:
        HttpParserError: it is none.
    """
    if target.startswith(b"/"):  # nearly all; nothing in them is left to check
        path, _, query = target.partition(b"?")
        return path, query
    url = parse_url(target)
    return url.path, url.query or b""


def answer_head(
    status: int, headers: Iterable[Header], *, keep_alive: bool
) -> tuple[bytes, int | None, bool]:
    """The head, how long it says that the body is, and whether the connection stays.

    Raises:
        RuntimeError: a name or a value that would be read as something else.
        ValueError, KeyError: a length that is no number, or a status that nobody knows.
    """
    length, says_so = None, False
    lines = [_STATUS_LINES[status]]
    for name, value in headers:
        start = _line_start(name)
        if start == _CONTENT_LENGTH:
            length = int(value)
        elif start == _CONNECTION and b"close" in value.lower().replace(b",", b" ").split():
            keep_alive, says_so = False, True
        lines.append(start + value + b"\r\n")
    if not (keep_alive or says_so):
        lines.append(b"connection: close\r\n")
    lines.append(b"\r\n")
    head = b"".join(lines)
    # All that is not printable are the ends of these lines: nothing in them starts another.
    if head.translate(None, _PRINTABLE) != b"\r\n" * len(lines):
        raise RuntimeError("Invalid HTTP header value.")
    return head, length, keep_alive


@lru_cache(maxsize=128)  # an application has so many
def _line_start(name: bytes) -> bytes:
    if not _NAME.fullmatch(name):
        raise RuntimeError("Invalid HTTP header name.")
    return name.lower() + b": "


def refusal(status: HTTPStatus, description: str) -> bytes:
    """A whole answer, as the application would give it, and the last of its connection."""
    body = msgspec.json.encode({"error": "invalid_request", "error_description": description})
    return (
        b"HTTP/1.1 %d %s\r\ncontent-type: application/json\r\ncache-control: no-store\r\n"
        b"pragma: no-cache\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%s"
    ) % (status, status.phrase.encode(), len(body), body)
