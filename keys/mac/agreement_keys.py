"""The keys of a resource server, to which MAC keys are encrypted: JWKs on two curves (RFC 7517)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey

from keys.algorithms import thumbprint
from keys.encoding import from_base64url
from keys.jwks import SECRET_MEMBERS

ALG = "ECDH-ES"

DEFAULT_CURVE = "X25519"

MAX_KID = 128
"""Characters of the longest name of a key."""

Key = ECKey | OKPKey

_COORDINATE_BYTES = 32
_KID = re.compile(rf"[\x21\x23-\x5b\x5d-\x7e]{{1,{MAX_KID}}}")


@dataclass(frozen=True, slots=True)
class Curve:
    """All there is to know about one ``crv``."""

    kty: str
    public_members: tuple[str, ...]
    key: type[Key]

    def load(self, jwk: Mapping[str, Any], *members: str) -> Key:
        """The key in ``members`` of ``jwk``. Its point is on the curve."""
        for name in members:
            if not isinstance(jwk.get(name), str):
                raise ValueError(  # noqa: TRY004 - the text is wrong
                    f"a key on this curve has {', '.join(members)}, all strings"
                )
            if len(_bytes(jwk[name])) != _COORDINATE_BYTES:
                raise ValueError(f"{name} is base64url of {_COORDINATE_BYTES} bytes on this curve")
        # Nothing else is passed on: what else a JWK says would change what its key can be used for.
        spelt = {name: jwk[name] for name in ("kty", "crv", *members)}
        try:
            return self.key.import_key(spelt)
        except (JoseError, ValueError):
            raise ValueError("the numbers are no key on its curve") from None


CURVES: Final = MappingProxyType(
    {"X25519": Curve("OKP", ("x",), OKPKey), "P-256": Curve("EC", ("x", "y"), ECKey)}
)
"""The curves that a resource server's key may be on."""


def read_public(jwk: Mapping[str, Any]) -> tuple[str, Key]:
    """The name and the public key that ``jwk`` is. Members that are not known here are not read.

    Raises:
        ValueError: it is no such key, or a private one. The sentence quotes no key.
    """
    check_public(jwk)
    curve = _curve(jwk)
    return jwk["kid"], curve.load(jwk, *curve.public_members)


def check_public(jwk: Mapping[str, Any]) -> None:
    """Returns where nothing of a private key is in ``jwk``.

    Raises:
        ValueError: naming the member, never its value.
    """
    secret = sorted(jwk.keys() & SECRET_MEMBERS)
    if secret:
        raise ValueError(f"must be a public key; {secret[0]!r} is a private key's member")


def read_private(jwk: Mapping[str, Any]) -> tuple[str, Key]:
    """The name and the private key that ``jwk`` is.

    Raises:
        ValueError: it is no such key, or a public one. The sentence quotes no key.
    """
    curve = _curve(jwk)
    if "d" not in jwk:
        raise ValueError(f"the key {jwk['kid']} is public; tokens are decrypted with private ones")
    key = curve.load(jwk, *curve.public_members, "d")
    # Of what it imported, a key gives back the text: this one is computed from the private half.
    public = curve.key.import_key(key.private_key).as_dict(private=False)  # type: ignore[arg-type]  # each class types its own curve
    if any(public[name] != jwk[name] for name in curve.public_members):
        raise ValueError(f"the halves of the key {jwk['kid']} do not belong together")
    return jwk["kid"], key


def generate_key(crv: str = DEFAULT_CURVE) -> dict[str, str]:
    """A new private key for a resource server, as a JWK whose ``kid`` is its thumbprint.

    Raises:
        ValueError: no such curve is offered.
    """
    curve = CURVES.get(crv)
    if curve is None:
        raise ValueError(f"the curve is one of {', '.join(CURVES)}")
    made: dict[str, Any] = dict(curve.key.generate_key(crv).as_dict(private=True))  # type: ignore[arg-type]  # each class types its own curves
    jwk = {name: str(made[name]) for name in ("kty", "crv", *curve.public_members, "d")}
    return {**jwk, "kid": thumbprint(jwk), "use": "enc", "alg": ALG}


def public_jwk(jwk: Mapping[str, str]) -> dict[str, str]:
    """What of a private key anybody may know."""
    return {name: value for name, value in jwk.items() if name not in SECRET_MEMBERS}


def _curve(jwk: Mapping[str, Any]) -> Curve:
    """The curve of a key that may agree upon others, and that has a name."""
    crv = jwk.get("crv")
    curve = CURVES.get(crv) if isinstance(crv, str) else None
    if curve is None or jwk.get("kty") != curve.kty:
        offered = " or ".join(f"kty {each.kty} and crv {name}" for name, each in CURVES.items())
        raise ValueError(f"must be a key of {offered}")
    if jwk.get("use", "enc") != "enc":
        raise ValueError("must be a key to encrypt to: its use is enc")
    if jwk.get("alg", ALG) != ALG:
        raise ValueError(f"must be a key for {ALG}: its alg is another")
    if not isinstance(jwk.get("kid"), str) or not _KID.fullmatch(jwk["kid"]):
        raise ValueError(f"must have a kid of 1 to {MAX_KID} visible ASCII characters")
    return curve


def _bytes(text: str) -> bytes:
    try:
        return from_base64url(text)
    except ValueError:
        return b""
