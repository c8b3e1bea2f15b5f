"""The public keys that a client signs with (RFC 7517), as clients really publish them.

Many leave out ``alg``, and some ``kid``. What a key may do is narrow all the same: a key is for one
algorithm, never for whatever a token says (RFC 8725 section 3.1). Without an ``alg`` of its own
that is the one which the client registered, or else ES256 on P-256, EdDSA on Ed25519, and RS256,
the oldest, for RSA.
"""

from binascii import Error, a2b_base64
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from keys.algorithms import ALGORITHMS, FULLY_SPECIFIED, thumbprint
from keys.encoding import parse_object
from keys.jwks import SECRET_MEMBERS, VerificationKey

MAX_KEYS = 20
"""Keys of one client: a token that names none of them is compared with each."""

MAX_BYTES = 262_144
"""Of a JWK Set in a file of its own, or fetched."""

MAX_KID = 256
"""Characters of what a key is called."""

LOADED = 4096
"""Keys that are kept as numbers, ready to verify with: loading one takes as long as verifying."""


class ClientKey(NamedTuple):
    """One public key, as text: of very many clients few are here at a time."""

    kid: str | None
    algs: tuple[str, ...]
    """What it can be for: one ``alg``, but several where it is RSA and does not say."""
    members: tuple[tuple[str, str], ...]
    certificate: bytes = b""
    """The first of its ``x5c``, in DER."""

    def as_jwk(self) -> dict[str, str]:
        """The key, and what it says of itself."""
        kid = {} if self.kid is None else {"kid": self.kid}
        alg = {"alg": self.algs[0]} if len(self.algs) == 1 else {}
        return {**dict(self.members), **kid, **alg, "use": "sig"}

    def alg(self, registered: str | None) -> str | None:
        """The one algorithm that it is for, where its client registered this one, or none."""
        if registered is None:
            return next(iter(self.algs), None)
        return registered if registered in self.algs else None


@dataclass(frozen=True, slots=True)
class ClientKeys:
    """All keys of one client."""

    keys: tuple[ClientKey, ...] = ()

    def find(
        self, kid: object, alg: object, registered: str | None = None
    ) -> tuple[VerificationKey, ...]:
        """Those that a token with this ``kid`` and ``alg`` in its header may be signed by.

        A ``kid`` is the client's word for one key. Keys without one are tried where none has it;
        without a ``kid`` all are. ``registered`` is the ``alg`` that the client registered.
        """
        named = self.keys
        if kid is not None:
            named = tuple(each for each in self.keys if each.kid == kid)
            named = named or tuple(each for each in self.keys if each.kid is None)
        return tuple(
            _loaded(each, alg)
            for each in named
            if isinstance(alg, str) and alg == each.alg(registered)
        )

    def can(self, registered: str | None) -> bool:
        """Whether some key is for the ``alg`` that the client registered, or for any."""
        return any(each.alg(registered) is not None for each in self.keys)

    def as_jwks(self) -> dict[str, Any]:
        """A JWK Set of those that sign."""
        found = [each for each in self.keys if each.algs]
        return {"keys": [each.as_jwk() for each in found]}

    @property
    def kinds(self) -> frozenset[tuple[str, ...]]:
        """All that they can be for."""
        return frozenset(each.algs for each in self.keys)

    @property
    def certificates(self) -> tuple[bytes, ...]:
        """The certificates of keys, in DER, whatever the keys are for (RFC 8705 section 2.2)."""
        return tuple(each.certificate for each in self.keys if each.certificate)


def algs(keys: ClientKeys | None, registered: str | None) -> Collection[str]:
    """What a client with these keys may sign by; None are keys of which nobody here knows."""
    if keys is None:
        return ALGORITHMS if registered is None else (registered,)
    return {alg for each in keys.keys if (alg := each.alg(registered)) is not None}


def examined(jwks: object) -> ClientKeys:
    """The keys in ``jwks``, which somebody wrote down by hand or copied here.

    Keys that are for something else are left out. What is meant as a key and is none is not.

    Raises:
        ValueError: the sentence says which key is wrong and what about it, and never quotes it.
    """
    return _read(jwks, _named)


def usable(data: bytes) -> ClientKeys:
    """The keys in the JWK Set that a client publishes as ``data``; those that are none are left
    out (RFC 7517 section 5), and so is a private one, which is nobody's alone any more.

    Raises:
        ValueError: it is no JWK Set, or has too many keys.
    """
    return _read(parse_object(data), _forgiven)


def _read(jwks: object, read: Callable[[int, object], ClientKey | None]) -> ClientKeys:
    listed = jwks.get("keys") if isinstance(jwks, Mapping) else None
    if not isinstance(listed, list):
        raise ValueError('must be a JWK Set, which has a list called "keys"')  # noqa: TRY004
    if len(listed) > MAX_KEYS:
        raise ValueError(f"must have at most {MAX_KEYS} keys")
    found = (read(number, jwk) for number, jwk in enumerate(listed))
    return ClientKeys(tuple(key for key in found if key is not None))


def _named(number: int, jwk: object) -> ClientKey | None:
    try:
        return _key(jwk)
    except ValueError as error:
        raise ValueError(f"keys[{number}] {error}") from None


def _forgiven(_: int, jwk: object) -> ClientKey | None:
    try:
        return _key(jwk)
    except ValueError:
        return None


def _key(jwk: object) -> ClientKey | None:
    """The key that ``jwk`` is; None where it is for something else."""
    if not isinstance(jwk, Mapping):
        raise ValueError("must be a JWK, which is a table with kty")  # noqa: TRY004
    if jwk.keys() & SECRET_MEMBERS:
        private = ", ".join(sorted(jwk.keys() & SECRET_MEMBERS))
        raise ValueError(f"must be the public half alone: take out {private}, and make a new key")
    kid, certificate = jwk.get("kid"), _certificate(jwk)
    if kid is not None and not (isinstance(kid, str) and 0 < len(kid) <= MAX_KID):
        raise ValueError(f"must have text as its kid, of 1 to {MAX_KID} characters, or none")
    algs = _algs(jwk)
    if not algs:
        return ClientKey(kid, (), (), certificate) if certificate else None
    row = ALGORITHMS[algs[0]]
    public = row.to_jwk(row.load_public(jwk))
    return ClientKey(kid, algs, tuple(public.items()), certificate)


def _algs(jwk: Mapping[str, Any]) -> tuple[str, ...]:
    """What it can verify; nothing where that is not what it is for."""
    operations = jwk.get("key_ops", ["verify"])
    if jwk.get("use", "sig") != "sig":
        return ()
    if not isinstance(operations, list) or "verify" not in operations:
        return ()
    alg = jwk.get("alg")
    if alg is not None:
        named = FULLY_SPECIFIED.get(alg, alg) if isinstance(alg, str) else ""
        return (named,) if named in ALGORITHMS else ()
    kind = jwk.get("kty"), jwk.get("crv")
    return tuple(name for name, row in ALGORITHMS.items() if (row.kty, row.crv) == kind)


def _certificate(jwk: Mapping[str, Any]) -> bytes:
    chain = jwk.get("x5c")
    if chain is None:
        return b""
    try:
        return a2b_base64(chain[0], strict_mode=True)
    except (Error, ValueError, TypeError, LookupError):
        raise ValueError("must have certificates in base64 as its x5c (RFC 7517 4.7)") from None


@lru_cache(maxsize=LOADED)
def _loaded(key: ClientKey, alg: str) -> VerificationKey:
    jwk = dict(key.members)
    row = ALGORITHMS[alg]
    return VerificationKey(key.kid or "", row, thumbprint(jwk), row.load_public(jwk))
