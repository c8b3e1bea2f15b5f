"""Redirect URIs: which may be registered, and which of those was meant (RFC 9700 section 2.1)."""

import re
from enum import StrEnum, auto
from urllib.parse import SplitResult, urlsplit

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "::1"})
"""Addresses, not ``localhost``: a name may resolve to somebody else (RFC 8252 section 8.3)."""

NOT_OF_AN_APPLICATION = frozenset({
    # What browsers fetch, show or run (the URL, Fetch and HTML standards), now or formerly.
    "about", "blob", "data", "feed", "file", "filesystem", "ftp", "ftps", "gopher", "http",
    "https", "ipfs", "ipns", "jar", "javascript", "jscript", "livescript", "mhtml", "mocha",
    "res", "resource", "vbs", "vbscript", "view-source", "wyciwyg", "ws", "wss",
    # Their own pages and extensions, and what they hand to other browsers and to shops.
    "android-app", "applewebdata", "brave", "chrome", "chrome-error", "chrome-extension",
    "chrome-native", "chrome-search", "chrome-untrusted", "content", "devtools", "edge",
    "firefox", "googlechrome", "googlechromes", "intent", "isolated-app", "itms", "itms-apps",
    "itms-appss", "itms-services", "market", "microsoft-edge", "moz-extension", "moz-icon",
    "moz-page-thumb", "opera", "page-icon", "safari-extension", "safari-web-extension",
    "vivaldi", "webkit-extension", "x-safari-http", "x-safari-https",
    # What any page may take over for its own server (HTML, safelisted schemes).
    "bitcoin", "geo", "im", "irc", "ircs", "magnet", "mailto", "matrix", "mms", "news", "nntp",
    "openpgp4fpr", "sftp", "sip", "sms", "smsto", "ssh", "tel", "urn", "webcal", "wtai", "xmpp",
    # What systems act on, and what only names something.
    "callto", "cid", "dav", "facetime", "facetime-audio", "hcp", "help", "its", "ldap", "ldaps",
    "localhost", "mid", "mk", "ni", "nih", "nfs", "search", "search-ms", "shell", "smb", "tag",
    "telnet", "tftp",
})  # fmt: skip
"""Schemes without a dot that are no application's own: a code would go elsewhere."""

_NOT_OF_AN_APPLICATION = ("web+", "ext+", "ms-")  # prefixes: pages, extensions, parts of Windows
_CHARACTERS = re.compile(r"[A-Za-z0-9\-._~:/?\[\]@!$&'()+,;=%]+")
_PORT = re.compile(r"[1-9][0-9]{0,4}")
_LOOPBACK = re.compile(r"http://(127\.0\.0\.1|\[::1\]|localhost)(?::([^/?]*))?([/?].*|)")
_REVERSE_DOMAIN = re.compile(r"[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+")
_PRIVATE_USE = re.compile(r"[a-z][a-z0-9+-]*")
_HOST_AND_PORT = re.compile(r"[^:/]+:[0-9]+(?:[/?].*)?")

_HIGHEST_PORT = 65_535


class Kind(StrEnum):
    """Where a redirect URI leads, by which is judged who may register it (RFC 8252 section 7)."""

    HTTPS = auto()
    """A server; or an application that its system knows to be the host's own (section 7.2)."""
    LOOPBACK = auto()
    """http and a loopback address (section 7.3)."""
    LOCALHOST = auto()
    """http and ``localhost``: a name for such an address, mostly (section 8.3)."""
    REVERSE_DOMAIN = auto()
    """A scheme that is a domain of its application's makers, backwards (section 7.1)."""
    PRIVATE_USE = auto()
    """Another scheme, which is nobody's: ``vscode:``, ``cursor:``."""


def kind(uri: str) -> Kind:
    """What ``uri``, which ``check`` let through, is."""
    scheme, _, rest = uri.partition(":")
    if scheme == "https":
        return Kind.HTTPS
    if scheme == "http":
        return Kind.LOCALHOST if rest.startswith("//localhost") else Kind.LOOPBACK
    return Kind.REVERSE_DOMAIN if "." in scheme else Kind.PRIVATE_USE


def check(uri: str) -> str:
    """``uri``, if some client may register it. Which one may is told by its ``kind``.

    A scheme is judged in any case of its letters, and an application's own is kept as it is
    spelled, since bundle identifiers have capitals; https and http are written small.

    Raises:
        ValueError: the sentence says which rule it breaks.
    """
    if "#" in uri:
        raise ValueError("must have no fragment")
    if "*" in uri:
        raise ValueError("must be one whole URI; wildcards are not matched")
    if not _CHARACTERS.fullmatch(uri):
        raise ValueError("must be an absolute URI in ASCII without spaces")
    if _HOST_AND_PORT.fullmatch(uri):
        raise ValueError("must begin with its scheme: https:// or http://")
    try:
        parts = urlsplit(uri)
    except ValueError:
        raise ValueError("must be an absolute URI with a valid host and port") from None
    if "@" in parts.netloc:
        raise ValueError("must have no user information")
    if not _has_good_port(parts):
        raise ValueError("must have a port from 1 to 65535 without zeros before it, or none")
    if parts.scheme in ("http", "https"):
        _check_web(uri, parts)
    elif not _REVERSE_DOMAIN.fullmatch(parts.scheme):
        _check_private_use(uri, parts)
    return uri


def check_server(uri: str) -> str:
    """``uri``, if a server can be asked there: by https, or by http on this machine.

    Raises:
        ValueError: the sentence says which rule it breaks.
    """
    if kind(check(uri)) in (Kind.REVERSE_DOMAIN, Kind.PRIVATE_USE):
        raise ValueError("must be https: it is a server that is told, not an application")
    return uri


def _check_web(uri: str, parts: SplitResult) -> None:
    if not uri.startswith(f"{parts.scheme}:"):
        raise ValueError("must have https or http in small letters")
    if parts.scheme == "https" and not parts.hostname:
        raise ValueError("must have a host")
    if parts.scheme == "http" and not _LOOPBACK.fullmatch(uri):
        raise ValueError("must be https; http is for 127.0.0.1, [::1] and localhost only")


def _check_private_use(uri: str, parts: SplitResult) -> None:
    scheme = parts.scheme
    if not _PRIVATE_USE.fullmatch(scheme):
        raise ValueError("must be https, http on a loopback address, or an application's scheme")
    if scheme in NOT_OF_AN_APPLICATION or scheme.startswith(_NOT_OF_AN_APPLICATION):
        raise ValueError(
            "must be https, http on a loopback address, or an application's scheme; "
            "browsers and systems act on this one themselves"
        )
    if not uri[len(scheme) :].startswith(":/"):
        raise ValueError("must have a slash behind its scheme")


def _has_good_port(parts: SplitResult) -> bool:
    _, colon, port = parts.netloc.rpartition("]")[2].partition(":")
    return not colon or _is_port(port)


def _is_port(text: str) -> bool:
    """True for 1 to 65535 in its one spelling."""
    return bool(_PORT.fullmatch(text)) and int(text) <= _HIGHEST_PORT


def matches(registered: str, presented: str) -> bool:
    """True where ``presented`` is ``registered``, character for character.

    The port of an http loopback URI is free: a native application takes what it gets from the
    system (RFC 8252 section 7.3). The host is not: ``localhost`` is ``localhost`` alone.
    """
    if presented == registered:
        return True
    ours, theirs = _LOOPBACK.fullmatch(registered), _LOOPBACK.fullmatch(presented)
    if ours is None or theirs is None:
        return False
    (host, _, rest), (their_host, port, their_rest) = ours.groups(), theirs.groups()
    return (host, rest) == (their_host, their_rest) and (port is None or _is_port(port))


def is_native(uri: str) -> bool:
    """True where ``uri`` leads to an application on the user's own machine (RFC 8252 section 7)."""
    return kind(uri) is not Kind.HTTPS


def host(uri: str) -> str:
    """The host that ``uri`` leads to; empty where it leads to an application."""
    return urlsplit(uri).hostname or ""
