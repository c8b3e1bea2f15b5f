"""What the registry keeps of a secret: a hash, and what it takes to compare it.

A generated secret has 256 bits, so SHA-256 is enough: stretching would add nothing to it but
latency. What a person chose is stretched with argon2id.
"""

import hmac
import re
from hashlib import sha256
from secrets import token_urlsafe
from typing import Annotated

from argon2 import PasswordHasher, Type, extract_parameters
from argon2.exceptions import Argon2Error, InvalidHashError
from pydantic import AfterValidator, Field

from keys.encoding import to_base64url

_SHA256 = re.compile(r"sha256:[A-Za-z0-9_-]{43}")
_ARGON2ID = re.compile(
    r"\$argon2id\$v=\d+\$m=\d+,t=\d+,p=\d+\$[A-Za-z0-9+/]{11,}\$[A-Za-z0-9+/]{16,}"
)  # with at least 8 bytes of salt and 12 of hash (RFC 9106 section 3.1)
_HASHER = PasswordHasher(
    time_cost=2,
    memory_cost=19456,  # 19 MiB: OWASP's first choice of 2026 for servers, in kibibytes
    parallelism=1,
)
DECOY_PASSWORD_HASH = (
    "$argon2id$v=19$m=19456,t=2,p=1$QmKq2+f7GsK/NRy9KXbGZg"
    "$kID4Ykv26pDHx0Q7btYoO280/NGVIhLebz2G+HAaryE"
)
"""Of a password nobody kept: what an unknown user is compared with, so that it takes as long."""
SHORTEST_GENERATED = 22
"""Characters that 128 bits take in base64url: with fewer, a secret has to be stretched."""
MAX_MEMORY_COST = 262144
"""Kibibytes that checking one password may take: a registry must not be able to stop a worker."""
MAX_TIME_COST = 16
_NOT_PHC = "must be a whole argon2id PHC string, $argon2id$v=19$m=…,t=…,p=…$salt$hash"


def generate() -> str:
    """A secret of 256 bits, in characters that every way of sending it leaves alone."""
    return token_urlsafe(32)


def sha256_hash(secret: str) -> str:
    """The registry's form of a generated secret: ``sha256:`` and unpadded base64url."""
    return f"sha256:{to_base64url(sha256(secret.encode()).digest())}"


def argon2id_hash(secret: str) -> str:
    """The registry's form of what a person chose: an argon2id PHC string. Slow on purpose."""
    return _HASHER.hash(secret)


def is_stretched(secret_hash: str) -> bool:
    """True where comparing takes milliseconds of processor time, and so a thread of its own."""
    return secret_hash.startswith("$argon2id$")


def matches(secret_hash: str, secret: str) -> bool:
    """True where ``secret`` is the one that ``secret_hash`` was made of."""
    if is_stretched(secret_hash):
        try:
            return _HASHER.verify(secret_hash, secret)
        except Argon2Error:
            return False
    return hmac.compare_digest(sha256_hash(secret), secret_hash)


def _check_password_hash(text: str) -> str:
    try:
        parameters = extract_parameters(text)
    except InvalidHashError:
        raise ValueError(_NOT_PHC) from None
    if parameters.type is not Type.ID or not _ARGON2ID.fullmatch(text):
        raise ValueError(_NOT_PHC)
    if parameters.memory_cost > MAX_MEMORY_COST or parameters.time_cost > MAX_TIME_COST:
        raise ValueError("costs more to check than 256 MiB or 16 passes: hash it anew with less")
    return text


def _check_secret_hash(text: str) -> str:
    if _SHA256.fullmatch(text):
        return text
    if text.startswith("$argon2"):
        return _check_password_hash(text)
    raise ValueError(
        "must be a hash, never the secret: sha256: and 43 characters of base64url for a generated "
        "one, $argon2id$… for a chosen one"
    )


SecretHash = Annotated[
    str,
    AfterValidator(_check_secret_hash),
    Field(json_schema_extra={"pattern": r"^(sha256:[A-Za-z0-9_-]{43}|\$argon2id\$.+)$"}),
]
PasswordHash = Annotated[
    str,
    AfterValidator(_check_password_hash),
    Field(json_schema_extra={"pattern": r"^\$argon2id\$.+$"}),
]
