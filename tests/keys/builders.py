"""Tokens and servers with a default for everything, so that a test says only what it is about."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from keys.encoding import to_base64url
from keys.signing import SigningKey

NOW = 1_800_000_000
ISSUER = "https://issuer.example"
AUDIENCE = "https://api.example"
MISSING = object()

KEY = SigningKey.generate(activates_at=0)
RSA_KEY = SigningKey.generate("RS256", activates_at=0)
PSS_KEY = SigningKey(alg="PS256", private_key=RSA_KEY.private_key, activates_at=0)
ED_KEY = SigningKey.generate("EdDSA", activates_at=0)
OTHER_KEY = SigningKey.generate(activates_at=0)


def a_jwks(*keys: SigningKey) -> dict:
    return {"keys": [dict(key.public_jwk) for key in keys]}


def some_claims(**changes) -> dict:
    claims = {
        "iss": ISSUER,
        "sub": "alice",
        "aud": AUDIENCE,
        "client_id": "billing",
        "scope": "read write",
        "iat": NOW,
        "exp": NOW + 600,
        "jti": "t1",
        **changes,
    }
    return {name: value for name, value in claims.items() if value is not MISSING}


def a_token(key: SigningKey = KEY, *, typ: str = "at+jwt", **changes) -> str:
    return key.sign(typ, some_claims(**changes))


def a_feed(
    revocations: object = MISSING, key: SigningKey = KEY, *, typ: str = "revocations+jwt", **changes
) -> str:
    """What ``key`` says was revoked: nothing, as of now."""
    claims = {
        "iss": ISSUER,
        "iat": NOW,
        "exp": NOW + 900,
        "revocations": {} if revocations is MISSING else revocations,
        **changes,
    }
    return key.sign(typ, {name: value for name, value in claims.items() if value is not MISSING})


def a_signed_token(
    header: bytes | dict | None = None,
    payload: bytes | dict | None = None,
    key: SigningKey = KEY,
    **changes,
) -> str:
    """A token of ``key`` whose header (or changes to the usual one) and payload are arbitrary."""
    if not isinstance(header, bytes):
        usual = {"typ": "at+jwt", "alg": key.alg, "kid": key.kid, **(header or {}), **changes}
        header = json.dumps(
            {name: value for name, value in usual.items() if value is not MISSING}
        ).encode()
    if not isinstance(payload, bytes):
        payload = json.dumps(payload or some_claims()).encode()
    message = f"{to_base64url(header)}.{to_base64url(payload)}"
    signature = key._algorithm.signature.sign(message.encode(), key.private_key)
    return f"{message}.{to_base64url(signature)}"


class IssuerServer(ThreadingHTTPServer):
    """A real HTTP server that publishes metadata and keys, or misbehaves as it is told."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.jwks_uri = f"{self.url}/jwks"
        self.documents: dict[str, bytes] = {}
        self.headers = {"Cache-Control": "max-age=300"}
        self.status = 200
        self.seconds_per_byte = 0.0
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.requests: list[str] = []
        self.etags: dict[str, str] = {}
        self.known: list[str] = []
        """The paths of which somebody had what is there."""
        self.publish(KEY)

    def publish(self, *keys: SigningKey, path: str = "/jwks") -> None:
        self.documents[path] = json.dumps(a_jwks(*keys)).encode()

    def revoke(self, revocations: object = MISSING, path: str = "/revocations", **changes) -> None:
        feed = a_feed(revocations, **{"iss": self.url, **changes})
        self.documents[path] = feed.encode()
        self.etags[path] = f'"{hash(feed)}"'

    def describe(self, identifier: str, **changes) -> None:
        path = identifier.removeprefix(self.url)
        metadata = {"issuer": identifier, "jwks_uri": self.jwks_uri, **changes}
        document = json.dumps(metadata).encode()
        self.documents[f"/.well-known/oauth-authorization-server{path}"] = document


class _Handler(BaseHTTPRequestHandler):
    server: IssuerServer

    def do_GET(self) -> None:
        self.server.requests.append(self.path)
        self.server.may_answer.wait(10)
        document = self.server.documents.get(self.path)
        etag = self.server.etags.get(self.path)
        if etag and self.headers["If-None-Match"] == etag:
            self.server.known.append(self.path)
            self.send_response(304)
            for name, value in self.server.headers.items():
                self.send_header(name, value)
            self.end_headers()
            return
        body = document or b""
        self.send_response(self.server.status if document is not None else 404)
        if etag:
            self.send_header("ETag", etag)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if not self.server.seconds_per_byte:
            self.wfile.write(body)
        for index in range(len(body) if self.server.seconds_per_byte else 0):
            time.sleep(self.server.seconds_per_byte)
            self.wfile.write(body[index : index + 1])

    def log_message(self, *args) -> None:
        """Nothing: tests are quiet."""


@contextmanager
def an_issuer_server() -> Iterator[IssuerServer]:
    with IssuerServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.may_answer.set()
        server.shutdown()
        thread.join()
