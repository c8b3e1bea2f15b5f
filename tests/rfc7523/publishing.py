"""A client that publishes its keys by https, with a certificate of an authority of the tests."""

import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509

from tests.rfc8705.certificates import DAY, an_authority, certified, names


class Publisher:
    """What it answers, to be changed by the tests, and how often it was asked."""

    def __init__(self) -> None:
        self.status = 200
        self.jwks: Any = {"keys": []}
        self.headers: dict[str, str] = {}
        self.asked = 0
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.port = self.server.server_address[1]
        self.jwks_uri = f"https://localhost:{self.port}/jwks.json"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        publisher = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                publisher.asked += 1
                body = json.dumps(publisher.jwks).encode()
                self.send_response(publisher.status)
                for name, value in publisher.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Nothing."""

        return Handler


@contextmanager
def publishing(directory: Path) -> Iterator[tuple[Publisher, Path]]:
    """One that runs, and the file of the authority that vouches for it."""
    authority, certificate = _certificates(directory)
    publisher = Publisher()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    publisher.server.socket = context.wrap_socket(publisher.server.socket, server_side=True)
    thread = threading.Thread(target=publisher.server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield publisher, authority
    finally:
        publisher.server.shutdown()
        thread.join(10)
        publisher.server.server_close()


def _certificates(directory: Path) -> tuple[Path, Path]:
    """An authority, and a server with its key, as files."""
    now = int(time.time())
    dates = {"begins": now - DAY, "ends": now + DAY}
    usage = x509.KeyUsage(
        digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip
    authority = an_authority("CN=Authority of the tests", extensions=(usage,), **dates)
    signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    local = names(dns="localhost", ip="127.0.0.1")
    server = certified("CN=localhost", by=authority, extensions=(local, signer), **dates)
    paths = directory / "authority.pem", directory / "server.pem"
    paths[0].write_text(authority.pem)
    paths[1].write_text(server.pem + server.key_pem)
    return paths
