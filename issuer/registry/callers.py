"""Those who prove by a secret who they are: clients, and resource servers that ask about tokens."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar
from zlib import crc32

from issuer.registry import secret
from issuer.registry.client import ClientSecret


class Caller(Protocol):
    """How one of them proves that it is the one."""

    @property
    def auth_method(self) -> str:
        """The row of ``CLIENT_AUTH`` that it registered."""

    @property
    def client_secrets(self) -> tuple[ClientSecret, ...]:
        """By what; none where it proves nothing."""


C = TypeVar("C", bound=Caller)


@dataclass(frozen=True, slots=True)
class Callers(Generic[C]):
    """Those who can call the same endpoints."""

    known: Mapping[str, C]
    """By what they call themselves there: the ``client_id`` of a request."""
    has_stretched_secrets: bool
    """True where comparing some secret of theirs takes milliseconds."""
    _salt: int = field(repr=False)
    _decoys: tuple[tuple[ClientSecret, ...], ...] = field(repr=False)

    @classmethod
    def of(cls, known: Mapping[str, C], digest: str) -> "Callers[C]":
        """These, of a registry with this digest."""
        held = tuple(each.client_secrets for each in known.values() if each.client_secrets)
        return cls(
            known=known,
            has_stretched_secrets=any(
                secret.is_stretched(each.hash) for secrets in held for each in secrets
            ),
            _salt=crc32(digest.encode()),
            _decoys=held,
        )

    def decoy_secrets(self, name: str) -> tuple[ClientSecret, ...]:
        """Somebody's secrets, for one who has none: refusing both takes alike.

        The same name gets the same ones everywhere, so that asking twice tells nothing.
        """
        if not self._decoys:
            return ()
        picked = crc32(name.encode(errors="surrogatepass"), self._salt)
        return self._decoys[picked % len(self._decoys)]
