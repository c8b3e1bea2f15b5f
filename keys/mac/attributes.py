"""The ``Authorization: MAC`` header field (draft-ietf-oauth-v2-http-mac-01 section 3.1)."""

import re
from dataclasses import dataclass, field

from keys.errors import InvalidMac

MAX_AUTHORIZATION = 8190
"""Characters of the longest header field that is looked at."""

MAX_NONCE = 256
"""Characters of the longest nonce: every one of them is remembered for a while."""

SHA_256 = "sha-256="
"""What ``ext`` begins with if the rest of it is the SHA-256 of the body, in base64."""

_NEEDED = frozenset({"id", "nonce", "mac"})
_ATTRIBUTES = _NEEDED | {"ts", "ext", "bodyhash"}

_PLAIN = r"[\x20\x21\x23-\x5b\x5d-\x7e]"  # the plain-string of the draft: nothing to escape
# Without quotation marks a value ends at a blank or a comma, as in RFC 9110 section 11.2.
_VALUE = rf'(?:"({_PLAIN}*)"|([\x21\x23-\x2b\x2d-\x5b\x5d-\x7e]+))'
_ATTRIBUTE = re.compile(rf" *([A-Za-z]+)={_VALUE} *,")
_PLAIN_STRING = re.compile(rf"{_PLAIN}*")
_TIMESTAMP = re.compile(r"[1-9][0-9]{0,11}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a request shows. That none of it is true yet, is for the verifier to change."""

    id: str = field(repr=False)
    """The access token."""
    nonce: str
    mac: str = field(repr=False)
    ts: int | None = None
    """Seconds since 1970; ``None`` in draft 00, whose nonce begins with the age of the token."""
    ext: str = ""
    bodyhash: str = ""
    """Of draft 00 alone: the MAC of the later drafts does not cover it."""

    @property
    def has_body_hash(self) -> bool:
        """Whether the MAC covers the body."""
        return bool(self.bodyhash) or self.ext.startswith(SHA_256)


def parse(authorization: str | None) -> Credentials | None:
    """The credentials in a header field; ``None`` if there are none of this scheme.

    Attributes may come in any order and none of them twice. One that the drafts do not define is
    refused: the MAC would not cover it.

    Raises:
        InvalidMac: they are of this scheme and not of this form.
    """
    scheme, _, rest = (authorization or "").partition(" ")
    if scheme.lower() != "mac":
        return None
    if len(rest) > MAX_AUTHORIZATION - len("MAC "):
        raise InvalidMac(f"header: longer than {MAX_AUTHORIZATION} characters")
    attributes = _attributes(rest)
    if not attributes.keys() >= _NEEDED:
        raise InvalidMac("header: id, nonce and mac are needed")
    if not attributes.keys() <= _ATTRIBUTES:
        raise InvalidMac("header: an unknown attribute")
    return _credentials(attributes)


def to_header(credentials: Credentials) -> str:
    """The header field for ``credentials``.

    Raises:
        ValueError: a part of them cannot be written.
    """
    values = {
        "id": credentials.id,
        "ts": "" if credentials.ts is None else str(credentials.ts),
        "nonce": credentials.nonce,
        "bodyhash": credentials.bodyhash,
        "ext": credentials.ext,
        "mac": credentials.mac,
    }
    for name, value in values.items():
        if not _PLAIN_STRING.fullmatch(value):
            raise ValueError(f"{name} has a character that cannot be written")
    return "MAC " + ", ".join(f'{name}="{value}"' for name, value in values.items() if value)


def _attributes(text: str) -> dict[str, str]:
    attributes: dict[str, str] = {}
    text += ","  # Every attribute ends with one; a comma that nothing follows is one too many.
    position = 0
    while position < len(text):
        match = _ATTRIBUTE.match(text, position)
        if match is None:
            raise InvalidMac("header: not attributes, each with its value")
        name, quoted, bare = match.groups()
        name = name.lower()
        if name in attributes:
            raise InvalidMac("header: an attribute is there twice")
        attributes[name] = bare or quoted
        position = match.end()
    return attributes


def _credentials(attributes: dict[str, str]) -> Credentials:
    ts = attributes.get("ts")
    if ts is not None and not _TIMESTAMP.fullmatch(ts):
        raise InvalidMac("header: ts is no timestamp")
    if ts is not None and attributes.get("bodyhash"):
        raise InvalidMac("header: no draft has both ts and bodyhash")
    if not 0 < len(attributes["nonce"]) <= MAX_NONCE:
        raise InvalidMac(f"header: the nonce is empty, or longer than {MAX_NONCE} characters")
    return Credentials(
        id=attributes["id"],
        nonce=attributes["nonce"],
        mac=attributes["mac"],
        ts=None if ts is None else int(ts),
        ext=attributes.get("ext", ""),
        bodyhash=attributes.get("bodyhash", ""),
    )
