"""What a client assertion costs the issuer: ``python -m tests.bench.asserting``.

In one process and without a network; contenders in turn, in microseconds of processor time. What is
ours is measured with a key that believes everything: taking the assertion apart, its JSON, finding
the client and its key, judging what it says, and naming it for a store.
"""

import statistics
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from issuer import client_auth
from issuer.protocol import client_jwt
from issuer.protocol.request import TokenRequest
from issuer.registry.client_keys import ClientKeys
from issuer.token import handler
from keys.jwks import VerificationKey
from tests.bench.in_turn import Call, measured, page
from tests.builders import NOW, a_client, a_request, a_server
from tests.rfc7523.builders import a_signed_request, a_signing_client, an_assertion
from tests.rfc7523.keys import KID


class Credulous:
    """Checks no signature."""

    def verify(self, *_: object) -> bool:
        return True


class Believing(ClientKeys):
    """Finds the key as any does, and then believes what it is asked about."""

    __slots__ = ()

    def find(
        self, kid: object, alg: object, registered: str | None = None
    ) -> tuple[VerificationKey, ...]:
        found = ClientKeys.find(self, kid, alg, registered)
        kid = found[0].kid
        if kid not in BELIEVED:
            BELIEVED[kid] = tuple(map(believing, found))
        return BELIEVED[kid]


BELIEVED: dict[str, tuple[VerificationKey, ...]] = {}


def believing(key: VerificationKey) -> VerificationKey:
    """The key, for any signature."""
    row: Any = key.algorithm
    return replace(key, algorithm=replace(row, signature=Credulous()))


MOST = 30.0
"""Microseconds that are ours at most."""


class Issuer:
    """One with a client that signs, and one that has a secret."""

    def __init__(self) -> None:
        signer = a_signing_client()
        assert signer.jwks is not None
        believed = a_signing_client("believed", jwks=None)
        believed = replace(believed, jwks=Believing(signer.jwks.keys))
        self.server = a_server(signer, believed, a_client())
        (self.key,) = signer.jwks.find(KID, "ES256")

    def signatures(self) -> Iterator[Call]:
        """The check of a signature, and nothing else."""
        while True:
            read = client_jwt.read(an_assertion())
            yield partial(self.key.verifies, read.signature, read.message)

    def assertions(self, client_id: str) -> Iterator[Call]:
        """Client authentication by an assertion, each another."""
        while True:
            request = a_signed_request(an_assertion(client_id))
            yield partial(client_auth.authenticate, self.server, request)

    def secrets(self) -> Iterator[Call]:
        """Client authentication by a secret."""
        while True:
            yield partial(client_auth.authenticate, self.server, a_request())

    def tokens(self, *, signed: bool) -> Iterator[Call]:
        """A whole token, from what was sent to what is answered."""
        while True:
            request = a_signed_request(an_assertion()) if signed else a_request(now=NOW)
            yield partial(self._grant, request)

    def _grant(self, request: TokenRequest) -> object:
        return handler.grant_response(self.server, handler.validate(self.server, request))


def contenders() -> Mapping[str, Iterator[Call]]:
    """Calls by what they are, made ready before the clock starts."""
    issuer = Issuer()
    return {
        "an ES256 signature of an assertion": issuer.signatures(),
        "private_key_jwt, all but that": issuer.assertions("believed"),
        "private_key_jwt": issuer.assertions("signer"),
        "client_secret_basic": issuer.secrets(),
        "a token, by a secret": issuer.tokens(signed=False),
        "a token, by an assertion": issuer.tokens(signed=True),
    }


def main() -> None:
    """Measures, and prints a table and what is ours."""
    rounds = measured(contenders())
    _, ours, *_ = rounds.values()
    print(page(rounds))
    least, median = min(ours), statistics.median(ours)
    verdict = "reached" if least <= MOST else "**not reached**"
    said = f"{least:.1f} µs by the least, {median:.1f} by the median; {MOST:.0f} at most"
    print(f"\nOurs around a signature: {said}: {verdict}")


if __name__ == "__main__":
    main()
