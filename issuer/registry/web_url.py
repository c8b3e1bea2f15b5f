"""URLs of the web that are safe to name: https, or http on this very machine."""

from urllib.parse import SplitResult, urlsplit

from issuer.registry.redirect_uri import LOOPBACK_HOSTS


def split(url: str) -> SplitResult:
    """The parts of ``url``. What stands behind the host is not checked.

    Raises:
        ValueError: it is no absolute URL, or neither https nor on a loopback address.
    """
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  reading it is what checks it
    except ValueError:
        raise ValueError("must be an absolute URL") from None
    loopback = parts.hostname in {*LOOPBACK_HOSTS, "localhost"}
    if parts.scheme != "https" and not (parts.scheme == "http" and loopback):
        raise ValueError("must be https; http is for 127.0.0.1, [::1] and localhost only")
    return parts
