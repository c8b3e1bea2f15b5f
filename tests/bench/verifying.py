"""What a resource server pays for a request: ``python -m tests.bench.verifying``.

In one process and without a network; contenders in turn, the median of the rounds in microseconds
of processor time.
"""

import statistics
import time
import warnings
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import count, repeat
from typing import Any

from issuer.server import AuthorizationServer
from issuer.token import handler
from keys import DPoP, KeySet, Nonces, Verifier, jws
from keys.dpop_signer import DPoPKey
from keys.mac import DecryptionKeys, MacVerifier
from keys.mac.signed_request import Request
from keys.mac.signer import MacCredentials, authorization
from keys.replays import MemoryReplays
from keys.signing import SigningKey
from tests.bench.in_turn import Call, measured
from tests.bench.report import table
from tests.builders import API, ISSUER, MAC_API, MAC_PRIVATE_JWK, NOW, a_client, a_request, a_server

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # WebOb's, of the standard library's cgi
    import macauthlib

ADDRESS = ("GET", "/invoices?page=2", "mac.example", 443)
ENVIRON = {
    "REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": "/invoices", "QUERY_STRING": "page=2",
    "HTTP_HOST": "mac.example", "wsgi.url_scheme": "https", "SERVER_PORT": "443",
}  # fmt: skip

URL = "https://api.example/invoices?page=2"
NONCES = Nonces(b"s" * 32)


def token(server: AuthorizationServer, audience: str) -> dict[str, Any]:
    """A token response."""
    authorized = handler.validate(server, a_request(resource=audience))
    return dict(handler.grant_response(server, authorized).body)


class ResourceServer:
    """Verifiers of each kind, and tokens for them."""

    def __init__(self) -> None:
        self.server = a_server(a_client(resources=(API, MAC_API)))
        self.keys = KeySet.from_dict(self.server.ring.jwks(NOW))
        self.bearer = Verifier(ISSUER, API, self.keys)
        private = DecryptionKeys.from_jwks({"keys": [MAC_PRIVATE_JWK]})
        self.mac = MacVerifier(ISSUER, MAC_API, self.keys, decryption_keys=private)
        self.known = MacCredentials.from_response(token(self.server, MAC_API))
        self.numbers = count()
        self.signing_key = SigningKey.generate(activates_at=0)
        keys = KeySet.from_dict({"keys": [dict(self.signing_key.public_jwk)]})
        self.dpop = Verifier(ISSUER, API, keys, dpop=DPoP())
        careful = DPoP(nonces=NONCES, replays=MemoryReplays(max_per_client=200_000))
        self.careful = Verifier(ISSUER, API, keys, dpop=careful)
        self.key = DPoPKey.generate()
        self.bound = self._bound(self.key)

    def signatures(self) -> Iterator[Call]:
        """The signature of a token, and its claims read; nothing of them checked."""
        while True:
            parsed = jws.parse(token(self.server, API)["access_token"])
            key = self.keys.find(parsed.header.kid, NOW)
            assert key is not None
            yield partial(parsed.verify, key)

    def unseen_bearers(self) -> Iterator[Call]:
        """Each request with a token of its own."""
        while True:
            text = token(self.server, API)["access_token"]
            yield partial(self.bearer.verify, text, now=NOW)

    def seen_bearers(self) -> Iterator[Call]:
        """Each request with the same token."""
        text = token(self.server, API)["access_token"]
        return repeat(partial(self.bearer.verify, text, now=NOW))

    def unseen_macs(self) -> Iterator[Call]:
        """Each request with a token and a key of its own."""
        while True:
            yield self._signed(MacCredentials.from_response(token(self.server, MAC_API)))

    def seen_macs(self) -> Iterator[Call]:
        """Each request with the same token and another nonce."""
        while True:
            yield self._signed(self.known)

    def unseen_proofs(self) -> Iterator[Call]:
        """Each request with a token and a key of its own."""
        while True:
            key = DPoPKey.generate()
            yield self._proved(self.dpop, key, self._bound(key))

    def seen_proofs(self) -> Iterator[Call]:
        """Each request with the same token and a proof of its own."""
        while True:
            yield self._proved(self.dpop, self.key, self.bound)

    def careful_proofs(self) -> Iterator[Call]:
        """The same with a nonce, each proof remembered."""
        while True:
            yield self._proved(self.careful, self.key, self.bound, NONCES.current(NOW))

    def macauthlib(self) -> Iterator[Call]:
        """The same by other people's verifier, to which the key is given."""
        check = partial(
            macauthlib.check_signature, key=self.known.mac_key, hashmod="sha256",
            nonces=macauthlib.NonceCache(),
        )  # fmt: skip
        while True:
            header = self._header(self.known, int(time.time()))
            yield partial(check, ENVIRON | {"HTTP_AUTHORIZATION": header})

    def _bound(self, key: DPoPKey) -> str:
        """An access token that says as much as a bearer token does, and whose it is."""
        claims = self.bearer.verify(token(self.server, API)["access_token"], now=NOW).claims
        return self.signing_key.sign("at+jwt", {**claims, "cnf": {"jkt": key.jkt}})

    def _proved(
        self, verifier: Verifier, key: DPoPKey, bound: str, nonce: str | None = None
    ) -> Call:
        return partial(
            verifier.verify_request,
            authorization=f"DPoP {bound}",
            dpop=key.proof("GET", URL, access_token=bound, nonce=nonce, now=NOW),
            method="GET",
            url=URL,
            now=NOW,
        )

    def _signed(self, held: MacCredentials) -> Call:
        method, target, host, port = ADDRESS
        header = self._header(held, NOW)
        return partial(
            self.mac.verify, method, target, host=host, port=port, authorization=header, now=NOW
        )

    def _header(self, held: MacCredentials, ts: int) -> str:
        nonce = f"nonce-{next(self.numbers):010}"
        return authorization(Request.of(*ADDRESS), held, ts=ts, nonce=nonce)


def contenders() -> Mapping[str, Iterator[Call]]:
    """Calls by what they are, made ready before the clock starts."""
    here = ResourceServer()
    return {
        "an ES256 signature and its JSON": here.signatures(),
        "Bearer, a token not seen before": here.unseen_bearers(),
        "Bearer, a token seen before": here.seen_bearers(),
        "DPoP, token and key not seen before": here.unseen_proofs(),
        "DPoP, a token seen before": here.seen_proofs(),
        "the same, with a nonce, remembered": here.careful_proofs(),
        "MAC, a token not seen before": here.unseen_macs(),
        "MAC, a token seen before": here.seen_macs(),
        "macauthlib, with the key at hand": here.macauthlib(),
    }


def main() -> None:
    """Measures, and prints a table."""
    rounds = measured(contenders())
    medians = {name: statistics.median(each) for name, each in rounds.items()}
    bare = next(iter(medians.values()))
    rows = [[name, f"{each:.1f}", f"{each / bare:.2f}"] for name, each in medians.items()]
    print(table(["a request", "µs", "times the signature check"], rows))


if __name__ == "__main__":
    main()
