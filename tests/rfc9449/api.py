"""Resource servers for both gateway interfaces, which take DPoP: they say who asks."""

import json
import os

from keys import AccessToken, DPoP, Nonces, Verifier, asgi, wsgi
from keys.replays import MemoryReplays

SECRET = os.environ.get("NONCE_SECRET")

VERIFYING = {
    "bearer": Verifier(
        os.environ["ISSUER"],
        os.environ["AUDIENCE"],
        json.loads(os.environ["JWKS"]) if "JWKS" in os.environ else None,
        dpop=DPoP(
            nonces=Nonces(os.environ["NONCE_SECRET"].encode())
            if "NONCE_SECRET" in os.environ
            else None,
            replays=MemoryReplays(),
        ),
    ),
    "origin": os.environ.get("ORIGIN"),
    "public": ["/healthz"],
}


def answer(token: AccessToken | None, body: bytes) -> bytes:
    if token is None:
        return b"{}"
    token.require("read")
    return json.dumps(
        {"subject": token.subject, "scheme": token.scheme, "body": body.decode()}
    ).encode()


async def application(scope, receive, send):
    """ASGI."""
    if scope["type"] != "http":
        return
    body, more = b"", True
    while more:
        message = await receive()
        body += message["body"]
        more = message["more_body"]
    content = answer(scope.get("access_token"), body)
    status = 307 if scope["path"] == "/moved" else 200
    headers = [(b"location", scope["query_string"] or b"/x")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


def wsgi_application(environ, start_response):
    content = answer(environ.get("keys.access_token"), environ["wsgi.input"].read())
    status = "307 Moved" if environ["PATH_INFO"] == "/moved" else "200 OK"
    location = environ["QUERY_STRING"] or "/x"
    start_response(status, [("Content-Length", str(len(content))), ("Location", location)])
    return [content]


for_uvicorn = asgi.AccessMiddleware(application, **VERIFYING)
for_gunicorn = wsgi.AccessMiddleware(wsgi_application, **VERIFYING)
