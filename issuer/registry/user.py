"""A user: somebody whom the issuer can authenticate, or whom a login application vouches for."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StrictBool
from pydantic.dataclasses import dataclass

from issuer.registry.record import STRICT, Identifier, Instant, Text
from issuer.registry.scope import OFFLINE_ACCESS, OPENID, Scope
from issuer.registry.secret import PasswordHash

CLAIMS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "profile": (
            "name", "family_name", "given_name", "middle_name", "nickname", "preferred_username",
            "profile", "picture", "website", "gender", "birthdate", "zoneinfo", "locale",
            "updated_at",
        ),
        "email": ("email", "email_verified"),
        "address": ("address",),
        "phone": ("phone_number", "phone_number_verified"),
    }
)  # fmt: skip
"""Which scope tells a client what of a user (OpenID Connect Core section 5.4)."""

CLAIM_NAMES = tuple(name for names in CLAIMS.values() for name in names)

OPENID_SCOPES = (OPENID, *CLAIMS, OFFLINE_ACCESS)
"""What the issuer itself honours: who the user is, to whom that may be told."""

_BIRTHDATE = re.compile(r"[0-9]{4}(-[0-9]{2}-[0-9]{2})?")


def _check_web_page(url: str) -> str:
    if not url.startswith(("https://", "http://")):  # it becomes a link in somebody's page
        raise ValueError("must be the URL of a web page, such as https://example.com/alice")
    return url


def _check_birthdate(text: str) -> str:
    if not _BIRTHDATE.fullmatch(text):
        raise ValueError("must be a date such as 1990-12-31, 0000-12-31 without the year, or 1990")
    return text


WebPage = Annotated[Text, AfterValidator(_check_web_page)]


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class Address:
    """Where a user lives (OpenID Connect Core section 5.1.1)."""

    formatted: Annotated[str, Field(max_length=1000)] | None = None
    """As on a letter, with line ends."""
    street_address: Annotated[str, Field(max_length=1000)] | None = None
    locality: Text | None = None
    region: Text | None = None
    postal_code: Text | None = None
    country: Text | None = None


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class User:
    """A person, for the login page and the password grant; the claims are those of OpenID Connect
    Core section 5.1."""

    username: Identifier
    sub: Identifier = ""
    """What tokens call this user; the username where it is left out. Never a client_id."""
    password_hash: PasswordHash | None = Field(default=None, repr=False)
    """Without one the user cannot log in with a password."""
    active: StrictBool = True
    """False refuses the user everywhere, codes and refresh tokens included."""
    not_before: Instant | None = None
    """Codes and refresh tokens issued earlier are refused."""
    name: Text | None = None
    family_name: Text | None = None
    given_name: Text | None = None
    middle_name: Text | None = None
    nickname: Text | None = None
    preferred_username: Text | None = None
    """The username where it is left out."""
    profile: WebPage | None = None
    picture: WebPage | None = None
    website: WebPage | None = None
    gender: Text | None = None
    birthdate: Annotated[str, AfterValidator(_check_birthdate)] | None = None
    zoneinfo: Text | None = None
    """Such as Europe/Paris."""
    locale: Text | None = None
    """Such as fr-FR."""
    updated_at: Instant | None = None
    email: Text | None = None
    """Another name to log in with; case does not count in it."""
    email_verified: StrictBool | None = None
    address: Address | None = None
    phone_number: Text | None = None
    """Such as +33 1 23 45 67 89."""
    phone_number_verified: StrictBool | None = None

    def __post_init__(self) -> None:
        """Fills in ``sub``."""
        if not self.sub:
            object.__setattr__(self, "sub", self.username)

    @classmethod
    def of_claims(cls, sub: str, claims: Mapping[str, Any]) -> "User":
        """The user of whom a login application said this. What is no standard claim is dropped.

        Raises:
            ValueError: a claim is not of its type.
        """
        known = {name: claims[name] for name in CLAIM_NAMES if name in claims}
        return cls(username=sub, sub=sub, **known)

    def claims(self, scope: Scope) -> dict[str, Any]:
        """What ``scope`` lets a client know of the user (OpenID Connect Core section 5.4)."""
        names = [name for each, names in CLAIMS.items() if each in scope for name in names]
        known = {name: getattr(self, name) for name in names}
        if "preferred_username" in known:
            known["preferred_username"] = self.preferred_username or self.username
        if self.address is not None and "address" in known:
            held = {each: getattr(self.address, each) for each in Address.__dataclass_fields__}
            known["address"] = {name: value for name, value in held.items() if value is not None}
        return {name: value for name, value in known.items() if value is not None}
