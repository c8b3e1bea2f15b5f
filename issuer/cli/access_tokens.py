"""Judging JWTs: access tokens by RFC 9068, those of type mac, and ID tokens."""

from collections.abc import Iterator, Mapping
from itertools import chain
from types import MappingProxyType
from typing import Any

from issuer.browser import jarm
from issuer.cli.findings import Findings, is_instant, quoted, shown, when
from issuer.protocol.binding import JKT, X5T_S256
from issuer.protocol.replay import CLOCK_SKEW
from issuer.server import AuthorizationServer
from issuer.token_types.id_token import TYP as ID_TOKEN_TYP
from issuer.token_types.mac import TYP as MAC_TYP
from keys.algorithms import ALGORITHMS
from keys.encoding import from_base64url, parse_object
from keys.timetable import State

TYPES: Mapping[str, str] = MappingProxyType(
    {
        "at+jwt": "An access token: a JWT of RFC 9068.",
        "application/at+jwt": "An access token: a JWT of RFC 9068.",
        MAC_TYP: "An access token of type mac: a JWT, with its key encrypted to its resource.",
        ID_TOKEN_TYP: "An ID token: it tells a client who the user is, and opens nothing.",
    }
)

RESPONSE = "An authorization response: it tells a client what came of its request (JARM)."

HEADER = ("typ", "alg", "kid")


def judge(server: AuthorizationServer, text: str, now: int) -> Findings:
    """What a resource server, or the client of an ID token, would say of a JWT."""
    signed, _, signature = text.rpartition(".")
    try:
        header, claims = (parse_object(from_base64url(part)) for part in signed.split("."))
    except ValueError:
        return Findings(kind="Nothing readable.", refusals=("it has two dots but is no JWT",))
    kind = TYPES.get(str(header.get("typ")), "A JWT, but no token of this issuer.")
    answers = is_response(str(header.get("typ")), claims)
    named: dict[str, object] = {name: header[name] for name in HEADER if name in header}
    refusals = chain(
        _check_type(header),
        _check_audience(server, header, claims),
        _check_signature(server, header, signed, signature, now),
        _check_claims(server, claims, now),
    )
    return Findings(
        kind=RESPONSE if answers else kind,
        members=shown({**named, **claims}, now),
        refusals=tuple(refusals),
        notes=(
            *_notes(server, header, claims),
            *_mac_notes(header, claims),
            *_bound_notes(claims),
        ),
    )


def is_response(typ: str, claims: Mapping[str, Any]) -> bool:
    """True for what a client is answered through the browser: of the type of an ID token, but it
    is about nobody."""
    return typ == jarm.TYP and "sub" not in claims and bool(claims.keys() & {"code", "error"})


def believed(server: AuthorizationServer, text: str, now: int) -> tuple[str, Mapping[str, Any]]:
    """The ``typ`` and the claims of a JWT that this issuer signed, expired or not.

    Raises:
        ValueError: it did not; the sentence says why.
    """
    signed, _, signature = text.rpartition(".")
    try:
        header, claims = (parse_object(from_base64url(part)) for part in signed.split("."))
    except ValueError:
        raise ValueError("it has two dots but is no JWT") from None
    for reason in _check_signature(server, header, signed, signature, now):
        raise ValueError(reason)
    return str(header.get("typ")), claims


def _check_type(header: Mapping[str, Any]) -> Iterator[str]:
    if str(header.get("typ")) not in TYPES:
        yield f"its typ is {quoted(header.get('typ'))}, and an access token's is at+jwt"


def _check_audience(
    server: AuthorizationServer, header: Mapping[str, Any], claims: Mapping[str, Any]
) -> Iterator[str]:
    """A resource server takes tokens of one type."""
    aud = claims.get("aud")
    resource = server.registry.resources.get(aud) if isinstance(aud, str) else None
    is_mac = header.get("typ") == MAC_TYP
    if resource is not None and resource.is_mac != is_mac:
        yield f"its audience takes another type of token: {resource.access_token_type}"
    if is_mac and _kid_of_key(claims) is None:
        yield "it has no key in it: cnf.jwe is missing or unreadable"


def _kid_of_key(claims: Mapping[str, Any]) -> str | None:
    """What the resource server calls the key that the token's own is encrypted to."""
    try:
        header = parse_object(from_base64url(claims["cnf"]["jwe"].split(".")[0]))
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
    kid = header.get("kid")
    return kid if isinstance(kid, str) else None


def _check_signature(
    server: AuthorizationServer, header: Mapping[str, Any], signed: str, signature: str, now: int
) -> Iterator[str]:
    kid = header.get("kid")
    key = next((key for key in server.ring.signing_keys if key.kid == kid), None)
    if key is None:
        yield f"it names the key {quoted(kid)}, which this key ring does not have"
        return
    if key.state(now) is State.EXPIRED:
        yield f"its key expired {when(key.expires_at or now, now)}"
    if header.get("alg") != key.alg:
        yield f"its alg is {quoted(header.get('alg'))}, and its key is for {key.alg}"
        return
    row = ALGORITHMS[key.alg]
    try:
        proof = from_base64url(signature)
    except ValueError:
        proof = b""
    if not row.signature.verify(signed.encode(), row.load_public(key.public_jwk), proof):
        yield "its signature is wrong: nothing that it says can be believed"


def _check_claims(
    server: AuthorizationServer, claims: Mapping[str, Any], now: int
) -> Iterator[str]:
    if claims.get("iss") != server.issuer:
        yield f"its iss is {quoted(claims.get('iss'))}, and this issuer is {quoted(server.issuer)}"
    expires_at, issued_at = claims.get("exp"), claims.get("iat")
    if not is_instant(expires_at):
        yield "it does not say when it expires"
    elif expires_at <= now:
        yield f"it expired {when(expires_at, now)}"
    if is_instant(issued_at) and issued_at > now + CLOCK_SKEW:
        yield f"it was issued in the future, {when(issued_at, now)}"


def _notes(
    server: AuthorizationServer, header: Mapping[str, Any], claims: Mapping[str, Any]
) -> Iterator[str]:
    registry = server.registry
    if is_response(str(header.get("typ")), claims):
        if "code" in claims:
            yield "its code is a sealed value: inspect that to learn what it is worth"
        return
    sub, aud = claims.get("sub"), claims.get("aud")
    is_id_token = header.get("typ") == ID_TOKEN_TYP
    client_id = aud if is_id_token else claims.get("client_id")
    offline = "who verifies offline accepts the token until it expires"
    if not (isinstance(client_id, str) and client_id in registry.clients):
        yield f"the client {quoted(client_id)} is not registered any more; {offline}"
    if sub != client_id:
        real = _real(server, client_id, sub)
        if real != sub:
            yield f"its sub is pairwise: to the issuer this user is {quoted(real)}"
        sub = real
        user = registry.user_called(sub) if isinstance(sub, str) else None
        if user is None or not user.active:
            gone = "not registered any more" if user is None else "not active any more"
            yield f"the user {quoted(sub)} is {gone}; {offline}"
        if sub in registry.blocked_subjects:
            yield f"the user {quoted(sub)} is among blocked_subjects; {offline}"
    if not (is_id_token or (isinstance(aud, str) and registry.resource(aud))):
        yield f"the audience {quoted(aud)} is no resource of this registry"


def _real(server: AuthorizationServer, client_id: object, sub: object) -> object:
    """What the issuer calls a user whom a client knows as ``sub``."""
    if not isinstance(sub, str) or not isinstance(client_id, str):
        return sub
    return server.real_sub(server.registry.clients.get(client_id), sub)


def _mac_notes(header: Mapping[str, Any], claims: Mapping[str, Any]) -> Iterator[str]:
    if header.get("typ") == MAC_TYP:
        yield (
            f"its MAC key is for its resource server alone, encrypted to the key "
            f"{quoted(_kid_of_key(claims))}; a request needs a signature by it"
        )


def _bound_notes(claims: Mapping[str, Any]) -> Iterator[str]:
    confirmation = claims.get("cnf")
    if not isinstance(confirmation, Mapping):
        return
    if JKT in confirmation:
        key = quoted(confirmation[JKT])
        yield f"it is bound to the key {key}, so a request needs a DPoP proof by it"
    if X5T_S256 in confirmation:
        hashed = quoted(confirmation[X5T_S256])
        yield f"it is bound to the certificate {hashed}, with which a request has to connect"
