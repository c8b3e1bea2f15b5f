"""The key ring as text: keys as JWK, instants as RFC 3339 in UTC."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from keys.algorithms import ALGORITHMS, Algorithm, InvalidKey, thumbprint
from keys.encoding import from_base64url, to_base64url
from keys.instants import fault
from keys.located import JSONObject, Place, parse_json
from keys.sealing import SEALING_KEY_BYTES, SealingKey
from keys.signing import SigningKey
from keys.subjects import SUBJECT_KEY_BYTES, SubjectKey
from keys.timetable import InvalidTimetable, Timetable

_INSTANTS = ("published_at", "activates_at", "retires_at", "expires_at")
_INSTANT = "%Y-%m-%dT%H:%M:%SZ"
_SEALING_KID = re.compile(r"[A-Za-z0-9_-]{1,32}")

K = TypeVar("K", SigningKey, SealingKey)


class InvalidKeyRing(ValueError):
    """This is no key ring; ``problems`` says all that is wrong and where, never key material."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


def format_ring(
    signing_keys: Iterable[SigningKey],
    sealing_keys: Iterable[SealingKey],
    subject_key: SubjectKey | None = None,
) -> str:
    """The keys as the text that ``parse_ring`` reads."""
    document: dict[str, object] = {
        "signing_keys": [
            {"kid": key.kid, "alg": key.alg, **_format_instants(key), **key.private_jwk}
            for key in signing_keys
        ],
        "sealing_keys": [
            {"kid": key.kid, **_format_instants(key), "kty": "oct", "k": to_base64url(key.secret)}
            for key in sealing_keys
        ],
    }
    if subject_key is not None:
        document["subject_key"] = {"kty": "oct", "k": to_base64url(subject_key.secret)}
    return json.dumps(document, indent=2) + "\n"


def parse_ring(
    data: bytes, name: str
) -> tuple[tuple[SigningKey, ...], tuple[SealingKey, ...], SubjectKey | None]:
    """The keys in ``data``, a file called ``name``.

    Raises:
        InvalidKeyRing: with all problems at once.
    """
    file = Place(name, "", [])
    ring = parse_json(data, file)
    if file.problems:
        raise InvalidKeyRing(file.problems)
    members = file.read_object(ring, ("signing_keys", "sealing_keys", "subject_key"))
    signing_keys = _parse_keys(members, file.member("signing_keys"), _parse_signing_key)
    sealing_keys = _parse_keys(members, file.member("sealing_keys"), _parse_sealing_key)
    subject_key = None
    if "subject_key" in members:
        subject_key = _parse_subject_key(members["subject_key"], file.member("subject_key"))
    if file.problems:
        raise InvalidKeyRing(file.problems)
    return signing_keys, sealing_keys, subject_key


def _parse_keys(
    ring: Mapping[str, Any], place: Place, parse: Callable[[object, Place], K | None]
) -> tuple[K, ...]:
    listed = ring.get(place.path)
    if not isinstance(listed, list):
        place.refuse("must be an array of keys")
        return ()
    kids = [value.get("kid") if isinstance(value, JSONObject) else None for value in listed]
    for index, kid in enumerate(kids):
        if kid is not None and kid in kids[:index]:
            place.item(index).member("kid").refuse("an earlier key has the same")
    keys = [parse(value, place.item(index)) for index, value in enumerate(listed)]
    return tuple(key for key in keys if key is not None)


def _parse_signing_key(value: object, place: Place) -> SigningKey | None:
    algorithm = _parse_alg(value)
    if algorithm is None:
        place.member("alg").refuse(f"must be one of {', '.join(ALGORITHMS)}")
        return None
    jwk = place.read_object(value, ("kid", "alg", *_INSTANTS, *algorithm.members))
    instants = _parse_instants(jwk, place)
    try:
        private_key = algorithm.load_private(jwk)
    except InvalidKey as wrong:
        place.refuse(str(wrong))
        return None
    if jwk.get("kid") != thumbprint(jwk):
        place.member("kid").refuse("must be the RFC 7638 thumbprint of the key")
    if instants is None:
        return None
    return SigningKey(alg=algorithm.name, private_key=private_key, **instants)


def _parse_alg(value: object) -> Algorithm | None:
    alg = value.get("alg") if isinstance(value, JSONObject) else None
    return ALGORITHMS.get(alg) if isinstance(alg, str) else None


def _parse_sealing_key(value: object, place: Place) -> SealingKey | None:
    jwk = place.read_object(value, ("kid", *_INSTANTS, "kty", "k"))
    instants = _parse_instants(jwk, place)
    kid, secret = jwk.get("kid"), _parse_secret(jwk.get("k"), SEALING_KEY_BYTES)
    if not isinstance(kid, str) or not _SEALING_KID.fullmatch(kid):
        place.member("kid").refuse("must be 1 to 32 of the characters A-Z a-z 0-9 - _")
        kid = None
    if jwk.get("kty") != "oct":
        place.member("kty").refuse("must be oct")
    if secret is None:
        place.member("k").refuse(f"must be {SEALING_KEY_BYTES} bytes in base64url")
    if kid is None or secret is None or instants is None:
        return None
    return SealingKey(kid=kid, secret=secret, **instants)


def _parse_subject_key(value: object, place: Place) -> SubjectKey | None:
    jwk = place.read_object(value, ("kty", "k"))
    secret = _parse_secret(jwk.get("k"), SUBJECT_KEY_BYTES)
    if jwk.get("kty") != "oct":
        place.member("kty").refuse("must be oct")
    if secret is None:
        place.member("k").refuse(f"must be {SUBJECT_KEY_BYTES} bytes in base64url")
        return None
    return SubjectKey(secret)


def _parse_secret(value: object, length: int) -> bytes | None:
    try:
        secret = from_base64url(value) if isinstance(value, str) else b""
    except ValueError:
        return None
    return secret if len(secret) == length else None


def _format_instants(key: Timetable) -> dict[str, str]:
    instants = {name: getattr(key, name) for name in _INSTANTS}
    return {
        name: datetime.fromtimestamp(instant, UTC).strftime(_INSTANT)
        for name, instant in instants.items()
        if instant is not None
    }


def _parse_instants(jwk: Mapping[str, Any], place: Place) -> dict[str, int] | None:
    """The timetable in ``jwk``; ``None`` and a problem if there is none."""
    instants = {name: _parse_instant(jwk[name]) for name in _INSTANTS if name in jwk}
    for name, instant in instants.items():
        if instant is None:
            why = fault(str(jwk[name]))
            place.member(name).refuse(
                "must be a UTC time like 2026-11-01T00:00:00Z" + (f"; {why}" if why else "")
            )
    if "activates_at" not in instants:
        place.member("activates_at").refuse("missing")
    known = {name: instant for name, instant in instants.items() if instant is not None}
    if len(known) < len(instants) or "activates_at" not in known:
        return None
    try:
        Timetable(**known)
    except InvalidTimetable as wrong:
        place.member(wrong.instant).refuse(wrong.why)
        return None
    return known


def _parse_instant(value: object) -> int | None:
    try:
        instant = datetime.strptime(str(value), _INSTANT).replace(tzinfo=UTC)
    except ValueError:
        return None
    # strptime forgives missing zeros; a time has one spelling here.
    return int(instant.timestamp()) if instant.strftime(_INSTANT) == value else None
