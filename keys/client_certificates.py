"""The certificate that a client's TLS was proved by, as the proxy where that TLS ends passes it on.

Each proxy has its own spelling. Nothing here says whether the proxy may be believed, whether
anybody vouches for the certificate, or whether it has expired: a header is anybody's to send.
"""

import hashlib
import re
from binascii import a2b_base64
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote_to_bytes

from keys.encoding import to_base64url

X5T_S256 = "x5t#S256"
"""The member of ``cnf`` that names the certificate of a token's holder (RFC 8705 section 3.1)."""

Certificates = tuple[bytes, ...]
"""In DER: the client's own first, then those that lead to its authority, as far as they were sent.
Empty where the client showed none."""

MAX_FIELD = 24_576
"""Characters of the longest field that is read: a certificate and what leads to its authority."""
MAX_CERTIFICATE = 8_192
"""Bytes of the longest certificate. Those of clients have one or two thousand."""
MAX_CERTIFICATES = 8

REMEMBERED = 512
"""How many fields are remembered as read: a client sends the same one with every request."""

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 section 5.6.2
_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
_BLANKS = str.maketrans("", "", " \t\r\n")
_BEFORE_CONTENT = {b"\x30\x81": 3, b"\x30\x82": 4}  # bytes; no certificate has fewer than 128
_NONE = frozenset({"", "(null)"})  # Apache writes the second
_VALUE = r'"(?:[^"\\]|\\.)*"|[^",;]*'
_PAIR = re.compile(rf"([A-Za-z]+)=({_VALUE})([;,]|\Z)")


class InvalidCertificate(ValueError):
    """What the proxy sent is no certificate. The sentence quotes nothing of it."""


@dataclass(frozen=True, slots=True)
class CertificateHeader:
    """The field in which a proxy passes the certificate on, which also says how it is spelt.

    ``Client-Cert`` is as RFC 9440 has it, with ``Client-Cert-Chain`` beside it,
    ``X-Forwarded-Client-Cert`` as Envoy does, and ``X-Forwarded-Tls-Client-Cert`` as Traefik does.
    Any other name is for what other proxies can write: PEM with percent signs, as nginx and AWS do,
    or with blanks in the place of line ends, as Apache does, or the base64 of DER, as HAProxy does,
    with colons around it or not.

    Raises:
        ValueError: it is no name of a field.
    """

    name: str
    """In lower case, whatever it was made with."""

    def __post_init__(self) -> None:
        """Checks the name."""
        if not _NAME.fullmatch(self.name):
            raise ValueError("is not the name of a header field")
        object.__setattr__(self, "name", self.name.lower())

    @property
    def chain_name(self) -> str | None:
        """The field beside it that has the certificates which lead to the authority."""
        return "client-cert-chain" if self.name == "client-cert" else None

    def find(self, fields: Iterable[tuple[bytes, bytes]]) -> Certificates:
        """What is passed on in the fields of a request, whose names are in lower case.

        Raises:
            InvalidCertificate: it is no certificate, or the field is there more than once. One of
                the two may be the client's own.
        """
        name = self.name.encode()
        found = [value for each, value in fields if each == name]
        if len(found) > 1:
            raise InvalidCertificate("the field is there more than once")
        if not found:
            return ()
        chain = []
        if self.chain_name is not None:
            chain_name = self.chain_name.encode()
            chain = [value for each, value in fields if each == chain_name]
        return self.read(found[0].decode("latin-1"), b",".join(chain).decode("latin-1"))

    def read(self, value: str, chain: str = "") -> Certificates:
        """What ``value`` passes on, and ``chain``, the field beside it.

        Raises:
            InvalidCertificate: as ``find``.
        """
        return () if value in _NONE else _read(self.name, value, chain)


def thumbprint(certificate: bytes) -> str:
    """What ``x5t#S256`` says of a certificate in DER (RFC 8705 section 3.1)."""
    return to_base64url(hashlib.sha256(certificate).digest())


def of_connection(scope: Mapping[str, Any]) -> Certificates:
    """What the connection itself was proved by, where the server says so (the TLS extension of
    ASGI): it had the last word of the handshake, and no header could say otherwise.

    Raises:
        InvalidCertificate: the server does not say it as the extension has it.
    """
    said = (scope.get("extensions") or {}).get("tls") or {}
    return tuple(each for pem in said.get("client_cert_chain") or () for each in read_pem(pem))


@lru_cache(maxsize=REMEMBERED)
def read_pem(text: str) -> Certificates:
    """The certificates that ``text`` is, in PEM, with nothing else between them.

    Raises:
        InvalidCertificate: it is anything else.
    """
    head, *blocks = text.split(_BEGIN)
    found = []
    for each in blocks:
        body, end, rest = each.partition(_END)
        if not end or rest.translate(_BLANKS):
            raise InvalidCertificate("not certificates in PEM")
        found.append(_base64(body.translate(_BLANKS)))
    if not found or head.translate(_BLANKS):
        raise InvalidCertificate("not certificates in PEM")
    return tuple(found)


def read_der(der: bytes) -> bytes:
    """``der``, if it is one sequence of DER, of bearable length. What is in it is for whoever reads
    it to say.

    Raises:
        InvalidCertificate: it is not.
    """
    if len(der) > MAX_CERTIFICATE:
        raise InvalidCertificate("longer than any certificate")
    size = _BEFORE_CONTENT.get(der[:2])
    if size is None or int.from_bytes(der[2:size], "big") != len(der) - size:
        raise InvalidCertificate("not a certificate in DER")
    return der


@lru_cache(maxsize=REMEMBERED)  # what is refused is not kept
def _read(name: str, value: str, chain: str) -> Certificates:
    if len(value) + len(chain) > MAX_FIELD:
        raise InvalidCertificate("longer than any certificate")
    if not (value.isascii() and chain.isascii()):
        raise InvalidCertificate("not ASCII")
    found = _SPELLINGS.get(name, _as_others_do)(value)
    if chain:
        found += tuple(_structured(each.strip(" \t")) for each in chain.split(","))
    if len(found) > MAX_CERTIFICATES:
        raise InvalidCertificate("too many certificates")
    return found


def _as_rfc_9440_does(value: str) -> Certificates:
    return (_structured(value),)


def _as_envoy_does(value: str) -> Certificates:
    """Of several elements, each by a proxy, the last is of the one that we know."""
    pairs: dict[str, str] = {}
    position, separator = 0, ","
    while separator:
        match = _PAIR.match(value, position)
        if match is None:
            raise InvalidCertificate("not elements of pairs")
        if separator == ",":
            pairs = {}
        key, text = match[1].lower(), match[2]
        if key in ("cert", "chain") and key in pairs:
            raise InvalidCertificate("an element says something twice")
        pairs[key] = text.removeprefix('"').removesuffix('"')
        position, separator = match.end(), match[3]
    if "cert" not in pairs:
        raise InvalidCertificate("the last element has no Cert")
    leaf, *surplus = read_pem(_unquoted(pairs["cert"]))
    if surplus:
        raise InvalidCertificate("Cert is more than one certificate")
    chain = read_pem(_unquoted(pairs["chain"])) if "chain" in pairs else ()
    return (leaf, *(each for each in chain if each != leaf))


def _as_others_do(value: str) -> Certificates:
    if value.startswith(":"):
        return _as_rfc_9440_does(value)
    text = _unquoted(value)
    if text.startswith(_BEGIN):
        return read_pem(text)
    return (_base64(text),)


def _as_traefik_does(value: str) -> Certificates:
    return tuple(_base64(each) for each in _unquoted(value).split(","))


_SPELLINGS: Mapping[str, Callable[[str], Certificates]] = MappingProxyType(
    {
        "client-cert": _as_rfc_9440_does,
        "x-forwarded-client-cert": _as_envoy_does,
        "x-forwarded-tls-client-cert": _as_traefik_does,
    }
)


def _structured(item: str) -> bytes:
    """A byte sequence (RFC 8941 section 3.3.5)."""
    if len(item) < len("::") or item[0] != ":" or item[-1] != ":":
        raise InvalidCertificate("not a byte sequence between colons")
    return _base64(item[1:-1])


def _unquoted(text: str) -> str:
    try:
        return unquote_to_bytes(text).decode("ascii")
    except UnicodeDecodeError:
        raise InvalidCertificate("not ASCII") from None


def _base64(text: str) -> bytes:
    try:
        der = a2b_base64(text, strict_mode=True)
    except ValueError:
        raise InvalidCertificate("not base64") from None
    return read_der(der)
