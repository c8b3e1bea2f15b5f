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
_MAX_ETAG = 256  # Characters. A longer one is not sent back.
_OK = 200
_NOT_MODIFIED = 304


class FetchFailed(Exception):
    """The document is not to be had; the sentence says why, for the log."""


@dataclass(frozen=True, slots=True)
class Document:
    """What was fetched."""

    body: bytes
    max_age: int | None = None
    """Seconds for which it may be kept; ``None`` if nobody said."""
    etag: str = ""
    """By which it can be asked for again; empty if nobody said."""
    is_known: bool = False
    """Whether it is what has that ETag, still: there is no body then."""


def fetch(
    url: str,
    by: OpenerDirector | None = None,
    *,
    accept: str = "application/json",
    etag: str = "",
    max_bytes: int = MAX_BYTES,
) -> Document:
    """What is at ``url`` itself: a redirect is a failure.

    ``by`` is for several documents by one deadline; ``etag`` is of what is there already.

    Raises:
        FetchFailed: it cannot be reached, answers anything but 200 (or 304, to an ``etag``), is
            too large, or is not there as a whole within ``TIMEOUT``. Only the system's resolver
            takes its own time.
    """
    headers = {"Accept": accept, **({"If-None-Match": etag} if etag else {})}
    try:
        check_url(url)
        request = Request(url, headers=headers)  # noqa: S310  checked above
        with (by or opener(TIMEOUT)).open(request) as response:
            max_age = _max_age(response.headers)
            if response.status == _NOT_MODIFIED and etag:
                return Document(b"", max_age, etag, is_known=True)
            if response.status != _OK:
                raise FetchFailed(f"{url} answered {response.status}")
            named = response.headers.get("ETag", "")
            body = _read(response, max_bytes)
            return Document(body, max_age, named if len(named) <= _MAX_ETAG else "")
    except (OSError, HTTPException, ValueError) as error:
        raise FetchFailed(f"{url}: {error}") from error


def fetch_jwks_of(issuer: str) -> Document:
    """The JWKS that the metadata of ``issuer`` names (RFC 8414), both by one deadline.

    Raises:
        FetchFailed: either document is not to be had, or the metadata is of another issuer.
    """
    by = opener(TIMEOUT)
    return fetch(_jwks_uri(_metadata_of(issuer, by), issuer), by)


def revocations_uri_of(issuer: str, by: OpenerDirector) -> str:
    """Where the metadata of ``issuer`` says that its revocations are.

    Raises:
        FetchFailed: the metadata is not to be had, is of another issuer, or announces none.
    """
    metadata = _metadata_of(issuer, by)
    if "revocations_uri" not in metadata:
        raise FetchFailed(
            f"{issuer} announces no revocations_uri: without a replay_store it revokes nothing"
        )
    return _uri(metadata, issuer, "revocations_uri")


def read_file(path: Path, max_bytes: int = MAX_BYTES) -> Document:
    """What the file holds now.

    Raises:
        FetchFailed: it cannot be read, or is too large.
    """
    try:
        with path.open("rb") as file:
            body = file.read(max_bytes + 1)
    except OSError as error:
        raise FetchFailed(f"{path}: {error.strerror}") from error
    if len(body) > max_bytes:
        raise FetchFailed(f"{path}: larger than {max_bytes} bytes")
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


def _metadata_of(issuer: str, by: OpenerDirector) -> Mapping[str, Any]:
    url = metadata_url(issuer)
    try:
        metadata = parse_object(fetch(url, by).body)
    except ValueError as error:
        raise FetchFailed(f"{url}: {error}") from error
    if metadata.get("issuer") != issuer:  # RFC 8414 section 3.3
        raise FetchFailed(f"{url} is the metadata of another issuer")
    return metadata


def _jwks_uri(metadata: Mapping[str, Any], issuer: str) -> str:
    return _uri(metadata, issuer, "jwks_uri")


def _uri(metadata: Mapping[str, Any], issuer: str, member: str) -> str:
    uri = metadata.get(member)
    if not isinstance(uri, str):
        raise FetchFailed(f"the metadata of {issuer} names no {member}")
    if issuer.startswith("https:") and not uri.startswith("https:"):
        raise FetchFailed(f"the metadata of {issuer} names a {member} that is not https")
    return uri


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _read(response: Any, max_bytes: int) -> bytes:
    body = bytearray()
    while chunk := response.read1(MAX_BYTES):
        body += chunk
        if len(body) > max_bytes:
            raise FetchFailed(f"{response.url} is larger than {max_bytes} bytes")
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
