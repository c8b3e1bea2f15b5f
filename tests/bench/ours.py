"""The issuer, as ``gunicorn`` alone runs it: with its access log, and no store."""

import dataclasses
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from issuer.browser.authorize import AuthorizationRequest, issue_code
from issuer.client_auth.private_key_jwt import ASSERTION_TYPE
from issuer.load import load
from issuer.metadata import TOKEN
from issuer.possession import nonces
from issuer.protocol.form import Form
from issuer.protocol.request import TokenRequest
from issuer.protocol.sealed import fresh_id
from issuer.registry import secret
from issuer.token import handler
from keys.dpop_signer import DPoPKey
from keys.mac.key_wrapping import public_jwk
from keys.signing import SigningKey
from tests.bench.builds import PURE, Build
from tests.bench.clients import POOL, client_credentials, client_id, client_secret, form, spread
from tests.bench.endpoint import Endpoint, ask, is_answered
from tests.bench.load import TokenForm
from tests.bench.processes import Memory, children, memory, pause, pinned, shared_objects
from tests.builders import (
    API,
    CALLBACK,
    CHALLENGE,
    MAC_API,
    MAC_PRIVATE_JWK,
    PASSWORD_HASH,
    SECRET,
    VERIFIER,
)
from tests.rfc8705.certificates import DAY, an_authority, by_rfc_9440, certified
from tests.running import RunningIssuer

TODAY = {"begins": int(time.time()) - DAY, "ends": int(time.time()) + 30 * DAY}
AUTHORITY = an_authority(**TODAY)

PROOFS = 8 * POOL
"""More than are sent in a round, so that hardly any comes twice."""

SIGNER, TYP = "signer", "client-authentication+jwt"

PATIENT = ("--timeout", "0")  # a worker that is paused does not hang


class Ours:
    """An issuer with some number of clients, in a directory of its own."""

    first_token = 0.0
    """Seconds from starting gunicorn to holding a token."""

    def __init__(
        self,
        directory: Path,
        clients: int,
        replay_store: str = "none",
        build: Build = PURE,
        *,
        by_certificate: bool = False,
    ) -> None:
        directory.mkdir()
        self.clients = clients
        self._by_certificate = by_certificate
        self._issuer = RunningIssuer(directory)
        self._issuer.python, self._issuer.checkout = build.python, build.checkout
        self.registry, self.keyring = self._issuer.registry, self._issuer.keyring
        table = registry(self._issuer.url, clients)
        table["issuer"]["replay_store"] = replay_store
        if by_certificate:
            table = _by_certificate(table)
        self.key = SigningKey.generate("ES256", activates_at=0)
        table["clients"][SIGNER] = _signer(self.key)
        self._write(table)

    def start(self, *cores: int, workers: int = 1) -> None:
        """Starts it on ``cores``, and returns as soon as it has answered."""
        asked = self.certified if self._by_certificate else lambda: client_credentials(self.clients)
        first, start = asked()[0], time.perf_counter()
        with pinned(set(cores)):
            process = self._issuer.spawn(*PATIENT, workers=workers)
        while not is_answered(self.endpoint.token, first):
            assert process.poll() is None, self._issuer.log.read_text()
            time.sleep(0.002)
        self.first_token = time.perf_counter() - start

    def stop(self) -> None:
        """Stops it, paused or not."""
        os.killpg(self.endpoint.group, signal.SIGCONT)
        self._issuer.stop()

    @property
    def endpoint(self) -> Endpoint:
        """Where it answers while it runs."""
        assert self._issuer.process is not None
        group = self._issuer.process.pid
        return Endpoint(url=self._issuer.url, jwks_path="/.well-known/jwks.json", group=group)

    @property
    def workers(self) -> list[int]:
        """The processes that answer."""
        return children(self.endpoint.group)

    @property
    def memory(self) -> Memory:
        """Of the worker."""
        return memory(self.workers[0])

    @property
    def held(self) -> float:
        """Megabytes that all of its processes hold together."""
        return sum(memory(pid).proportional for pid in (self.endpoint.group, *self.workers))

    @property
    def compiled_modules(self) -> int:
        """How many of the issuer's modules the worker has compiled: none, or all that were."""
        folder = self._issuer.checkout
        # One library holds them all. Those that it imports itself need no file of their own, so
        # few of those files are mapped where it is.
        if not any("__mypyc" in each for each in shared_objects(self.workers[0], below=folder)):
            return 0
        return sum("__mypyc" not in file.name for file in folder.rglob("*.so"))

    def change_a_client(self) -> None:
        """Gives one client another name, in the file."""
        table = self._issuer.read_registry()
        table["clients"][client_id(0)]["client_name"] = "Another name"
        self._write(table)

    def _write(self, table: dict[str, Any]) -> None:
        """As somebody would who has a line for each member, though a million clients are many."""
        text = msgspec.json.format(msgspec.json.encode(table), indent=1)
        partial = self.registry.with_suffix(".partial")
        partial.write_bytes(text)
        partial.replace(self.registry)

    def proofs(self, count: int = PROOFS) -> list[TokenForm]:
        """Requests for tokens of the clients' own, each with a fresh proof and the nonce of now."""
        now = int(time.time())
        server = load(self.registry, self.keyring, now)
        url, nonce = server.issuer + TOKEN, nonces.current(server, now)
        asked = client_credentials(self.clients)
        keys = {each.client_id: DPoPKey.generate() for each in asked}
        return [
            dataclasses.replace(each, dpop=keys[each.client_id].proof("POST", url, nonce=nonce))
            for each in islice(cycle(asked), count)
        ]

    def certified(self) -> list[TokenForm]:
        """Requests for tokens of the clients' own, each by its certificate, as a proxy says it."""
        asked = client_credentials(self.clients)
        headers = {each.client_id: _header(each.client_id) for each in asked}
        return [
            dataclasses.replace(
                each,
                parameters=(*each.parameters, ("client_id", each.client_id)),
                certificate=headers[each.client_id],
            )
            for each in asked
        ]

    def assertions(self, count: int = PROOFS) -> list[TokenForm]:
        """Requests of the client that signs, each with an assertion of its own."""
        now = int(time.time())
        said = {"iss": SIGNER, "sub": SIGNER, "aud": self._issuer.url, "iat": now, "exp": now + 300}
        return [
            TokenForm(
                client_id=SIGNER,
                client_secret="",
                parameters=(
                    ("grant_type", "client_credentials"),
                    ("scope", "read write"),
                    ("client_assertion_type", ASSERTION_TYPE),
                    ("client_assertion", self.key.sign(TYP, {**said, "jti": fresh_id()})),
                ),
            )
            for _ in range(count)
        ]

    def codes(self, count: int = POOL) -> list[TokenForm]:
        """Requests that redeem a code each. The codes are fresh: they live for minutes."""
        now = int(time.time())
        server = load(self.registry, self.keyring, now)
        return [
            form(
                number,
                grant_type="authorization_code",
                code=issue_code(server, _consent(number), username="alice", now=now),
                redirect_uri=CALLBACK,
                code_verifier=VERIFIER,
            )
            for number in spread(self.clients, count)
        ]

    def access_tokens(self, times: int = 1) -> list[tuple[int, str]]:
        """Fresh ones, ``times`` of each client of the pool, with the number of their client."""
        now = int(time.time())
        server = load(self.registry, self.keyring, now)
        minted = []
        for number, asked in zip(
            spread(self.clients), client_credentials(self.clients), strict=True
        ):
            request = TokenRequest(
                form=Form.parse(asked.body.encode()),
                headers={"authorization": asked.authorization},
                received_at=now,
            )
            authorization = handler.validate(server, request)
            for _ in range(times):
                named = replace(authorization, id=fresh_id())
                token = handler.grant_response(server, named).access_token
                minted.append((number, str(token)))
        return minted

    def introspections(self, times: int = 1) -> list[TokenForm]:
        """Requests of the API, each about a fresh token."""
        return [
            TokenForm(client_id="api", client_secret=SECRET, parameters=(("token", token),))
            for _, token in self.access_tokens(times)
        ]

    def revocations(self) -> list[TokenForm]:
        """Requests that revoke a fresh token each. Of those sent again, the store learns nothing
        new, but writes it as it did before."""
        return [form(number, token=token) for number, token in self.access_tokens()]

    def refresh_tokens(self) -> list[TokenForm]:
        """Requests that refresh, each with a token that a code was redeemed for."""
        answers = [ask(self.endpoint.token, redemption) for redemption in self.codes()]
        return [
            form(number, grant_type="refresh_token", refresh_token=answer["refresh_token"])
            for number, answer in zip(spread(self.clients), answers, strict=True)
        ]


@contextmanager
def started(
    directory: Path,
    clients: int,
    *cores: int,
    workers: int = 1,
    replay_store: str = "none",
    build: Build = PURE,
    by_certificate: bool = False,
) -> Iterator[Ours]:
    """An issuer that is ready and paused."""
    issuer = Ours(directory, clients, replay_store, build, by_certificate=by_certificate)
    issuer.start(*cores, workers=workers)
    pause(issuer.endpoint.group)
    try:
        yield issuer
    finally:
        issuer.stop()


def seconds_to_first_token(directory: Path, clients: int, build: Build = PURE) -> float:
    """From starting gunicorn to holding a token."""
    issuer = Ours(directory, clients, build=build)
    issuer.start(0)
    issuer.stop()
    return issuer.first_token


def registry(url: str, clients: int) -> dict[str, Any]:
    """A registry of ``clients`` clients, as JSON spells it."""
    return {
        "issuer": {"url": url, "access_token_lifetime": 600, "authorization_code_lifetime": 300},
        "resources": {
            API: {
                "scopes": ["read", "write"],
                "client_id": "api",
                "client_secrets": [{"hash": secret.sha256_hash(SECRET)}],
            },
            MAC_API: {
                "scopes": ["read", "write"],
                "access_token_type": "mac",
                "jwks": {"keys": [public_jwk(MAC_PRIVATE_JWK)]},
            },
        },
        "clients": {client_id(number): _client(number) for number in range(clients)},
        "users": {"alice": {"password_hash": PASSWORD_HASH}},
    }


def _signer(key: SigningKey) -> dict[str, Any]:
    return {
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": {"keys": [dict(key.public_jwk)]},
        "grant_types": ["client_credentials"],
        "scope": "read write",
        "resources": [API],
    }


def _client(number: int) -> dict[str, Any]:
    return {
        "client_secrets": [{"hash": secret.sha256_hash(client_secret(number))}],
        "grant_types": ["client_credentials", "authorization_code", "refresh_token"],
        "redirect_uris": [CALLBACK],
        "scope": "read write",
        "resources": [API, MAC_API],
    }


def _by_certificate(table: dict[str, Any]) -> dict[str, Any]:
    """``table``, whose clients have certificates in place of secrets."""
    issuer = table["issuer"] | {
        "trusted_proxies": ["127.0.0.1"],
        "client_certificate_header": "Client-Cert",
        "client_certificate_authorities": AUTHORITY.pem,
    }
    clients = {}
    for name, client in table["clients"].items():
        kept = {field: each for field, each in client.items() if field != "client_secrets"}
        clients[name] = kept | {
            "token_endpoint_auth_method": "tls_client_auth",
            "tls_client_auth_subject_dn": f"CN={name}",
            "tls_client_certificate_bound_access_tokens": True,
        }
    return table | {"issuer": issuer, "clients": clients}


@cache
def _header(name: str) -> str:
    """What a proxy says of the certificate of a client."""
    return by_rfc_9440(certified(f"CN={name}", by=AUTHORITY, **TODAY))


def _consent(number: int) -> AuthorizationRequest:
    return AuthorizationRequest(
        client_id=client_id(number), code_challenge=CHALLENGE, code_challenge_method="S256"
    )
