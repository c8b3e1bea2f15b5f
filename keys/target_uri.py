"""The URL that a request is for, in the one spelling by which RFC 9449 section 4.3 compares it."""

import re
from functools import lru_cache

from keys import authority

_PATH = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*"
_URL = re.compile(rf"(https?)://([^/?#@]+)((?:/{_PATH})?)", re.IGNORECASE)
_HOST = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=%-]+|\[[0-9A-Fa-f:.]+\]")  # RFC 3986 section 3.2.2
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")


def without_query(url: str) -> str:
    """``url`` up to its query or fragment."""
    return url.partition("#")[0].partition("?")[0]


@lru_cache(maxsize=512)
def normalize(url: str) -> str | None:
    """``url`` after RFC 3986 sections 6.2.2 and 6.2.3; ``None`` if it is no http or https URL.

    It has no query and no fragment any more: ``without_query`` was asked before.
    """
    match = _URL.fullmatch(url)
    if match is None:
        return None
    scheme = match[1].lower()
    try:
        # An empty port is the default one.
        host, port = authority.parse(match[2].removesuffix(":"), scheme)
    except ValueError:
        return None
    if not _HOST.fullmatch(host):
        return None
    host = _unescaped(host).lower()
    at = "" if port == authority.DEFAULT_PORTS[scheme] else f":{port}"
    return f"{scheme}://{_ESCAPE.sub(_upper, host)}{at}{_without_dots(_unescaped(match[3]) or '/')}"


def _unescaped(text: str) -> str:
    """``text`` with unreserved characters as themselves, and all others as they were."""
    return _ESCAPE.sub(_unescape, text) if "%" in text else text


def _unescape(escape: re.Match[str]) -> str:
    character = chr(int(escape[0][1:], 16))
    return character if _UNRESERVED.fullmatch(character) else escape[0].upper()


def _upper(escape: re.Match[str]) -> str:
    return escape[0].upper()


def _without_dots(path: str) -> str:
    """RFC 3986 section 5.2.4, for a path that begins with a slash."""
    if "/." not in path:
        return path
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == ".." and kept:
            kept.pop()
        elif segment not in (".", ".."):
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)
