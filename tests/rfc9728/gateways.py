"""One request through the middleware of either gateway interface, and the whole answer."""

import asyncio
import io
from dataclasses import dataclass
from typing import Any

from keys import asgi, wsgi

APPLICATION = b"the application's"


@dataclass(frozen=True)
class Told:
    """What was answered."""

    status: int
    fields: list[tuple[str, str]]
    body: bytes

    def __getitem__(self, name: str) -> str:
        (value,) = self.all(name)
        return value

    def all(self, name: str) -> list[str]:
        """The values of a header field."""
        return [value for each, value in self.fields if each == name]


def by_asgi(path: str, mount: str = "", *, method: str = "GET", token: str | None = None,
            scope: str = "read", headers: Any = (), **options: Any) -> Told:  # fmt: skip
    """``path`` is decoded and whole; ``mount`` is what of it the server knows already."""
    sent: list[Any] = []

    async def app(connection, receive, send):
        if "access_token" in connection:
            connection["access_token"].require(scope)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": APPLICATION})

    async def send(message):
        sent.append(message)

    fields = [*headers, *([("Authorization", f"Bearer {token}")] if token else [])]
    connection = {
        "type": "http", "method": method, "scheme": "http", "path": path, "root_path": mount,
        "raw_path": None, "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in fields],
    }  # fmt: skip
    asyncio.run(asgi.AccessMiddleware(app, **options)(connection, None, send))
    start, *bodies = sent
    told = [(name.decode(), value.decode()) for name, value in start["headers"]]
    return Told(start["status"], told, b"".join(each["body"] for each in bodies))


def by_wsgi(path: str, mount: str = "", *, method: str = "GET", token: str | None = None,
            scope: str = "read", headers: Any = (), **options: Any) -> Told:  # fmt: skip
    """The same."""
    answers: list[Any] = []

    def app(environ, start_response):
        if "keys.access_token" in environ:
            environ["keys.access_token"].require(scope)
        start_response("200 OK", [])
        return [APPLICATION]

    def start_response(status, fields, *_):
        answers.append((int(status[:3]), [(name.lower(), value) for name, value in fields]))

    environ = {
        "REQUEST_METHOD": method, "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(),
        "SCRIPT_NAME": mount.encode().decode("latin-1"),
        "PATH_INFO": path.removeprefix(mount).encode("utf-8", "replace").decode("latin-1"),
        **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers},
        **({"HTTP_AUTHORIZATION": f"Bearer {token}"} if token else {}),
    }  # fmt: skip
    body = b"".join(wsgi.AccessMiddleware(app, **options)(environ, start_response))
    return Told(*answers[-1], body)
