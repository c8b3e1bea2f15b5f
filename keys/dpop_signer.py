"""Making DPoP proofs: the client's side (RFC 9449 sections 4 to 9).

``keys.dpop_httpx`` and ``keys.dpop_requests`` sign what these libraries send.
"""

import re
import secrets
import threading
from base64 import b64encode
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple, Self
from urllib.parse import quote_plus

from keys.algorithms import ALGORITHMS, DEFAULT_ALGORITHM, InvalidKey, PrivateKey, thumbprint
from keys.clock import seconds
from keys.dpop import TYP, token_hash
from keys.encoding import base64url, to_json
from keys.target_uri import normalize, without_query

REMEMBERED_ORIGINS = 256
"""How many servers' nonces are remembered."""

_JTI_BYTES = 16
_ASKED_FOR_NONCE = re.compile(r'\berror\s*=\s*"?use_dpop_nonce\b', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class DPoPKey:
    """A private key that tokens are bound to. Whoever has it and the tokens can use them."""

    alg: str
    private_key: PrivateKey = field(repr=False, compare=False)
    public_jwk: Mapping[str, str] = field(init=False, repr=False, compare=False)
    """What each proof has of it."""
    jkt: str = field(init=False)
    """Its thumbprint: what ``dpop_jkt`` (RFC 9449 section 10) and ``cnf.jkt`` say."""
    _header: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.alg not in ALGORITHMS:
            raise ValueError(f"the alg is one of {', '.join(ALGORITHMS)}")
        jwk = ALGORITHMS[self.alg].to_jwk(self.private_key.public_key())
        header = base64url(to_json({"typ": TYP, "alg": self.alg, "jwk": jwk}))
        object.__setattr__(self, "public_jwk", MappingProxyType(jwk))
        object.__setattr__(self, "jkt", thumbprint(jwk))
        object.__setattr__(self, "_header", header)

    @classmethod
    def generate(cls, alg: str = DEFAULT_ALGORITHM) -> Self:
        """A new key.

        Raises:
            ValueError: no such ``alg`` is offered.
        """
        if alg not in ALGORITHMS:
            raise ValueError(f"the alg is one of {', '.join(ALGORITHMS)}")
        return cls(alg, ALGORITHMS[alg].generate())

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, Any]) -> Self:
        """The key that a private JWK is, which says its ``alg`` unless its curve does.

        Raises:
            ValueError: it is no such key. The sentence does not quote it.
        """
        alg = jwk.get("alg") or _ALG_OF_CURVE.get(str(jwk.get("crv")))
        if not isinstance(alg, str) or alg not in ALGORITHMS:
            raise ValueError(f"a private key says its alg, one of {', '.join(ALGORITHMS)}")
        try:
            return cls(alg, ALGORITHMS[alg].load_private(jwk))
        except InvalidKey as invalid:
            raise ValueError(f"no private key: {invalid}") from None

    def to_jwk(self) -> dict[str, str]:
        """The private JWK, for ``from_jwk``. It is a secret: keep it where only its owner reads."""
        return {**ALGORITHMS[self.alg].to_jwk(self.private_key), "alg": self.alg, "kid": self.jkt}

    def proof(
        self,
        method: str,
        url: str,
        *,
        access_token: str | None = None,
        nonce: str | None = None,
        now: int | None = None,
    ) -> str:
        """A new proof, which is good for one request: the field ``DPoP``.

        Args:
            method: of the request.
            url: of the request; what its query and fragment say is left out.
            access_token: that is sent with it.
            nonce: that the server asked for last.
            now: the second in which it is sent.

        Raises:
            ValueError: ``url`` is no http or https URL, or the token is not ASCII.
        """
        htu = without_query(url)
        if normalize(htu) is None:
            raise ValueError("a proof is for an http or https URL, without a user in it")
        claims = {
            "jti": secrets.token_urlsafe(_JTI_BYTES),
            "htm": method,
            "htu": htu,
            "iat": seconds() if now is None else now,
        }
        if access_token is not None:
            claims["ath"] = token_hash(access_token)
        if nonce is not None:
            claims["nonce"] = nonce
        message = b"%b.%b" % (self._header, base64url(to_json(claims)))
        signature = ALGORITHMS[self.alg].signature.sign(message, self.private_key)
        return (b"%b.%b" % (message, base64url(signature))).decode()


class Response(NamedTuple):
    """What of an answer says whether a nonce is asked for."""

    status: int
    nonce: str | None
    """The field ``DPoP-Nonce``."""
    challenge: str
    """The fields ``WWW-Authenticate``, joined."""
    body: Callable[[], object]
    """What the JSON of the body is; not called unless it matters."""


class ProofSigner:
    """Makes the header fields of requests, with the nonce that each server asked for last.

    Safe to share between threads.

    Args:
        key: what the proofs are made with.
        token: the access token, or what the token endpoint answered; ``None`` for requests to
            the authorization server itself.
        client: the ``client_id`` and the secret of a client that authenticates there by
            ``client_secret_basic``; there is no token then.
        clock: the time in seconds.

    Raises:
        ValueError: there is no DPoP-bound access token in the answer, or a client beside it.
    """

    def __init__(
        self,
        key: DPoPKey,
        token: str | Mapping[str, Any] | None = None,
        *,
        client: tuple[str, str] | None = None,
        clock: Callable[[], int] = seconds,
    ) -> None:
        if token is not None and client is not None:
            raise ValueError("a request shows a token or who the client is, not both")
        self._key = key
        self._token = _access_token(token)
        self._authorization = _authorization(self._token, client)
        self._clock = clock
        self._nonces: OrderedDict[str, str] = OrderedDict()
        self._lock = threading.Lock()

    def fields(self, method: str, url: str) -> dict[str, str]:
        """The field ``DPoP`` and, with a token or a client, ``Authorization`` of a request.

        Raises:
            ValueError: as ``DPoPKey.proof``.
        """
        proof = self._key.proof(
            method,
            url,
            access_token=self._token,
            nonce=self._nonces.get(origin_of(url)),
            now=self._clock(),
        )
        return {**self._authorization, "DPoP": proof}

    def wants_again(self, url: str, response: Response) -> bool:
        """Whether the request is to be sent again, once, with the nonce that was asked for.

        It is remembered for ``url``'s server, as is any that comes with another answer.
        """
        self.remember(url, response.nonce)
        return bool(response.nonce) and _asks_for_nonce(response)

    def remember(self, url: str, nonce: str | None) -> None:
        """From now on uses ``nonce`` at ``url``'s server, if it told one (section 8.2)."""
        if not nonce:
            return
        origin = origin_of(url)
        with self._lock:
            self._nonces[origin] = nonce
            self._nonces.move_to_end(origin)
            if len(self._nonces) > REMEMBERED_ORIGINS:
                self._nonces.popitem(last=False)


def origin_of(url: str) -> str:
    """The scheme, host and port of ``url``, in their one spelling; empty if it has none."""
    normalized = normalize(without_query(url)) or ""
    return "/".join(normalized.split("/", 3)[:3])


def _asks_for_nonce(response: Response) -> bool:
    """RFC 9449 section 8 for an authorization server, section 9 for a resource server."""
    if response.status == 401 and _ASKED_FOR_NONCE.search(response.challenge):  # noqa: PLR2004
        return True
    if response.status not in (400, 401):
        return False
    body = response.body()
    return isinstance(body, dict) and body.get("error") == "use_dpop_nonce"


def _authorization(token: str | None, client: tuple[str, str] | None) -> dict[str, str]:
    if token is not None:
        return {"Authorization": f"DPoP {token}"}
    if client is None:
        return {}
    credentials = ":".join(map(quote_plus, client))  # RFC 6749 section 2.3.1
    return {"Authorization": f"Basic {b64encode(credentials.encode()).decode()}"}


def _access_token(token: str | Mapping[str, Any] | None) -> str | None:
    if token is None or isinstance(token, str):
        return token
    if str(token.get("token_type")).lower() != "dpop":
        raise ValueError("the token_type is not DPoP: the token is not bound to a key")
    access_token = token.get("access_token")
    if not isinstance(access_token, str) or not access_token:
        raise ValueError("there is no access_token")
    return access_token


_ALG_OF_CURVE = {row.crv: row.name for row in ALGORITHMS.values() if row.crv is not None}
