"""DPoP proofs as clients make them, by joserfc: what checks them has no say in that."""

import hashlib
import json
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from joserfc import jws
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey
from msgspec.structs import replace

from issuer.possession import nonces
from issuer.protocol.binding import JKT, Binding
from issuer.protocol.request import TokenRequest
from issuer.server import AuthorizationServer
from tests.asking import a_public_request
from tests.builders import ISSUER, NOW, a_request

TOKEN_URL = f"{ISSUER}/token"
PAR_URL = f"{ISSUER}/par"
USERINFO_URL = f"{ISSUER}/userinfo"

MAKERS = {
    "ES256": lambda: ECKey.generate_key("P-256"),
    "RS256": lambda: RSAKey.generate_key(2048),
    "PS256": lambda: RSAKey.generate_key(2048),
    "EdDSA": lambda: OKPKey.generate_key("Ed25519"),
}


@dataclass(frozen=True)
class Prover:
    """Who has a key of their own, and proves it in each request anew."""

    alg: str = "ES256"
    key: Key = field(default_factory=MAKERS["ES256"])

    @classmethod
    def by(cls, alg: str) -> "Prover":
        """A new key for this algorithm."""
        return cls(alg, MAKERS[alg]())

    @property
    def jkt(self) -> str:
        """RFC 7638."""
        return str(self.key.thumbprint())

    @property
    def binding(self) -> Binding:
        """What tokens are bound to."""
        return Binding(JKT, self.jkt)

    @property
    def jwk(self) -> dict[str, Any]:
        """The public half, as it stands in the header."""
        return dict(self.key.as_dict(private=False))

    def proof(
        self,
        url: str = TOKEN_URL,
        *,
        method: str = "POST",
        now: int = NOW,
        access_token: str | None = None,
        header: dict[str, Any] | None = None,
        **claims: Any,
    ) -> str:
        """A proof of one request; of ``header`` and ``claims``, None takes something out."""
        said = {"htm": method, "htu": url, "iat": now, "jti": str(uuid4())}
        if access_token is not None:
            said["ath"] = ath(access_token)
        said |= claims
        head = {"typ": "dpop+jwt", "alg": self.alg, "jwk": self.jwk} | (header or {})
        return self.sign(_without_none(head), json.dumps(_without_none(said)).encode())

    def sign(self, header: dict[str, Any], payload: bytes) -> str:
        """These bytes under this header, and the signature that ``alg`` of the prover makes."""
        first = ".".join(map(_b64, (json.dumps(header).encode(), payload)))
        model = jws.JWSRegistry.algorithms[self.alg]
        return f"{first}.{_b64(model.sign(first.encode(), self.key))}"


def ath(access_token: str) -> str:
    """RFC 9449 section 4.2."""
    return _b64(hashlib.sha256(access_token.encode()).digest())


def proving(request: TokenRequest, *proofs: str, url: str = TOKEN_URL) -> TokenRequest:
    """``request`` as it comes with these proofs."""
    return replace(request, dpop=proofs, url=url)


def asked_by(
    key: Prover | None,
    grant_type: str = "client_credentials",
    *,
    now: int = NOW,
    public: bool = False,
    **parameters: str,
) -> TokenRequest:
    """A token request of client web, or of the public one, with a proof by ``key`` if any."""
    make = a_public_request if public else a_request
    request = make(grant_type, now=now, **parameters)
    return request if key is None else proving(request, key.proof(now=now))


def nonce_of(server: AuthorizationServer, now: int = NOW) -> str:
    """What ``server`` tells clients to put into proofs."""
    return nonces.current(server, now)


def _without_none(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
