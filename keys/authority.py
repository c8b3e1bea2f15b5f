"""Host and port as requests and URLs name them (RFC 9110 section 7.2, RFC 3986 section 3.2)."""

import re
from urllib.parse import urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}

_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:/?#@\[\]]+)(?::([0-9]{1,5}))?")


def parse(text: str, scheme: str) -> tuple[str, int]:
    """The host, IPv6 in its brackets, and the port; the default of ``scheme`` if none is named.

    Raises:
        ValueError: ``text`` is no authority, or names a user, or the scheme has no default port.
    """
    match = _AUTHORITY.fullmatch(text)
    if match is None or scheme not in DEFAULT_PORTS:
        raise ValueError("not a host with or without a port")
    return match[1], int(match[2]) if match[2] else DEFAULT_PORTS[scheme]


def parse_origin(text: str) -> tuple[str, int]:
    """The host and the port of ``scheme://host[:port]``.

    Raises:
        ValueError: it is no such URL, or it says more.
    """
    parts = urlsplit(text)
    if (
        parts.scheme not in DEFAULT_PORTS
        or text.lower() != f"{parts.scheme}://{parts.netloc}".lower()
    ):
        raise ValueError("an origin is http:// or https://, a host and perhaps a port")
    return parse(parts.netloc, parts.scheme)
