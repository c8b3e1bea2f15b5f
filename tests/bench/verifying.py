"""What a resource server pays for a request: ``python -m tests.bench.verifying``.

In one process and without a network; contenders in turn, the median of the rounds in microseconds
of processor time.
"""

import statistics
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import count, repeat
from typing import Any

from issuer.server import AuthorizationServer
from issuer.token import handler
from keys import KeySet, Verifier, jws
from keys.mac import DecryptionKeys, MacVerifier
from keys.mac.signed_request import Request
from keys.mac.signer import MacCredentials, authorization
from tests.bench.report import table
from tests.builders import API, ISSUER, MAC_API, MAC_PRIVATE_JWK, NOW, a_client, a_request, a_server

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # WebOb's, of the standard library's cgi
    import macauthlib

ROUNDS, CALLS = 9, 200
ADDRESS = ("GET", "/invoices?page=2", "mac.example", 443)
ENVIRON = {
    "REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": "/invoices", "QUERY_STRING": "page=2",
    "HTTP_HOST": "mac.example", "wsgi.url_scheme": "https", "SERVER_PORT": "443",
}  # fmt: skip

Call = Callable[[], object]


def token(server: AuthorizationServer, audience: str) -> dict[str, Any]:
    """A token response."""
    authorized = handler.validate(server, a_request(resource=audience))
    return dict(handler.grant_response(server, authorized).body)


class ResourceServer:
    """Verifiers of both kinds, and tokens for them."""

    def __init__(self) -> None:
        self.server = a_server(a_client(resources=(API, MAC_API)))
        self.keys = KeySet.from_dict(self.server.ring.jwks(NOW))
        self.bearer = Verifier(ISSUER, API, self.keys)
        private = DecryptionKeys.from_jwks({"keys": [MAC_PRIVATE_JWK]})
        self.mac = MacVerifier(ISSUER, MAC_API, self.keys, decryption_keys=private)
        self.known = MacCredentials.from_response(token(self.server, MAC_API))
        self.numbers = count()

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

    def macauthlib(self) -> Iterator[Call]:
        """The same by other people's verifier, to which the key is given."""
        check = partial(
            macauthlib.check_signature, key=self.known.mac_key, hashmod="sha256",
            nonces=macauthlib.NonceCache(),
        )  # fmt: skip
        while True:
            header = self._header(self.known, int(time.time()))
            yield partial(check, ENVIRON | {"HTTP_AUTHORIZATION": header})

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
        "MAC, a token not seen before": here.unseen_macs(),
        "MAC, a token seen before": here.seen_macs(),
        "macauthlib, with the key at hand": here.macauthlib(),
    }


def microseconds(calls: Iterator[Call]) -> float:
    """Of processor time for one call; every call has to succeed."""
    ready = [next(calls) for _ in range(CALLS)]
    start = time.process_time()
    answers = [call() for call in ready]
    used = time.process_time() - start
    assert all(answers)
    return used / CALLS * 1e6


def main() -> None:
    """Measures, and prints a table."""
    running = contenders()
    rounds: dict[str, list[float]] = {name: [] for name in running}
    for _ in range(ROUNDS):
        for name, calls in running.items():
            rounds[name].append(microseconds(calls))
    medians = {name: statistics.median(each) for name, each in rounds.items()}
    bare = next(iter(medians.values()))
    rows = [[name, f"{each:.1f}", f"{each / bare:.2f}"] for name, each in medians.items()]
    print(table(["a request", "µs", "times the signature check"], rows))


if __name__ == "__main__":
    main()
