"""What a client's certificate costs the issuer: ``python -m tests.bench.certificates``.

In one process and without a network; contenders in turn, in microseconds of processor time. Nothing
is signed: it is all that happens to a request before, with the header of the proxy. What is ours is
what a certificate takes more than a secret, which is hashed and compared in its place.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any

from msgspec.structs import replace

from issuer.protocol.request import TokenRequest
from issuer.registry import Registry
from issuer.registry.settings import Settings
from issuer.resources.client_certificate import client_certificates
from issuer.server import AuthorizationServer
from issuer.token import handler
from tests.asking import a_request_of
from tests.bench.in_turn import Call, measured, page
from tests.builders import NOW, RING, a_client, a_request, a_resource
from tests.rfc8705.certificates import AUTHORITY, BILLING, by_rfc_9440, certified
from tests.rfc8705.registries import BEHIND_A_PROXY, PROXY

MOST = 30.0
"""Microseconds that are ours at most."""


class Issuer:
    """One behind a proxy, with a client that has a secret and one that has a certificate."""

    def __init__(self) -> None:
        by_name = a_client(
            "billing",
            token_endpoint_auth_method="tls_client_auth",
            client_secrets=(),
            tls_client_auth_subject_dn="CN=billing,O=Example",
            tls_client_certificate_bound_access_tokens=True,
        )
        settings = {"url": "https://issuer.example", **BEHIND_A_PROXY}
        registry = Registry.of(
            Settings(**settings),
            resources=(a_resource(),),
            clients=(a_client("web"), by_name),
            authorities=AUTHORITY.pem,
            digest="sha256:test",
        )
        self.server = AuthorizationServer.of(registry, RING)

    def secrets(self) -> Iterator[Call]:
        """By client_secret_basic."""
        while True:
            yield partial(self._judge, _sent(b""), a_request(client_id="web"))

    def certificates(self) -> Iterator[Call]:
        """By a certificate that was seen before, as each is but the first."""
        while True:
            yield partial(self._judge, _sent(by_rfc_9440(BILLING).encode()), _named())

    def unseen_certificates(self) -> Iterator[Call]:
        """By one that was not."""
        while True:
            header = by_rfc_9440(certified(by=AUTHORITY)).encode()
            yield partial(self._judge, _sent(header), _named())

    def _judge(self, sent: Any, request: TokenRequest) -> object:
        found = client_certificates(sent, self.server)
        if found:
            request = replace(request, certificate=found[0], chain=found[1:])
        return handler.validate(self.server, request)


def _named() -> TokenRequest:
    pairs = (("grant_type", "client_credentials"), ("client_id", "billing"))
    return a_request_of(*pairs, client_id=None, now=NOW)


def _sent(certificate: bytes) -> Any:
    """What Falcon has of the request, as far as it is looked at here."""
    names = (b"host", b"user-agent", b"content-type", b"content-length", b"x-forwarded-for")
    headers = [(name, b"x") for name in names]
    headers += [(b"client-cert", certificate)] if certificate else []
    return SimpleNamespace(scope={"client": (PROXY, 1), "headers": headers})


def contenders() -> Mapping[str, Iterator[Call]]:
    """Calls by what they are, made ready before the clock starts."""
    issuer = Issuer()
    return {
        "a request by its secret": issuer.secrets(),
        "by a certificate, and bound to it": issuer.certificates(),
        "the same, by one not seen before": issuer.unseen_certificates(),
    }


def main() -> None:
    """Measures, and prints a table and what is ours."""
    rounds = measured(contenders())
    print(page(rounds))
    secret, certificate, _ = rounds.values()
    more = min(certificate) - min(secret)
    verdict = "reached" if more <= MOST else "**not reached**"
    print(f"\nMore than a secret by the least: {more:.1f} µs; {MOST:.0f} at most: {verdict}")


if __name__ == "__main__":
    main()
