"""Fetching what an issuer publishes: over https, from where it was asked and nowhere else."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import OpenerDirector, Request

from keys.deadline import opener
from keys.encoding import parse_object

TIMEOUT = 5.0
"""Seconds that all of a fetch may take: every address, TLS, header and body of every document."""

MAX_BYTES = 262_144
"""Size of the largest document."""

FILE_MAX_AGE = 60
"""Seconds after which a file is read again."""

_MAX_AGE = re.compile(r"(?:^|[\s,])max-age=\"?(\d{1,9})", re.IGNORECASE)
_OK = 200


class FetchFailed(Exception):
    """The document is not to be had; the sentence says why, for the log."""


@dataclass(frozen=True, slots=True)
class Document:
    """What was fetched."""

    body: bytes
    max_age: int | None = None
    """Seconds for which it may be kept; ``None`` if nobody said."""


def fetch(url: str, by: OpenerDirector | None = None) -> Document:
    """What is at ``url`` itself: a redirect is a failure.

    ``by`` is for several documents by one deadline.

    Raises:
        FetchFailed: it cannot be reached, answers anything but 200, is too large, or is not there
            as a whole within ``TIMEOUT``. Only the system's resolver takes its own time.
    """
    try:
        check_url(url)
        request = Request(url, headers={"Accept": "application/json"})  # noqa: S310  checked above
        with (by or opener(TIMEOUT)).open(request) as response:
            if response.status != _OK:
                raise FetchFailed(f"{url} answered {response.status}")
            return Document(_read(response), _max_age(response.headers))
    except (OSError, HTTPException, ValueError) as error:
        raise FetchFailed(f"{url}: {error}") from error


def fetch_jwks_of(issuer: str) -> Document:
    """The JWKS that the metadata of ``issuer`` names (RFC 8414), both by one deadline.

    Raises:
        FetchFailed: either document is not to be had, or the metadata is of another issuer.
    """
    url = metadata_url(issuer)
    by = opener(TIMEOUT)
    try:
        metadata = parse_object(fetch(url, by).body)
    except ValueError as error:
        raise FetchFailed(f"{url}: {error}") from error
    if metadata.get("issuer") != issuer:  # RFC 8414 section 3.3
        raise FetchFailed(f"{url} is the metadata of another issuer")
    return fetch(_jwks_uri(metadata, issuer), by)


def read_file(path: Path) -> Document:
    """What the file holds now.

    Raises:
        FetchFailed: it cannot be read, or is too large.
    """
    try:
        with path.open("rb") as file:
            body = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise FetchFailed(f"{path}: {error.strerror}") from error
    if len(body) > MAX_BYTES:
        raise FetchFailed(f"{path}: larger than {MAX_BYTES} bytes")
    return Document(body, FILE_MAX_AGE)


def check_url(url: str) -> None:
    """Nothing, for a URL that can be trusted to lead to whom it names.

    Raises:
        ValueError: it is not https (http only on loopback), or holds a user, fragment or blank.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("a URL has neither blanks nor foreign characters")
    if not host or parts.username is not None or parts.fragment:
        raise ValueError("a URL has a host here, and neither user nor fragment")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(host)):
        raise ValueError("a URL is https, or http on loopback")


def metadata_url(issuer: str) -> str:
    """Where the metadata of ``issuer`` is: before its path (RFC 8414 section 3.1)."""
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")
    return f"{parts.scheme}://{parts.netloc}/.well-known/oauth-authorization-server{path}"


def _jwks_uri(metadata: Mapping[str, Any], issuer: str) -> str:
    uri = metadata.get("jwks_uri")
    if not isinstance(uri, str):
        raise FetchFailed(f"the metadata of {issuer} names no jwks_uri")
    if issuer.startswith("https:") and not uri.startswith("https:"):
        raise FetchFailed(f"the metadata of {issuer} names a jwks_uri that is not https")
    return uri


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _read(response: Any) -> bytes:
    body = bytearray()
    while chunk := response.read1(MAX_BYTES):
        body += chunk
        if len(body) > MAX_BYTES:
            raise FetchFailed(f"{response.url} is larger than {MAX_BYTES} bytes")
    return bytes(body)


def _max_age(headers: Mapping[str, str]) -> int | None:
    """Seconds that are left of the document's freshness (RFC 9111 section 4.2)."""
    control = headers.get("Cache-Control", "")
    if "no-store" in control or "no-cache" in control:
        return 0
    found = _MAX_AGE.search(control)
    if found is None:
        return None
    age = headers.get("Age", "0")
    return int(found[1]) - (int(age) if age.isdecimal() and len(age) < len("9" * 10) else 0)
