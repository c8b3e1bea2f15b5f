"""A signing key follows another while tokens are made, and every verifier keeps up (F19)."""

import time
from collections.abc import Callable
from dataclasses import replace

import jwt
import pytest

from issuer.metadata import JWKS
from keys.ring import KeyRing, write
from keys.sealing import SealingKey
from keys.signing import SigningKey
from tests.builders import API
from tests.running import RunningIssuer
from tests.verifying import ResourceServer

LEAD = 5
"""Seconds from announcing the key to using it: more than a change of the file takes."""
LONG = 3600 * 24 * 40


def succeeded(ring: KeyRing, at: int, alg: str) -> KeyRing:
    """``ring`` with a successor of either key that is used from ``at`` on."""
    (signing,), (sealing,) = ring.signing_keys, ring.sealing_keys
    until = {"published_at": None, "retires_at": at, "expires_at": at + LONG}
    return KeyRing(
        (SigningKey.generate(alg, activates_at=at), replace(signing, **until)),
        (SealingKey.generate(activates_at=at), replace(sealing, **until)),
    )


def kid(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


def test_no_verification_fails_while_the_key_changes(an_issuer: Callable[..., RunningIssuer]):
    """F19: with caches that are warm, stale since before the announcement, and empty."""
    issuer = an_issuer().start(workers=2)
    ring = KeyRing.parse(issuer.keyring.read_bytes())

    def a_verifier(**cache: float) -> ResourceServer:
        return ResourceServer(issuer.url + JWKS, issuer.url, API, **cache)

    warm = a_verifier(lifespan=1, cooldown_duration=60)  # never asks for the sake of a token
    stale = a_verifier(lifespan=60, cooldown_duration=1)
    deaf = a_verifier(lifespan=60, cooldown_duration=60)  # longer than the key was announced for
    first = issuer.access_token()
    for each in (stale, deaf):
        each.verify(first)
    held = issuer.redeem(issuer.code()).json()["refresh_token"]
    code = issuer.code()

    activates_at = int(time.time()) + LEAD
    write(issuer.keyring, succeeded(ring, activates_at, "EdDSA"))
    tokens = [first]
    while time.time() < activates_at + 1.5:
        tokens.append(issuer.access_token())
        for each in (warm, a_verifier()):
            each.verify(tokens[-1])
        time.sleep(0.05)
    for token in tokens:
        stale.verify(token)

    new = KeyRing.parse(issuer.keyring.read_bytes()).signing_keys[0].kid
    used = [(claims(token)["iat"] >= activates_at, kid(token) == new) for token in tokens]
    assert set(used) == {(False, False), (True, True)}
    assert issuer.redeem(code).status_code == 200
    assert issuer.refresh(held).status_code == 200
    with pytest.raises(jwt.PyJWKClientError):  # why a key is announced for longer than caches live
        deaf.verify(tokens[-1])


def claims(token: str) -> dict[str, int]:
    decoded: dict[str, int] = jwt.decode(token, options={"verify_signature": False})
    return decoded


def test_a_key_that_was_withdrawn_takes_its_tokens_along(an_issuer: Callable[..., RunningIssuer]):
    """F20: a verifier that asks again refuses them; the tokens of the next key are good."""
    issuer = an_issuer().start()
    token = issuer.access_token()
    jwks_url = issuer.url + JWKS
    ResourceServer(jwks_url, issuer.url, API).verify(token)
    held = issuer.redeem(issuer.code()).json()["refresh_token"]
    write(issuer.keyring, KeyRing.new("ES256", int(time.time()) - 5))
    issuer.wait_until(lambda: kid(issuer.access_token()) != kid(token))
    with pytest.raises(jwt.PyJWKClientError):
        ResourceServer(jwks_url, issuer.url, API).verify(token)
    ResourceServer(jwks_url, issuer.url, API).verify(issuer.access_token())
    assert issuer.refresh(held).json()["error"] == "invalid_grant"
