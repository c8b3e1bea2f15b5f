"""Authorization requests that their client signed (RFC 9101): request objects, by value alone.

To fetch one from a URL that somebody else chose is not offered (P35), nor to decrypt one. What was
signed is all that counts, but for the ``client_id`` beside it, by which the keys are found.
"""

from collections.abc import Collection, Mapping
from functools import partial
from hashlib import sha256
from typing import Any, NamedTuple

from issuer.browser import claims_request
from issuer.browser.authorization_request import AuthorizationRequest
from issuer.errors import InvalidRequestObject, RequestNotSupported, TemporarilyUnavailable
from issuer.protocol import client_jwt
from issuer.protocol.form import MAX_PARAMETERS, REPEATABLE, Form
from issuer.protocol.replay import CLOCK_SKEW, Once
from issuer.registry.client import Client
from issuer.registry.client_keys import ClientKeys
from keys.claims import LATEST
from keys.encoding import to_base64url, to_json
from keys.errors import InvalidToken

TYP = "oauth-authz-req+jwt"
"""RFC 9101 section 10.8. Many clients say ``JWT`` still, or nothing."""

TYPES = frozenset({TYP, "jwt", None})

LIFETIME = 3600
"""Seconds from ``nbf`` to ``exp`` at most (FAPI 2.0 Message Signing section 5.3.1)."""

LEEWAY = CLOCK_SKEW
"""Seconds of clock difference forgiven."""

MAX_JTI = 256
"""Characters of the longest ``jti``."""

_NOT_SENT = frozenset({"device"})
"""What requests have that no parameter says."""

PARAMETERS = (
    "response_type",
    "registration",
    *(each for each in AuthorizationRequest.__struct_fields__ if each not in _NOT_SENT),
)
"""What is read of it. All else is ignored, as beside it."""

_NUMBERS = frozenset({"max_age"})
_NESTED = frozenset({"request", "request_uri"})


class RequestObject(NamedTuple):
    """A request that its client signed for this issuer. Whether it is still good is not said."""

    form: Form
    """Its parameters."""
    client_id: str
    claims: Mapping[str, Any]

    def once(self, now: int) -> tuple[Once, ...]:
        """That it begins one interaction, where it has a ``jti``: no specification asks for one.

        Without it, it is good for as long as it says.

        Raises:
            InvalidRequestObject: it is not good at ``now``, or for too long.
        """
        began_at, expires_at = self._times(now)
        jti = self.claims.get("jti")
        if jti is None:
            return ()
        if not isinstance(jti, str) or not 0 < len(jti) <= MAX_JTI:
            raise InvalidRequestObject("The jti of the request object is no text, or too long.")
        # In one hash, so that no two clients can have the same, and of bearable length.
        name = to_base64url(sha256(to_json([self.client_id, jti])).digest())
        return (
            Once(
                id=f"request_object:{name}",
                issued_at=began_at,
                expires_at=expires_at + LEEWAY,
                refusal=partial(InvalidRequestObject, "The request object was used before."),
            ),
        )

    def _times(self, now: int) -> tuple[int, int]:
        """When it began and when it ends: ``now`` lies between, and they are near each other."""
        nbf, exp = (_instant(self.claims, name) for name in ("nbf", "exp"))
        if not nbf < exp <= nbf + LIFETIME:
            raise InvalidRequestObject(
                f"The exp of a request object is {LIFETIME} s after its nbf at most."
            )
        if now >= exp + LEEWAY:
            raise InvalidRequestObject("The request object has expired.")
        begin = max(nbf, _instant(self.claims, "iat") if "iat" in self.claims else 0)
        if begin > now + LEEWAY:
            raise InvalidRequestObject("The nbf or iat of the request object is in the future.")
        return begin, exp


def read(
    text: str, client: Client, keys: ClientKeys | None, algs: Collection[str], issuer: str
) -> RequestObject:
    """The request in ``text``, which ``client`` signed by one of ``algs`` for ``issuer``.

    When it was signed, and whether what it asks for can be had, is not checked.

    Raises:
        RequestNotSupported: the client has registered no keys.
        InvalidRequestObject: it is no such thing.
        TemporarilyUnavailable: the client publishes its keys, and they are not at hand.
    """
    if not client.has_keys:
        raise RequestNotSupported(
            "The client has registered no keys (jwks, jwks_file or jwks_uri) to sign requests with."
        )
    try:
        unproved = client_jwt.read(text)
        if keys is None:
            raise TemporarilyUnavailable("The keys of the client are not to be had; try again.")
        unproved.verify(keys, client.request_object_signing_alg, algs)
    except InvalidToken as error:
        raise InvalidRequestObject(
            "The request object is not a JWT that a key of the client signed.",
            detail=f"request object: {error.detail}",
        ) from None
    if unproved.typ not in TYPES:
        raise InvalidRequestObject(f"The typ of a request object is {TYP}.")
    claims = unproved.claims
    _check_parties(claims, client.client_id, issuer)
    return RequestObject(_form(claims), client.client_id, claims)


def _check_parties(claims: Mapping[str, Any], client_id: str, issuer: str) -> None:
    """By ``client_id``, as ``iss``, for ``issuer``; and no assertion of who the client is."""
    if claims.get("iss") != client_id or claims.get("client_id") != client_id:
        raise InvalidRequestObject(
            "The iss and client_id in the request object must be the client_id beside it."
        )
    # RFC 9101 section 10.8: an assertion of the client's has its client_id there.
    if claims.get("sub") == client_id:
        raise InvalidRequestObject("The sub of a request object must not be the client_id.")
    audience = claims.get("aud")
    if audience != issuer and not (
        # FAPI 2.0 Message Signing section 5.3.1: it may be meant for several.
        isinstance(audience, list) and issuer in audience and all(map(_is_text, audience))
    ):
        raise InvalidRequestObject("The aud of a request object must be the issuer identifier.")
    if not _NESTED.isdisjoint(claims):
        raise InvalidRequestObject("A request object must not have a request or request_uri.")


def _form(claims: Mapping[str, Any]) -> Form:
    """The parameters among ``claims``, as a form would spell them (RFC 9101 section 4)."""
    return Form({name: _values(name, claims[name]) for name in PARAMETERS if name in claims})


def _values(name: str, value: object) -> tuple[str, ...]:
    if name in _NUMBERS and type(value) is int:
        value = str(value)
    if name == "claims":
        value = claims_request.spelled(value)
    several = value if isinstance(value, list) and name in REPEATABLE else [value]
    if len(several) > MAX_PARAMETERS:
        raise InvalidRequestObject(f"The {name} in the request object has too many values.")
    texts = tuple(each for each in several if isinstance(each, str))
    if len(texts) != len(several):
        raise InvalidRequestObject(f"The {name} in the request object is of the wrong type.")
    return tuple(filter(None, texts))


def _instant(claims: Mapping[str, Any], name: str) -> int:
    value: Any = claims.get(name)
    # RFC 7519 section 2 lets a NumericDate have a fraction, and some clients send one.
    if type(value) not in (int, float) or not 0 <= value <= LATEST:
        raise InvalidRequestObject(
            f"The {name} of a request object must be there, in seconds since 1970."
        )
    return int(value)


def _is_text(value: object) -> bool:
    return isinstance(value, str)
