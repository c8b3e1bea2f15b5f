"""A running issuer with devices, and one of them, over HTTP."""

from pathlib import Path
from typing import Any

import httpx

from issuer.protocol.device import GRANT_TYPE
from issuer.registry import secret
from tests.builders import API, OTHER_API, SECRET
from tests.running import RunningIssuer

NAME = "Television"


def an_issuer_with_devices(directory: Path, **settings: Any) -> RunningIssuer:
    """Client tv is public, console has a secret; both may refresh. Not started yet."""
    running = RunningIssuer(directory, **({"replay_store": "sqlite:replay.db"} | settings))
    table = running.read_registry()
    given = {"grant_types": [GRANT_TYPE, "refresh_token"], "scope": "read write"}
    given |= {"resources": [API, OTHER_API]}
    table["clients"]["tv"] = given | {
        "client_name": NAME,
        "token_endpoint_auth_method": "none",
    }
    table["clients"]["console"] = given | {
        "client_secrets": [{"hash": secret.sha256_hash(SECRET)}],
    }
    table["clients"]["ours"] = given | {
        "client_secrets": [{"hash": secret.sha256_hash(SECRET)}],
        "skip_consent": True,
    }
    running.write_registry(table)
    return running


class Device:
    """A device at ``issuer``, which began at once."""

    def __init__(self, issuer: RunningIssuer, client_id: str = "tv", **sent: str) -> None:
        self.issuer = issuer
        self.client_id = client_id
        self._auth = None if client_id == "tv" else (client_id, SECRET)
        answer = self._post(issuer, "/device_authorization", **sent)
        assert answer.status_code == 200, answer.text
        self.begun: dict[str, Any] = answer.json()
        self.answer = answer

    def _post(self, issuer: RunningIssuer, path: str, **sent: str) -> httpx.Response:
        named = {"client_id": self.client_id}
        options: Any = {} if self._auth is None else {"auth": self._auth}
        return issuer.http.post(path, data=named | sent, **options)

    @property
    def code(self) -> str:
        return self.begun["user_code"]

    def ask(self, at: RunningIssuer | None = None) -> httpx.Response:
        """What the token endpoint answers, of any replica."""
        sent = {"grant_type": GRANT_TYPE, "device_code": self.begun["device_code"]}
        return self._post(at or self.issuer, "/token", **sent)

    def hears(self, at: RunningIssuer | None = None) -> str:
        """By which error it is refused, or else that it has tokens."""
        return self.ask(at).json().get("error", "tokens")
