"""What a MAC covers: the request, written down in one way, and the HMAC of that."""

import hmac
import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import new
from types import MappingProxyType
from typing import Self

ALGORITHMS: Mapping[str, str] = MappingProxyType({"hmac-sha-1": "sha1", "hmac-sha-256": "sha256"})
"""The hash of each algorithm. SHA-1 is for other people's servers: none of ours takes it."""

_METHOD = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # a token: RFC 9110 section 9.1
_HOST = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=%-]+|\[[0-9A-Fa-f:.]+\]")  # RFC 3986 section 3.2.2
_TARGET = re.compile(r"[\x21-\x7e]+")
_ABSOLUTE = re.compile(r"https?://[^/?#]*", re.IGNORECASE)
_MAX_PORT = 65535
_LINES = 7


@dataclass(frozen=True, slots=True)
class Request:
    """The parts of a request that a MAC covers, in their one spelling."""

    method: str
    """In upper case."""
    target: str
    """Path and query, byte for byte as sent: origin-form (RFC 9112 section 3.2.1)."""
    host: str
    """As in ``Host`` but in lower case and without the port; IPv6 in its brackets."""
    port: int

    @classmethod
    def of(cls, method: str, target: str, host: str, port: int) -> Self:
        """The request whose line has ``method`` and ``target``, sent to ``host`` and ``port``.

        Of a target in absolute-form the authority is left out, of any target a fragment: ``host``
        and ``port`` are for the caller to know. Nothing is decoded.

        Raises:
            ValueError: that is no request, or a part of it holds a blank, a control character or
                one that is not ASCII. A line break would make two parts of one.
        """
        if not _METHOD.fullmatch(method):
            raise ValueError("the method is none")
        if not _HOST.fullmatch(host) or not 0 < port <= _MAX_PORT:
            raise ValueError("the host or the port is none")
        return cls(method.upper(), _origin_form(target), host.lower(), port)


def normalize(request: Request, *, ts: int, nonce: str, ext: str = "") -> str:
    """The normalized request string of draft-ietf-oauth-v2-http-mac-01 section 3.2.1, and of -02.

    Raises:
        ValueError: a part has a line break.
    """
    return _lines(str(ts), nonce, *_parts(request), ext)


def normalize_draft_00(request: Request, *, nonce: str, bodyhash: str = "", ext: str = "") -> str:
    """The normalized request string of draft-ietf-oauth-v2-http-mac-00 section 3.3.1.

    Raises:
        ValueError: a part has a line break.
    """
    return _lines(nonce, *_parts(request), bodyhash, ext)


def compute(key: bytes, algorithm: str, text: str) -> str:
    """The MAC of ``text`` in base64. ``key`` is the ``mac_key`` as it was sent, never decoded.

    Raises:
        ValueError: there is no such algorithm.
    """
    return b64encode(hmac.digest(key, text.encode(), _hash(algorithm))).decode()


def body_hash(body: bytes, algorithm: str = "hmac-sha-256") -> str:
    """The hash of ``body`` in base64, by the hash of ``algorithm``.

    Raises:
        ValueError: there is no such algorithm.
    """
    return b64encode(new(_hash(algorithm), body).digest()).decode()


def _origin_form(target: str) -> str:
    if not _TARGET.fullmatch(target):
        raise ValueError("the target is none")
    if target[0] != "/":
        if target == "*":
            return target
        authority = _ABSOLUTE.match(target)
        if authority is None:
            raise ValueError("the target is neither a path nor a URL")
        target = target[authority.end() :]
    path = target.partition("#")[0]
    return path if path.startswith("/") else f"/{path}"


def _parts(request: Request) -> tuple[str, str, str, str]:
    return request.method, request.target, request.host, str(request.port)


def _lines(*parts: str) -> str:
    text = "\n".join((*parts, ""))
    if text.count("\n") != _LINES:
        raise ValueError("a part has a line break")
    return text


def _hash(algorithm: str) -> str:
    if algorithm not in ALGORITHMS:
        raise ValueError("the algorithm is none")
    return ALGORITHMS[algorithm]
