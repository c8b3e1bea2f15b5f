"""Redirect URIs: which may be registered, and which of those was meant (RFC 9700 section 2.1)."""

import re
from urllib.parse import urlsplit

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "::1"})
"""Addresses, not ``localhost``: a name may resolve to somebody else (RFC 8252 section 8.3)."""

_CHARACTERS = re.compile(r"[A-Za-z0-9\-._~:/?\[\]@!$&'()+,;=%]+")
_LOOPBACK = re.compile(r"http://(127\.0\.0\.1|\[::1\])(?::[0-9]{1,5})?([/?].*|)")
_PRIVATE_USE_SCHEME = re.compile(r"[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+")


def check(uri: str) -> str:
    """``uri``, if a client may register it.

    Raises:
        ValueError: the sentence says which rule it breaks.
    """
    if "#" in uri:
        raise ValueError("must have no fragment")
    if "*" in uri:
        raise ValueError("must be one whole URI; wildcards are not matched")
    if not _CHARACTERS.fullmatch(uri):
        raise ValueError("must be an absolute URI in ASCII without spaces")
    try:
        parts = urlsplit(uri)
        parts.port  # noqa: B018  reading it is what checks it
    except ValueError:
        raise ValueError("must be an absolute URI with a valid host and port") from None
    scheme, host = parts.scheme, parts.hostname
    if "@" in parts.netloc:
        raise ValueError("must have no user information")
    if scheme == "https" and not host:
        raise ValueError("must have a host")
    if scheme == "http" and host not in LOOPBACK_HOSTS:
        raise ValueError("must be https; http is for 127.0.0.1 and [::1] only")
    if scheme not in ("http", "https") and not _PRIVATE_USE_SCHEME.fullmatch(scheme):
        raise ValueError("must be https, http on a loopback address, or a reverse-domain scheme")
    return uri


def matches(registered: str, presented: str) -> bool:
    """True where ``presented`` is ``registered``, character for character.

    The port of an http loopback URI is free: a native application takes what it gets from the
    system (RFC 8252 section 7.3).
    """
    if presented == registered:
        return True
    ours, theirs = _LOOPBACK.fullmatch(registered), _LOOPBACK.fullmatch(presented)
    return ours is not None and theirs is not None and ours.groups() == theirs.groups()


def is_native(uri: str) -> bool:
    """True where ``uri`` leads to an application on the user's own machine (RFC 8252 section 7)."""
    return not uri.startswith("https://")
