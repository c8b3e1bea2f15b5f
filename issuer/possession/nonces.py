"""The nonces of DPoP proofs, which each replica makes of the clock and the key ring (RFC 9449 8).

A window of time has one nonce, by the sealing key that is current where the window begins. So all
replicas mean the same one, on both sides of a rotation.
"""

from typing import NamedTuple

from issuer.server import AuthorizationServer
from keys.dpop_nonce import LIFETIME, Nonces

_PURPOSE = "dpop_nonce"


class _Window(NamedTuple):
    """What is given out and accepted for ``LIFETIME`` seconds."""

    begins_at: int
    current: str
    accepted: frozenset[str]
    """``current``, and those of the windows before and after."""


def current(server: AuthorizationServer, now: int) -> str:
    """What a client is to put into its next proof.

    Raises:
        TemporarilyUnavailable: the key ring has no key for this time.
    """
    return _window(server, now).current


def accepts(server: AuthorizationServer, nonce: str | None, now: int) -> bool:
    """Whether ``nonce`` was given out lately, by whichever replica.

    Raises:
        TemporarilyUnavailable: as ``current``.
    """
    # A set looks at hashes first, of a process's own seed: how long it takes says nothing.
    return nonce in _window(server, now).accepted


def _window(server: AuthorizationServer, now: int) -> _Window:
    """That of ``now``, worked out once for each snapshot and window."""
    held: _Window | None = server.memo.get(_PURPOSE)
    begins_at = now - now % LIFETIME
    if held is None or held.begins_at != begins_at:
        before, this, after = (
            Nonces(server.secret(_PURPOSE, now=now, at=at)).current(at)
            for at in (begins_at - LIFETIME, begins_at, begins_at + LIFETIME)
        )
        held = _Window(begins_at, this, frozenset({before, this, after}))
        server.memo[_PURPOSE] = held
    return held
