"""The nonces of DPoP proofs, which each replica makes of the clock and the key ring (RFC 9449 8).

A window of time has one nonce, by the sealing key that is current where the window begins. So all
replicas mean the same one, on both sides of a rotation.
"""

from functools import lru_cache

from issuer.server import AuthorizationServer
from keys.dpop_nonce import LIFETIME, Nonces

_PURPOSE = "dpop_nonce"


def current(server: AuthorizationServer, now: int) -> str:
    """What a client is to put into its next proof.

    Raises:
        TemporarilyUnavailable: the key ring has no key for this time.
    """
    return _of(server, now, now).current(now)


def accepts(server: AuthorizationServer, nonce: str | None, now: int) -> bool:
    """Whether ``nonce`` was given out lately, by whichever replica.

    Raises:
        TemporarilyUnavailable: as ``current``.
    """
    windows = {_of(server, at, now) for at in (now - LIFETIME, now, now + LIFETIME)}
    return any([each.accepts(nonce, now) for each in windows])


def _of(server: AuthorizationServer, at: int, now: int) -> Nonces:
    """The nonces by the key of the window around ``at``."""
    return _nonces(server.secret(_PURPOSE, now=now, at=at - at % LIFETIME))


@lru_cache(maxsize=8)
def _nonces(secret: bytes) -> Nonces:
    return Nonces(secret)
