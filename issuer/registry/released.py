"""What people are in, and which scope tells whom of it, and where.

The scopes of OpenID Connect Core section 5.4 tell what they always tell. The ``[claims]`` table
adds to that: for each claim its scopes, and the tokens and answers that it is told in. What
somebody is in is asked of the live registry each time: a token says what held when it was issued.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import AfterValidator, Field
from pydantic.dataclasses import dataclass as record

from issuer.registry.record import STRICT, Identifier, Names, ScopeToken, distinct
from issuer.registry.scope import OFFLINE_ACCESS, Scope
from issuer.registry.user import CLAIMS, GROUPS, OPENID_SCOPES, ROLES, User, check_claim_name


class Place(StrEnum):
    """Where something is told of a user."""

    ID_TOKEN = "id_token"  # what it is called
    USERINFO = "userinfo"
    ACCESS_TOKEN = "access_token"


_STANDARD = frozenset({Place.ID_TOKEN, Place.USERINFO})


def _check_scopes(scopes: tuple[str, ...]) -> tuple[str, ...]:
    if OFFLINE_ACCESS in scopes:
        raise ValueError(f"must not have {OFFLINE_ACCESS}, which tells nothing of a user")
    return distinct(scopes)


@record(frozen=True, slots=True, kw_only=True, config=STRICT)
class ReleasedClaim:
    """A claim, and who is told it: its scopes, and where."""

    claim: Annotated[ScopeToken, AfterValidator(check_claim_name)]
    scopes: Annotated[tuple[ScopeToken, ...], AfterValidator(_check_scopes)] = ()
    """With any of them a client is told it; the scope of its own name, if left out."""
    told_in: Annotated[tuple[Place, ...], AfterValidator(distinct), Field(min_length=1)] = (
        Place.ID_TOKEN,
        Place.USERINFO,
    )
    """Of id_token, userinfo and access_token."""

    def __post_init__(self) -> None:
        """Fills in ``scopes``."""
        if not self.scopes:
            object.__setattr__(self, "scopes", (self.claim,))


@record(frozen=True, slots=True, kw_only=True, config=STRICT)
class Group:
    """Some users, under the name that the ``groups`` claim of each has."""

    group: Identifier
    users: Names = ()
    """By their usernames."""
    subjects: Annotated[tuple[Identifier, ...], AfterValidator(distinct)] = ()
    """By their ``sub``: also those of whom the registry knows nothing else, and whom a login
    application vouches for."""
    roles: Annotated[tuple[Identifier, ...], AfterValidator(distinct)] = ()
    """What the ``roles`` claim of each of them has."""


@dataclass(frozen=True, slots=True)
class Releasing:
    """The rules of the ``[claims]`` table and the groups, ready to be asked."""

    scopes: tuple[str, ...]
    """What the issuer itself honours, those of the table included."""
    about_user: frozenset[str]
    """Those of them that tell something of a user, with ``openid`` beside them."""
    names: tuple[str, ...]
    """The claims that some scope tells, those of the standard aside."""
    tells_in_access_tokens: bool
    _rules: Mapping[Place, tuple[tuple[str, str], ...]] = field(repr=False)
    _groups: Mapping[str, tuple[str, ...]] = field(repr=False)
    _roles: Mapping[str, tuple[str, ...]] = field(repr=False)

    @classmethod
    def of(
        cls, claims: Iterable[ReleasedClaim], groups: Iterable[Group], users: Iterable[User]
    ) -> "Releasing":
        """What these say together. A group's name for nobody is passed over."""
        claims, groups = tuple(claims), tuple(groups)
        scopes = dict.fromkeys((*OPENID_SCOPES, *(s for each in claims for s in each.scopes)))
        standard = tuple((scope, name) for scope, names in CLAIMS.items() for name in names)
        rules = {
            place: (standard if place in _STANDARD else ())
            + tuple(
                (scope, each.claim)
                for each in claims
                if place in each.told_in
                for scope in each.scopes
            )
            for place in Place
        }
        subs = {each.username: each.sub for each in users} if groups else {}
        in_groups: dict[str, list[str]] = {}
        in_roles: dict[str, list[str]] = {}
        for group in groups:
            members = {subs[name] for name in group.users if name in subs}.union(group.subjects)
            for sub in members:
                in_groups.setdefault(sub, []).append(group.group)
                in_roles.setdefault(sub, []).extend(group.roles)
        return cls(
            scopes=tuple(scopes),
            about_user=frozenset(scopes).difference((OPENID_SCOPES[0], OFFLINE_ACCESS)),
            names=tuple(each.claim for each in claims if each.claim not in _STANDARD_NAMES),
            tells_in_access_tokens=bool(rules[Place.ACCESS_TOKEN]),
            _rules=MappingProxyType(rules),
            _groups=MappingProxyType({sub: tuple(each) for sub, each in in_groups.items()}),
            _roles=MappingProxyType({sub: tuple(each) for sub, each in in_roles.items()}),
        )

    def told(
        self, user: User, scope: Scope, place: Place, also: Iterable[str] = ()
    ) -> dict[str, Any]:
        """What ``scope`` lets a client know of ``user`` at ``place``, and ``also`` these claims."""
        return self._with_groups(user, self._names(scope, place, also))

    def sealable(self, user: User, scope: Scope, also: Iterable[str] = ()) -> dict[str, Any]:
        """What userinfo has to be told of ``user`` to say the same, the groups of the registry
        aside: these it asks for when it says it."""
        return user.said(self._names(scope, Place.USERINFO, also))

    def may_be_asked(self, names: Iterable[str], scope: Scope, place: Place) -> tuple[str, ...]:
        """Those of ``names`` that a client of this ``scope`` may ask for alone at ``place``: what
        some scope of it tells there."""
        told = {name for each, name in self._rules[place] if each in scope}
        return tuple([name for name in names if name in told])

    def groups_of(self, sub: str) -> tuple[str, ...]:
        """The groups of the registry that the user called ``sub`` is in."""
        return self._groups.get(sub, ())

    def in_any_group(self) -> Iterable[str]:
        """The ``sub`` of everybody who is in a group."""
        return self._groups.keys()

    def size(self, user: User, place: Place) -> int:
        """Characters that all there is to tell of ``user`` at ``place`` takes in a JWT."""
        told = self._with_groups(user, dict.fromkeys(name for _, name in self._rules[place]))
        told = {name: value for name, value in told.items() if name not in _STANDARD_NAMES}
        return -(-4 * len(json.dumps(told, separators=(",", ":")).encode()) // 3) if told else 0

    def _names(self, scope: Scope, place: Place, also: Iterable[str]) -> dict[str, None]:
        names = dict.fromkeys(name for each, name in self._rules[place] if each in scope)
        names.update(dict.fromkeys(also))
        return names

    def _with_groups(self, user: User, names: Iterable[str]) -> dict[str, Any]:
        names = tuple(names)
        told = user.said(names)
        for name, held in ((GROUPS, self._groups), (ROLES, self._roles)):
            if name in names and user.sub in held:
                told[name] = sorted({*told.get(name, ()), *held[user.sub]})
        return told


_STANDARD_NAMES = frozenset(name for names in CLAIMS.values() for name in names)
