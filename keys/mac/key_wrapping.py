"""The MAC key on its way to the resource server: in the token, encrypted to it (RFC 7800 3.3).

A compact JWE (RFC 7516), ECDH-ES with X25519 or P-256 and A256GCM, of a JWK whose ``kid`` is the
``jti`` of its token: neither of them is worth anything beside another.
"""

import logging
import os
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from joserfc import jwe
from joserfc.errors import JoseError

from keys import file_text, private_file
from keys.encoding import from_base64url, parse_object, to_base64url, to_json
from keys.errors import InvalidToken, KeysUnavailable
from keys.mac.agreement import ENC, Recipient
from keys.mac.agreement_keys import (
    ALG,
    CURVES,
    Key,
    generate_key,
    public_jwk,
    read_private,
    read_public,
)

__all__ = ["DecryptionKeys", "EncryptionKey", "generate_key", "public_jwk"]

REREAD_INTERVAL = 30
"""Seconds between two readings of a file of private keys, whatever tokens ask for."""

MAC_KEY_LENGTH = 43
"""Characters of a MAC key: 32 random bytes in base64url."""

_SECRET_BYTES = 32
_REGISTRY = jwe.JWERegistry(algorithms=(ALG, ENC))
_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_CLOCK_STEP = 60  # Seconds. A clock that is set back further makes a reading due again.

_log = logging.getLogger("keys")


@dataclass(frozen=True, slots=True)
class EncryptionKey:
    """The public key of a resource server: what the issuer wraps MAC keys to."""

    kid: str
    _recipient: Recipient = field(repr=False, compare=False)

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, Any]) -> "EncryptionKey":
        """The key that ``jwk`` is (RFC 7517). Members that are not known here are not read.

        Raises:
            ValueError: it is not a public key that can be wrapped to; the sentence quotes no key.
        """
        kid, public = read_public(jwk)
        key = cls(kid, Recipient(public))
        try:
            key.wrap("A" * MAC_KEY_LENGTH, "")
        except ValueError:  # X25519 has points with which every key agrees upon zero
            raise ValueError("the coordinates are a point of small order") from None
        return key

    def wrap(self, mac_key: str, jti: str, secret: bytes | None = None) -> str:
        """``mac_key`` for the holder of the private key alone, as the key of the token ``jti``.

        With a ``secret`` of 32 random bytes, it is the same text each time.
        """
        header = {"kid": self.kid, "cty": "jwk+json"}
        # Clients compute with the characters of the key, never with the bytes they spell.
        k = to_base64url(mac_key.encode())
        jwk = to_json({"kty": "oct", "alg": "HS256", "kid": jti, "k": k})
        return self._recipient.encrypt(header, jwk.decode(), secret or os.urandom(_SECRET_BYTES))


class DecryptionKeys:
    """The private keys of a resource server, by their names. Safe to share between threads."""

    def __init__(
        self, keys: Mapping[str, Key], path: Path | None = None, *, group_readable: bool = False
    ) -> None:
        self._keys = keys
        self._path = path
        self._group_readable = group_readable
        self._read_at: int | None = None
        self._reading = threading.Lock()

    def __repr__(self) -> str:
        return f"DecryptionKeys({', '.join(sorted(self._keys))})"

    @classmethod
    def from_jwks(cls, jwks: Mapping[str, Any]) -> "DecryptionKeys":
        """The private keys in ``jwks``, which never change.

        Raises:
            ValueError: it is no JWKS, or something in it is not such a key.
        """
        return cls(_read_jwks(jwks))

    @classmethod
    def from_file(cls, path: Path, *, group_readable: bool = False) -> "DecryptionKeys":
        """The private keys in the JWKS at ``path``, which is read again when a key is missing.

        ``group_readable`` says that the group of the file may read it, such as that of a pod; on a
        read-only mount it may without being said. Others never may.

        Raises:
            ValueError: it cannot be read, others can read it, or ``from_jwks`` would refuse it.
        """
        keys = _read_file(path, group_readable=group_readable)
        if private_file.group_can_read(path):
            _log.warning("%s: its group can read it, and so open every MAC key", path.name)
        return cls(keys, path, group_readable=group_readable)

    def unwrap(self, jwe: str, jti: str, now: int) -> bytes:
        """The MAC key in the token ``jti``, in the bytes that requests are signed with.

        For the ``cnf.jwe`` of a token whose signature was verified.

        Raises:
            InvalidToken: it is not what ``EncryptionKey.wrap`` made of a MAC key for this token.
            KeysUnavailable: it is for a private key that is not here. The issuer has vouched for
                the token, so the client shall keep it: this resource server is behind.
        """
        kid, crv = _read_header(jwe)
        key = self._find(kid, now)
        if key is None:
            raise KeysUnavailable(f"no private key here is called {kid[:64]!r}")
        if crv != key.curve_name:
            raise InvalidToken("cnf.jwe header: epk is not on the curve of the key")
        return _read_mac_key(_decrypt(jwe, key), jti)

    def _find(self, kid: str, now: int) -> Key | None:
        if kid not in self._keys and self._path is not None:
            with self._reading:
                if kid not in self._keys and self._is_due(now):
                    self._read_again(self._path, now)
        return self._keys.get(kid)

    def _is_due(self, now: int) -> bool:
        at = self._read_at
        return at is None or not at - _CLOCK_STEP <= now < at + REREAD_INTERVAL

    def _read_again(self, path: Path, now: int) -> None:
        self._read_at = now
        try:
            self._keys = _read_file(path, group_readable=self._group_readable)
        except ValueError as error:
            _log.warning("the private keys of the resource server stay as they are: %s", error)


def _read_file(path: Path, *, group_readable: bool) -> Mapping[str, Key]:
    try:
        text = file_text.decode(private_file.read(path, group_readable=group_readable))
        return _read_jwks(parse_object(text.encode()))
    except private_file.UnfitFile:
        raise
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from None


def _read_jwks(jwks: Mapping[str, Any]) -> Mapping[str, Key]:
    listed = jwks.get("keys")
    if not isinstance(listed, list) or not listed:
        raise ValueError("a JWKS has an array of keys, and here at least one")
    if not all(isinstance(each, dict) for each in listed):
        raise ValueError("a key is an object")
    keys = dict(map(read_private, listed))
    if len(keys) != len(listed):
        raise ValueError("two keys share a kid")
    return MappingProxyType(keys)


def _read_header(text: str) -> tuple[str, str]:
    """The ``kid`` of a JWE that this module made, as far as its header says, and its curve."""
    parts = _COMPACT.fullmatch(text)
    if parts is None:
        raise InvalidToken("cnf.jwe: not a compact JWE by direct key agreement")
    try:
        header = parse_object(from_base64url(parts[1]))
    except ValueError as error:
        raise InvalidToken(f"cnf.jwe header: {error}") from None
    if header.get("alg") != ALG or header.get("enc") != ENC:
        raise InvalidToken(f"cnf.jwe header: not {ALG} with {ENC}")
    # Compression would let lengths tell; what is critical is understood by nobody here.
    if "zip" in header or "crit" in header:
        raise InvalidToken("cnf.jwe header: zip or crit")
    kid = header.get("kid")
    if not isinstance(kid, str):
        raise InvalidToken("cnf.jwe header: no kid")
    epk = header.get("epk")
    if not isinstance(epk, dict):
        raise InvalidToken("cnf.jwe header: no epk")
    return kid, _check_ephemeral(epk)


def _check_ephemeral(epk: Mapping[str, Any]) -> str:
    """Its curve. Whether it is a point on it, the agreement will find out."""
    if not all(isinstance(value, str) for value in epk.values()):
        raise InvalidToken("cnf.jwe header: the members of epk are strings")
    crv = str(epk.get("crv"))
    curve = CURVES.get(crv)
    if curve is None or epk.get("kty") != curve.kty:
        raise InvalidToken("cnf.jwe header: epk is on no curve that is offered here")
    if epk.keys() != {"kty", "crv", *curve.public_members}:
        raise InvalidToken("cnf.jwe header: epk is no public key")
    return crv


def _decrypt(text: str, key: Key) -> bytes:
    try:
        plaintext = jwe.decrypt_compact(text, key, registry=_REGISTRY).plaintext
    except (JoseError, ValueError) as error:
        raise InvalidToken(f"cnf.jwe: {type(error).__name__}") from None
    return plaintext or b""


def _read_mac_key(plaintext: bytes, jti: str) -> bytes:
    try:
        jwk = parse_object(plaintext)
        if jwk.get("kty") != "oct" or jwk.get("alg") != "HS256":
            raise InvalidToken("cnf.jwe: not a key for HS256")
        if jwk.get("kid") != jti:
            raise InvalidToken("cnf.jwe: the key of another token")
        mac_key = from_base64url(str(jwk.get("k", "")))
        if len(mac_key) != MAC_KEY_LENGTH:
            raise InvalidToken(f"cnf.jwe: a MAC key has {MAC_KEY_LENGTH} characters")
        from_base64url(mac_key.decode("ascii"))
    except ValueError as error:
        # The error may quote what was decrypted; its kind is enough.
        raise InvalidToken(f"cnf.jwe: no MAC key in it ({type(error).__name__})") from None
    return mac_key
