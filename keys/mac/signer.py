"""Signing requests: the client's side (draft-ietf-oauth-v2-http-mac-01 and -02)."""

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from keys.mac.attributes import SHA_256, Credentials, to_header
from keys.mac.signed_request import ALGORITHMS, Request, body_hash, compute, normalize

_NONCE_BYTES = 12
_MEMBERS = ("access_token", "mac_key", "mac_algorithm")


def seconds() -> int:
    """The time. Only the classes that sign for a library read it."""
    # The public edge: a client has no clock of ours to pass.
    return int(time.time())  # noqa: TID251


@dataclass(frozen=True, slots=True, kw_only=True)
class MacCredentials:
    """An access token and the key that its requests are signed with."""

    access_token: str = field(repr=False)
    mac_key: str = field(repr=False)
    mac_algorithm: str

    def __post_init__(self) -> None:
        if self.mac_algorithm not in ALGORITHMS:
            raise ValueError(f"the mac_algorithm is one of {', '.join(ALGORITHMS)}")

    @classmethod
    def of(cls, token: "MacCredentials | Mapping[str, Any]") -> "MacCredentials":
        """The credentials that ``token`` is, or that ``from_response`` finds in it.

        Raises:
            ValueError: as ``from_response``.
        """
        return token if isinstance(token, MacCredentials) else cls.from_response(token)

    @classmethod
    def from_response(cls, token_response: Mapping[str, Any]) -> Self:
        """The credentials in the answer of a token endpoint.

        Raises:
            ValueError: it is not about a token of this type, or not all is there.
        """
        if str(token_response.get("token_type")).lower() != "mac":
            raise ValueError("the token_type is not mac")
        members = {name: token_response.get(name) for name in _MEMBERS}
        if not all(isinstance(value, str) and value for value in members.values()):
            raise ValueError(f"{', '.join(_MEMBERS)} are needed")
        return cls(**{name: str(value) for name, value in members.items()})


def authorization(
    request: Request, credentials: MacCredentials, *, ts: int, nonce: str, ext: str = ""
) -> str:
    """The field ``Authorization`` for ``request``. ``ts`` is in seconds since 1970.

    ``nonce`` is never to be used again with the same token and ``ts``.

    Raises:
        ValueError: a part has a character that cannot be written.
    """
    text = normalize(request, ts=ts, nonce=nonce, ext=ext)
    mac = compute(credentials.mac_key.encode(), credentials.mac_algorithm, text)
    return to_header(Credentials(id=credentials.access_token, ts=ts, nonce=nonce, ext=ext, mac=mac))


class Signer:
    """Signs requests as they are sent, each with a nonce of its own."""

    def __init__(self, credentials: MacCredentials, clock: Callable[[], int] = seconds) -> None:
        self._credentials = credentials
        self._clock = clock

    def sign(self, request: Request, body: bytes | None = None) -> str:
        """The field ``Authorization``. The MAC covers ``body``, unless it is ``None``."""
        return authorization(
            request,
            self._credentials,
            ts=self._clock(),
            nonce=secrets.token_urlsafe(_NONCE_BYTES),
            ext="" if body is None else SHA_256 + body_hash(body),
        )
