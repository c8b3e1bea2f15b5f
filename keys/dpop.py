"""DPoP proofs (RFC 9449): whether a request was made by who holds the key, as far as it says.

Nothing here has a clock or a memory. What nonce a proof has to have, and whether it came before,
is for the caller to judge: ``Proof`` has its ``nonce`` and its ``jti``.
"""

import hashlib
import hmac
from collections.abc import Collection, Container, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from keys import jws
from keys.algorithms import ALGORITHMS, FULLY_SPECIFIED, InvalidKey, thumbprint
from keys.encoding import base64url
from keys.errors import InvalidToken
from keys.jwks import SECRET_MEMBERS, VerificationKey, is_for_verifying
from keys.target_uri import normalize, without_query

TYP = "dpop+jwt"

MAX_PROOF = 8192
"""Characters of the longest proof that is looked at."""

MAX_JTI = 256
"""Characters of the longest ``jti``: every one of them may be remembered for a while."""

MAX_AGE = 60
"""Seconds for which a proof is good if nobody says otherwise."""

LEEWAY = 60
"""Seconds by which a proof may be from the future, if nobody says otherwise."""

MAX_PROOF_RSA_BITS = 4096
_MAX_EXPONENT = 6  # characters, of 32 bits; with more, whoever made up the key makes checks slow

REMEMBERED_KEYS = 1024
"""How many public keys are remembered, by the header that has them."""


class InvalidProof(Exception):
    """The proof proves nothing. ``detail`` is one of a few sentences, and quotes nothing of it."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A proof that is valid, but for its nonce, and but that it may have come before."""

    jkt: str
    """The thumbprint of the key (RFC 7638 with SHA-256)."""
    jti: str
    """1 to ``MAX_JTI`` characters, of any kind."""
    iat: int
    nonce: str | None
    ath: str | None
    """The hash of an access token; compared only where ``read_proof`` was given one."""


def read_proof(  # noqa: PLR0913  the options have names
    text: str,
    *,
    method: str,
    url: str | Collection[str],
    now: int,
    access_token: str | None = None,
    jkt: str | None = None,
    leeway: int = LEEWAY,
    max_age: int = MAX_AGE,
    algorithms: Container[str] = ALGORITHMS,
) -> Proof:
    """The proof that ``text`` is, after all of RFC 9449 section 4.3 but its items 1, 10 and replay.

    Args:
        text: the one field ``DPoP``.
        method: of the request.
        url: of the request; several, if it has several. Query and fragment are no difference.
        now: the second in which it came.
        access_token: the one beside it, if there is one.
        jkt: the thumbprint of the key that it has to be made with, if that is known.
        leeway: seconds by which it may be from the future.
        max_age: seconds that it may be old.
        algorithms: what it may be signed with.

    Raises:
        InvalidProof: it is not valid for this request, here and now.
    """
    try:
        parts = jws.cut(text, MAX_PROOF)
    except InvalidToken:
        raise InvalidProof("not one signed token, in compact form and of bearable length") from None
    key = _read_key(parts.header)
    if key.algorithm.name not in algorithms:
        raise InvalidProof("alg is none that is accepted")
    try:
        claims = parts.verify(key.algorithm.name, key)
    except InvalidToken:
        raise InvalidProof("the signature does not verify, or not over a JSON object") from None
    if jkt is not None and key.thumbprint != jkt:
        raise InvalidProof("made with another key")
    if claims.get("htm") != method:
        raise InvalidProof("htm is not the method")
    _check_url(claims.get("htu"), (url,) if isinstance(url, str) else url)
    iat = claims.get("iat")
    if type(iat) is not int or not now - max_age <= iat <= now + leeway:
        raise InvalidProof("iat is no time, or too far from now")
    if access_token is not None:
        _check_hash(claims.get("ath"), access_token)
    return Proof(
        jkt=key.thumbprint,
        jti=_read_jti(claims),
        iat=iat,
        nonce=_text(claims, "nonce"),
        ath=_text(claims, "ath"),
    )


def token_hash(access_token: str) -> str:
    """What ``ath`` says of ``access_token``, which is ASCII."""
    return _hash(access_token).decode()


def _hash(access_token: str) -> bytes:
    return base64url(hashlib.sha256(access_token.encode("ascii")).digest())


@lru_cache(maxsize=REMEMBERED_KEYS)  # Loading a key costs more than the check of a signature.
def _read_key(text: str) -> VerificationKey:
    """The key in a header that is otherwise as it has to be. Failures are not remembered."""
    try:
        header = jws.read_header(text)
    except InvalidToken:
        raise InvalidProof("the header is no JSON object, or has crit") from None
    typ, alg, jwk = (header.get(name) for name in ("typ", "alg", "jwk"))
    if not isinstance(typ, str) or jws.media_type(typ) != TYP:
        raise InvalidProof("typ is not dpop+jwt")
    alg = _named(alg)
    if alg not in ALGORITHMS:
        raise InvalidProof("alg is none that is accepted")
    if not isinstance(jwk, dict):
        raise InvalidProof("there is no jwk")
    return VerificationKey("", ALGORITHMS[alg], *_load(alg, jwk))


def _named(alg: object) -> str:
    """``alg`` as ``ALGORITHMS`` names it; empty if it is no name."""
    return FULLY_SPECIFIED.get(alg, alg) if isinstance(alg, str) else ""


def _load(alg: str, jwk: Mapping[str, Any]) -> tuple[str, Any]:
    if jwk.keys() & SECRET_MEMBERS:
        raise InvalidProof("jwk is not a public key alone")
    if not is_for_verifying(jwk) or _named(jwk.get("alg", alg)) != alg:
        raise InvalidProof("jwk is for something else")
    if len(str(jwk.get("e", ""))) > _MAX_EXPONENT:
        raise InvalidProof("the exponent of jwk is too large")
    try:
        key = ALGORITHMS[alg].load_public(jwk)
    except InvalidKey:
        raise InvalidProof("jwk is no key for alg") from None
    if getattr(key, "key_size", 0) > MAX_PROOF_RSA_BITS:
        raise InvalidProof("jwk is too large")
    return thumbprint(jwk), key


def _check_url(htu: object, urls: Collection[str]) -> None:
    if not isinstance(htu, str):
        raise InvalidProof("htu is no text")
    said = without_query(htu)
    wanted = [without_query(url) for url in urls]
    if said in wanted:
        return  # so nearly always
    said_normalized = normalize(said)
    if said_normalized is None or said_normalized not in map(normalize, wanted):
        raise InvalidProof("htu is not the URL")


def _check_hash(ath: object, access_token: str) -> None:
    # Both as bytes: text that is not ASCII would raise.
    is_same = (
        isinstance(ath, str)
        and access_token.isascii()
        and hmac.compare_digest(ath.encode(), _hash(access_token))
    )
    if not is_same:
        raise InvalidProof("ath is not the hash of the access token")


def _read_jti(claims: Mapping[str, Any]) -> str:
    jti = _text(claims, "jti")
    if jti is None or not 0 < len(jti) <= MAX_JTI:
        raise InvalidProof("jti is missing, or too long")
    return jti


def _text(claims: Mapping[str, Any], name: str) -> str | None:
    value = claims.get(name)
    if name in claims and not isinstance(value, str):
        raise InvalidProof("a claim is no text")
    return value
