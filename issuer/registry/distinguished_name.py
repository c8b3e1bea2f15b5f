"""Distinguished names: as registrations spell them (RFC 4514), and as certificates have them.

They are compared as X.500 does it, attribute by attribute (RFC 5280 section 7.1), never as text:
one name has many spellings.
"""

import re
import unicodedata
from functools import lru_cache
from types import MappingProxyType

from cryptography.x509 import Name
from cryptography.x509.oid import NameOID

Canonical = tuple[frozenset[tuple[str, str]], ...]
"""The parts of a name from the root on, each with its attributes: their type and what they say,
where how it was typed is no difference any more."""

_TYPES = {
    "CN": NameOID.COMMON_NAME,
    "L": NameOID.LOCALITY_NAME,
    "ST": NameOID.STATE_OR_PROVINCE_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "C": NameOID.COUNTRY_NAME,
    "STREET": NameOID.STREET_ADDRESS,
    "DC": NameOID.DOMAIN_COMPONENT,
    "UID": NameOID.USER_ID,
    "SN": NameOID.SURNAME,
    "GN": NameOID.GIVEN_NAME,
    "givenName": NameOID.GIVEN_NAME,
    "title": NameOID.TITLE,
    "serialNumber": NameOID.SERIAL_NUMBER,
    "emailAddress": NameOID.EMAIL_ADDRESS,
    "postalCode": NameOID.POSTAL_CODE,
    "dnQualifier": NameOID.DN_QUALIFIER,
    "pseudonym": NameOID.PSEUDONYM,
    "businessCategory": NameOID.BUSINESS_CATEGORY,
    "organizationIdentifier": NameOID.ORGANIZATION_IDENTIFIER,
    "jurisdictionL": NameOID.JURISDICTION_LOCALITY_NAME,
    "jurisdictionST": NameOID.JURISDICTION_STATE_OR_PROVINCE_NAME,
    "jurisdictionC": NameOID.JURISDICTION_COUNTRY_NAME,
}
"""Those of RFC 4514 section 3, and what openssl calls others. Any other is written as numbers."""

_SPELLINGS = MappingProxyType(
    {each: oid for name, oid in _TYPES.items() for each in (name, name.lower(), name.upper())}
)

_HEX = re.compile(r"(?:^|(?<!\\)[,+])[A-Za-z0-9.-]+=#")

_HOW = (
    "must be as RFC 4514 spells it, such as CN=billing,O=Example, the last part of the certificate "
    "first: `openssl x509 -noout -subject -nameopt RFC2253 -in certificate.pem` says it"
)


def check(text: str) -> str:
    """``text``, if it is a name. Raises ``ValueError`` if it is none, or an empty one."""
    if not of_text(text):
        raise ValueError(_HOW)
    return text


@lru_cache(maxsize=1024)
def of_text(text: str) -> Canonical:
    """The name that ``text`` spells (RFC 4514 section 3).

    Raises:
        ValueError: it spells none.
    """
    if _HEX.search(text):  # of BER (section 2.4), which could be any value at all
        raise ValueError(_HOW)
    try:
        return canonical(Name.from_rfc4514_string(text, _SPELLINGS))
    except ValueError:
        raise ValueError(_HOW) from None


def canonical(name: Name) -> Canonical:
    """``name`` as it is compared."""
    return tuple(
        frozenset((each.oid.dotted_string, _prepared(each.value)) for each in part)
        for part in name.rdns
    )


def _prepared(value: str | bytes) -> str:
    """``value`` without what X.500 does not tell apart: case, width, more blanks (RFC 4518)."""
    if isinstance(value, bytes):
        return value.hex()
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", value).casefold())
    return " ".join(folded.split())
