"""The ``[issuer]`` table: what the issuer says of itself."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator
from pydantic.dataclasses import dataclass

from issuer.record import (
    STRICT,
    AccessTokenLifetime,
    AuthorizationCodeLifetime,
    Instant,
    RefreshTokenLifetime,
)
from issuer.redirect_uri import LOOPBACK_HOSTS


def _check_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  reading it is what checks it
    except ValueError:
        raise ValueError("must be an absolute URL") from None
    loopback = parts.hostname in {*LOOPBACK_HOSTS, "localhost"}
    if parts.scheme != "https" and not (parts.scheme == "http" and loopback):
        raise ValueError("must be https; http is for 127.0.0.1, [::1] and localhost only")
    if not parts.hostname or "@" in parts.netloc or "?" in url or "#" in url:
        raise ValueError("must be a URL without user information, query or fragment (RFC 8414)")
    if url.endswith("/") or not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("must be ASCII and must not end in a slash: clients compare it exactly")
    return url


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class Settings:
    """What holds for every client and resource that does not say otherwise."""

    url: Annotated[str, AfterValidator(_check_url)]
    """The issuer identifier: the ``iss`` of every token (RFC 8414 section 2)."""
    access_token_lifetime: AccessTokenLifetime = 600
    """Seconds."""
    refresh_token_lifetime: RefreshTokenLifetime = 2_592_000
    """Seconds from the user's authorization; refreshing never extends it."""
    authorization_code_lifetime: AuthorizationCodeLifetime = 60
    """Seconds."""
    replay_store: str = "none"
    """Where what may be used once is remembered: ``none``, or ``sqlite:`` and a file's path."""
    not_before: Instant | None = None
    """Codes and refresh tokens issued earlier are refused, whoever's they are."""
    login_url: str | None = None
    """The team's own login application, in place of the login page."""
