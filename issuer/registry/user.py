"""A user: somebody whom the issuer can authenticate, or whom a login application vouches for."""

import json
import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import AfterValidator, Field, JsonValue, StrictBool
from pydantic.dataclasses import dataclass

from issuer.registry.client_claims import ISSUER_CLAIMS, check_claims
from issuer.registry.record import STRICT, Identifier, Instant, Text
from issuer.registry.scope import OFFLINE_ACCESS, OPENID
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

_STANDARD = frozenset(CLAIM_NAMES)

OPENID_SCOPES = (OPENID, *CLAIMS, OFFLINE_ACCESS)
"""What the issuer itself honours: who the user is, to whom that may be told."""

GROUPS, ROLES = "groups", "roles"
"""The claims that people decide by: arrays of strings, whoever says them."""

MAX_CLAIMS = 4096
"""Characters, as JSON, of what is said of one user beyond the standard claims."""

_BIRTHDATE = re.compile(r"[0-9]{4}(-[0-9]{2}-[0-9]{2})?")


def _check_web_page(url: str) -> str:
    if not url.startswith(("https://", "http://")):  # it becomes a link in somebody's page
        raise ValueError("must be the URL of a web page, such as https://example.com/alice")
    return url


def _check_birthdate(text: str) -> str:
    if not _BIRTHDATE.fullmatch(text):
        raise ValueError("must be a date such as 1990-12-31, 0000-12-31 without the year, or 1990")
    return text


def check_claim_name(name: str) -> str:
    """``name``, where it is for a user's record to say. Raises ``ValueError``."""
    if name in ISSUER_CLAIMS:
        raise ValueError("is what the issuer says itself: take another name")
    return name


def check_custom(claims: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """``claims`` that no standard has, each of its type. Raises ``ValueError``."""
    check_claims(claims)
    standard = sorted(claims.keys() & set(CLAIM_NAMES))
    if standard:
        raise ValueError(f"must not have {', '.join(standard)}: each is a field of its own")
    for name in (GROUPS, ROLES):
        value = claims.get(name, [])
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise ValueError(f'must have {name} as a list of texts, such as {name} = ["ops"]')
    if len(json.dumps(claims, ensure_ascii=False)) > MAX_CLAIMS:
        raise ValueError(f"must have at most {MAX_CLAIMS} characters as JSON: tokens carry them")
    return claims


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
    claims: Annotated[dict[str, JsonValue], AfterValidator(check_custom)] = Field(
        default_factory=dict
    )
    """What else there is to say of the user, such as { department = "ops" }; the ``[claims]`` table
    says to whom. What is in ``groups`` and ``roles`` is said beside what the user's groups give."""

    def __post_init__(self) -> None:
        """Fills in ``sub``."""
        if not self.sub:
            object.__setattr__(self, "sub", self.username)

    @classmethod
    def of_claims(cls, sub: str, claims: Mapping[str, Any]) -> "User":
        """The user of whom a login application said this. What the issuer says itself is dropped.

        Raises:
            ValueError: a claim is not of its type.
        """
        known = {name: claims[name] for name in CLAIM_NAMES if name in claims}
        taken = {*CLAIM_NAMES, *ISSUER_CLAIMS}
        custom = {name: value for name, value in claims.items() if name not in taken}
        return cls(username=sub, sub=sub, claims=custom, **known)

    def said(self, names: Iterable[str]) -> dict[str, Any]:
        """What the record itself says of the claims with these names."""
        said = {name: self._said(name) for name in names}
        return {name: value for name, value in said.items() if value is not None}

    def _said(self, name: str) -> Any:
        if name not in _STANDARD:
            return self.claims.get(name)
        if name == "preferred_username":
            return self.preferred_username or self.username
        if name == "address" and self.address is not None:
            held = {each: getattr(self.address, each) for each in Address.__dataclass_fields__}
            return {name: value for name, value in held.items() if value is not None}
        return getattr(self, name)
