"""How the issuer looks to people: the ``[branding]`` table, and the links and logos of clients."""

import re
from base64 import b64decode
from binascii import Error as Base64Error
from typing import Annotated

from pydantic import AfterValidator
from pydantic.dataclasses import dataclass

from issuer.registry import web_url
from issuer.registry.record import STRICT, Text

MAX_LOGO = 32 * 1024
"""Characters of a logo's URI: it travels with every page."""

DEFAULT_COLOR = "#2f55c8"

_LOGO = re.compile(r"data:image/(?:png|jpeg|gif|webp|svg\+xml);base64,(.+)", re.DOTALL)
_COLOR = re.compile(r"#[0-9a-f]{6}", re.IGNORECASE | re.ASCII)


def _check_link(uri: str) -> str:
    parts = web_url.split(uri)
    if not parts.hostname or "@" in parts.netloc or re.search(r"[\s\\]", uri):
        raise ValueError("must be a URL with a host, without user information or spaces")
    return uri


def _check_logo(uri: str) -> str:
    if len(uri) > MAX_LOGO:
        raise ValueError(f"is longer than {MAX_LOGO // 1024} KiB")
    image = _LOGO.fullmatch(uri)
    if not image:
        raise ValueError(
            "must be the image itself, as data:image/png;base64,… (or jpeg, gif, webp, svg+xml): "
            "pages load nothing from elsewhere"
        )
    try:
        b64decode(image[1], validate=True)
    except Base64Error:
        raise ValueError("must be base64 behind the comma") from None
    return uri


def _check_color(color: str) -> str:
    if not _COLOR.fullmatch(color):
        raise ValueError("must be six hexadecimal digits, such as #2f55c8")
    return color.lower()


Link = Annotated[Text, AfterValidator(_check_link)]
"""A page for people, on the web: never ``javascript:`` or another scheme that a click runs."""

Logo = Annotated[str, AfterValidator(_check_logo)]
"""An image as a ``data:`` URI."""

Color = Annotated[str, AfterValidator(_check_color)]


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class Branding:
    """What the pages show of whoever runs the issuer."""

    name: Text = ""
    """What people call it, such as the company's name. It stands above every page."""
    logo: Logo | None = None
    """Shown in the place of the name, 40 pixels high at most."""
    color: Color = DEFAULT_COLOR
    """Of buttons and, where it can be read, links. Text on it turns black or white by itself."""
    policy_uri: Link | None = None
    """The privacy policy."""
    tos_uri: Link | None = None
    """The terms of service."""
