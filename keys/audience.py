"""The one spelling of a resource server's identifier, by which two of them are compared."""

import re

# What a URL class makes of a bare origin. With a user, a query or a fragment it is no bare origin.
_ORIGIN_AND_SLASH = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://[^\s/?#@\\]+)/")


def canonical(identifier: str) -> str:
    """``identifier`` with an empty path in place of ``/`` after an authority, and unchanged else.

    The two are one resource (RFC 3986 section 6.2.3), and nothing else is folded: neither case, a
    default port, nor percent-encoding, for an identifier is compared as it was agreed on (RFC 3986
    section 6.2.1). It is for comparing alone; what is said and shown stays as registered.
    """
    found = _ORIGIN_AND_SLASH.fullmatch(identifier)
    return found[1] if found else identifier
