"""Subject alternative names, as registrations spell them (RFC 8705 section 2.1.2).

Each is one name, compared whole: a wildcard in a certificate names nobody.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from ipaddress import ip_address
from types import MappingProxyType

from cryptography.x509 import (
    DNSName,
    GeneralName,
    IPAddress,
    RFC822Name,
    UniformResourceIdentifier,
)

Names = frozenset[tuple[str, str]]
"""The kind of each name and the name, where how it was typed is no difference any more."""

_DNS = re.compile(
    r"[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*"
)
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[\x21-\x7e]+")
_EMAIL = re.compile(r"[\x21-\x3f\x41-\x7e]+@[\x21-\x3f\x41-\x7e]+")


def check_dns(name: str) -> str:
    """``name``, if it is one of a host. Raises ``ValueError``."""
    if not _DNS.fullmatch(name):
        raise ValueError(
            "must be a host's name in ASCII, such as billing.example, and whole: no *, no port"
        )
    return name


def check_uri(name: str) -> str:
    """``name``, if it is a URI. Raises ``ValueError``."""
    if not _URI.fullmatch(name):
        raise ValueError("must be a URI, such as spiffe://example/billing")
    return name


def check_ip(name: str) -> str:
    """``name``, if it is an address. Raises ``ValueError``."""
    try:
        ip_address(name)
    except ValueError:
        raise ValueError("must be an IP address, such as 10.0.0.7 or fd00::7") from None
    return name


def check_email(name: str) -> str:
    """``name``, if it is an e-mail address. Raises ``ValueError``."""
    if not _EMAIL.fullmatch(name):
        raise ValueError("must be an e-mail address in ASCII, such as billing@example.com")
    return name


def of_registration(field: str, name: str) -> tuple[str, str]:
    """A name that was registered as ``tls_client_auth_san_*``."""
    kind = field.rpartition("_")[2]
    return kind, _CANONICAL[kind](name)


def of_certificate(names: Iterable[GeneralName]) -> Names:
    """The names in a certificate, of the kinds that can be registered."""
    return frozenset(_known(names))


def _known(names: Iterable[GeneralName]) -> Iterator[tuple[str, str]]:
    for each in names:
        kind = _KINDS.get(type(each))
        if kind is not None:
            yield kind, _CANONICAL[kind](str(each.value))


def _email(name: str) -> str:
    """The domain is no text of cases, what stands before it is (RFC 5280 section 7.5)."""
    local, _, domain = name.rpartition("@")
    return f"{local}@{domain.lower()}"


_CANONICAL: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {
        "dns": str.lower,
        "uri": str,
        "ip": lambda name: str(ip_address(name)),
        "email": _email,
    }
)
_KINDS: Mapping[type[GeneralName], str] = MappingProxyType(
    {
        DNSName: "dns",
        UniformResourceIdentifier: "uri",
        IPAddress: "ip",
        RFC822Name: "email",
    }
)
