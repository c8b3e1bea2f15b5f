"""Resource servers for both gateway interfaces: they answer what they were asked, and by whom."""

import json
import os
from pathlib import Path

from keys import AccessToken, Verifier, asgi, wsgi
from keys.mac import MacVerifier, MemoryReplays
from keys.replays import MAX_ENTRIES, MAX_PER_CLIENT

VERIFYING = {
    "bearer": Verifier(os.environ["ISSUER"], os.environ["AUDIENCE"]),
    "mac": MacVerifier(
        os.environ["ISSUER"],
        os.environ["MAC_AUDIENCE"],
        decryption_keys=Path(os.environ["MAC_KEYS"]),
        require_body_hash="REQUIRE_BODY_HASH" in os.environ,
        replays=MemoryReplays(
            int(os.environ.get("MAX_ENTRIES", MAX_ENTRIES)),
            int(os.environ.get("MAX_PER_CLIENT", MAX_PER_CLIENT)),
        ),
    ),
    "origin": os.environ.get("ORIGIN"),
    "public": ["/healthz"],
}


def answer(token: AccessToken | None, path: str, body: bytes) -> bytes:
    if token is None:
        return b"{}"
    if path == "/pay":
        token.require("pay")
    seen = {"subject": token.subject, "audience": token.audience, "body": body.decode()}
    return json.dumps(seen).encode()


async def application(scope, receive, send):
    """ASGI."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": scope["access_token"].subject})
        await send({"type": "websocket.close"})
        return
    if scope["type"] != "http":
        return
    body, more = b"", True
    while more:
        message = await receive()
        body += message["body"]
        more = message["more_body"]
    content = answer(scope.get("access_token"), scope["path"], body)
    status = 307 if scope["path"] == "/moved" else 200
    headers = [(b"location", b"/x")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


def wsgi_application(environ, start_response):
    body = environ["wsgi.input"].read()
    content = answer(environ.get("keys.access_token"), environ["PATH_INFO"], body)
    status = "307 Moved" if environ["PATH_INFO"] == "/moved" else "200 OK"
    start_response(status, [("Content-Length", str(len(content))), ("Location", "/x")])
    return [content]


for_uvicorn = asgi.AccessMiddleware(application, **VERIFYING)
for_gunicorn = wsgi.AccessMiddleware(wsgi_application, **VERIFYING)
