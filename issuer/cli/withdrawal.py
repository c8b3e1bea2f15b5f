"""What a revocation means, in words: by what it holds, and what it does not reach."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from issuer.cli import asking
from issuer.cli.findings import argument, quoted
from issuer.cli.page import words
from issuer.cli.revocable import LASTS, Revocable
from issuer.registry import Registry
from issuer.registry.record import rfc3339
from keys.access_tokens import LEEWAY
from keys.spent import StoreUnavailable

BY_STORE = ""
"""In the place of the file that a line was drawn in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """What was revoked, by what, and what goes on all the same."""

    name: str
    what: str
    file: str
    """``BY_STORE``, or the file of the registry."""
    by_words: str
    line: int
    """What was issued before is revoked; 0 where all of it is, whenever it was issued."""
    not_covered: tuple[str, ...]

    def members(self) -> dict[str, object]:
        """The same for a program."""
        return {
            "revoked": self.name,
            "by": "not_before" if self.file else "replay_store",
            **({"file": self.file} if self.file else {}),
            **({"not_before": rfc3339(self.line)} if self.line else {}),
            "not_covered": list(self.not_covered),
        }


def of(registry: Registry, found: Revocable, file: str, now: int) -> Withdrawal:
    """What it means that ``found`` was revoked at ``now``."""
    return Withdrawal(
        name=found.name,
        what=found.what,
        file=file,
        by_words=_by_not_before(file) if file else _by_store(registry),
        line=now + 1 if found.is_line else 0,
        not_covered=(_offline(registry, found, now), *_NOT_COVERED[found.kind](registry, found)),
    )


def _by_store(registry: Registry) -> str:
    return (
        f"the replay store ({asking.kind(registry)}): every worker that shares it refuses it "
        "from now on"
    )


def _by_not_before(file: str) -> str:
    return (
        f"not_before in {file}: within five seconds every worker that reads it refuses codes and "
        "refresh tokens that are older; replicas with a copy of their own need it too"
    )


def _offline(registry: Registry, found: Revocable, now: int) -> str:
    most, which = registry.longest_access_token_lifetime(), "access tokens that are out"
    if found.kind == "session":  # which no access token names
        return f"{which}: they are accepted for up to {words(most + LEEWAY)} more"
    if found.kind == "token":
        most, which = min(most, max(0, found.forget_at - LASTS - now)), "the token"
    most += LEEWAY
    told = f"resource servers that verify offline accept {which} for up to {words(most)} more"
    if not registry.issuer.has_store:
        return told
    return f"{told}; those that follow the feed of revocations refuse within a minute"


def _of_token(_: Registry, found: Revocable) -> Iterator[str]:
    if found.grant_id:
        yield "the refresh token of its grant gets new ones; --grant in its place revokes both"


def _of_grant(_: Registry, found: Revocable) -> Iterator[str]:
    yield "the user's login session, in which the client may be given another grant"


def _of_session(_: Registry, found: Revocable) -> Iterator[str]:
    yield "refresh tokens with offline_access, which outlive the session they came from"
    yield "clients that are told when a user logs out: they are told at /logout alone"


def _of_user(registry: Registry, found: Revocable) -> Iterator[str]:
    keeps_out = f"{quoted(found.sub)} among blocked_subjects under [issuer]"
    if found.record:
        keeps_out = f"active = false in their table, or {keeps_out},"
    yield f"logging in again, and what is issued then; {keeps_out} keeps them out"


def _of_client(registry: Registry, found: Revocable) -> Iterator[str]:
    client = registry.clients.get(found.client_id)
    if client is None or client.is_public:
        yield "what it is given from now on, which takes users to log in again"
    else:
        yield (
            "what it is given from now on: its secrets are still good; "
            f"issuer client secret {argument(found.client_id)} --revoke-old takes them away"
        )


_NOT_COVERED: Mapping[str, Callable[[Registry, Revocable], Iterator[str]]] = MappingProxyType(
    {
        "token": _of_token,
        "grant": _of_grant,
        "session": _of_session,
        "user": _of_user,
        "client": _of_client,
    }
)


def why_not_alone(registry: Registry, found: Revocable) -> Iterator[str]:
    """What can be done where one thing cannot be revoked."""
    if registry.issuer.has_store:
        yield f"Nothing was revoked: a {found.kind} has no not_before; leave --not-before out."
        return
    yield (
        f"Nothing was revoked: without a store nobody remembers that one {found.kind} was. "
        "Set replay_store under [issuer] and restart."
    )
    wider = {"client": found.client_id, "user": found.sub}
    if found.sub == found.client_id:  # its own, and no user's
        del wider["user"]
    for option, name in wider.items():
        if name:
            yield f"Or revoke all of its {option}: issuer revoke --{option} {argument(name)}"
    if not found.sub and not found.client_id:
        yield "Or revoke everything of its user or client: --user, --client."


def why_no_line(registry: Registry, found: Revocable) -> Iterator[str]:
    """What can be done where the registry has no table to draw a line in."""
    where = "has no table for" if found.kind == "client" else "does not know"
    yield f"Nothing was revoked: the registry {where} {quoted(found.sub or found.client_id)}."
    if found.kind == "user":
        yield "Put the sub among blocked_subjects under [issuer]: that refuses all of theirs."
    else:
        yield "All that the client had is refused already, except by who verifies offline."
    if registry.issuer.has_store:
        yield "Or leave --not-before out: the replay store needs no table."


def why_no_store(
    registry: Registry, found: Revocable, unavailable: StoreUnavailable
) -> Iterator[str]:
    """What can be done where the store did not answer."""
    yield (
        f"Nothing was revoked: the replay store ({asking.kind(registry)}) cannot be asked: "
        f"{unavailable}."
    )
    yield "Run this where the workers run, as their user, and try again."
    if found.is_line and found.record:
        yield "Or add --not-before, which needs no store."
