"""What a DPoP proof costs the issuer: ``python -m tests.bench.proving``.

In one process and without a network; contenders in turn, in microseconds of processor time. What is
ours is what is left without the check of the signature: reading the proof, finding its key, judging
what it says, its nonce, naming it for a store, binding the token, and the nonce of the answer.
"""

import statistics
from collections.abc import Iterator, Mapping
from functools import partial

from issuer.possession import answered, bind, nonces
from issuer.protocol.request import AuthenticatedRequest, Response, TokenRequest
from issuer.token import handler
from keys import jws
from keys.dpop import MAX_PROOF, _read_key
from keys.dpop_signer import DPoPKey
from tests.bench.in_turn import Call, measured, page
from tests.builders import ISSUER, NOW, a_client, a_request, a_server
from tests.rfc9449.proving import proving

URL = f"{ISSUER}/token"
MOST = 30.0
"""Microseconds that are ours at most."""


class Issuer:
    """One that requires nonces, and a client with a key."""

    def __init__(self) -> None:
        self.client = a_client()
        self.server = a_server(self.client, dpop_nonce="required")
        self.key = DPoPKey.generate()
        self.nonce = nonces.current(self.server, NOW)

    def signatures(self) -> Iterator[Call]:
        """The signature of a proof, and its JSON."""
        while True:
            parts = jws.cut(self._proof(), MAX_PROOF)
            yield partial(parts.verify, "ES256", _read_key(parts.header))

    def proofs(self) -> Iterator[Call]:
        """All that a proof adds to a request."""
        while True:
            request = proving(a_request(), self._proof(), url=URL)
            authenticated = AuthenticatedRequest(request=request, client=self.client)
            yield partial(self._bind, authenticated, request)

    def unseen_proofs(self) -> Iterator[Call]:
        """The same where each is by a key of its own."""
        while True:
            key = DPoPKey.generate()
            proof = key.proof("POST", URL, nonce=self.nonce, now=NOW)
            request = proving(a_request(), proof, url=URL)
            authenticated = AuthenticatedRequest(request=request, client=self.client)
            yield partial(self._bind, authenticated, request)

    def tokens(self, *, proved: bool) -> Iterator[Call]:
        """A whole token, from what was sent to what is answered."""
        while True:
            request = a_request(now=NOW)
            if proved:
                request = proving(request, self._proof(), url=URL)
            yield partial(self._grant, request)

    def _proof(self) -> str:
        return self.key.proof("POST", URL, nonce=self.nonce, now=NOW)

    def _bind(self, authenticated: AuthenticatedRequest, request: TokenRequest) -> Response:
        assert bind(self.server, authenticated).binding is not None
        return answered(self.server, request, Response(status=200, body={}))

    def _grant(self, request: TokenRequest) -> Response:
        return handler.grant_response(self.server, handler.validate(self.server, request))


def contenders() -> Mapping[str, Iterator[Call]]:
    """Calls by what they are, made ready before the clock starts."""
    issuer = Issuer()
    return {
        "an ES256 signature of a proof, and its JSON": issuer.signatures(),
        "a proof with a nonce": issuer.proofs(),
        "the same, by a key not seen before": issuer.unseen_proofs(),
        "a token": issuer.tokens(proved=False),
        "a token, by a proof with a nonce": issuer.tokens(proved=True),
    }


def main() -> None:
    """Measures, and prints a table and what is ours."""
    rounds = measured(contenders())
    bare, proof, *_ = rounds.values()
    ours = [with_it - without for with_it, without in zip(proof, bare, strict=True)]
    print(page(rounds))
    least, median = min(proof) - min(bare), statistics.median(ours)
    verdict = "reached" if least <= MOST else "**not reached**"
    said = f"{least:.1f} µs by the least, {median:.1f} by the median; {MOST:.0f} at most"
    print(f"\nOurs around a signature: {said}: {verdict}")


if __name__ == "__main__":
    main()
