"""One request through the middleware, as each gateway interface describes it."""

import asyncio
import io

from keys import asgi, wsgi


def by_asgi(fields: list[tuple[str, str]], request: dict, options: dict):
    """The status and the fields of the answer."""
    sent = []

    async def app(scope, receive, send):
        scope["access_token"].require(request.get("scope", "read"))
        headers = [(name.encode(), value.encode()) for name, value in request.get("own", [])]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    async def send(message):
        sent.append(message)

    path = request.get("path", "/invoices")
    scope = {
        "type": "http",
        "method": request.get("method", "GET"),
        "scheme": "http",
        "path": path,
        "raw_path": (request.get("raw_path") or path).encode("utf-8"),
        "query_string": b"page=2",
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in fields],
    }
    if "raw_path" in request and request["raw_path"] is None:
        scope["raw_path"] = None
    asyncio.run(asgi.AccessMiddleware(app, **options)(scope, None, send))
    told = [(name.decode().lower(), value.decode()) for name, value in sent[0]["headers"]]
    return sent[0]["status"], told


def by_wsgi(fields: list[tuple[str, str]], request: dict, options: dict):
    """The same."""
    answers = []

    def app(environ, start_response):
        environ["keys.access_token"].require(request.get("scope", "read"))
        start_response("200 OK", list(request.get("own", [])))
        return [b""]

    def start_response(status, headers, *_):
        answers.append((int(status[:3]), [(name.lower(), value) for name, value in headers]))

    path = request.get("path", "/invoices")
    environ = {
        "REQUEST_METHOD": request.get("method", "GET"),
        "PATH_INFO": path,
        "RAW_URI": request.get("raw_path", path) + "?page=2",
        "QUERY_STRING": "page=2",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
    }
    for name, value in fields:  # as servers join them
        key = f"HTTP_{name.upper().replace('-', '_')}"
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    list(wsgi.AccessMiddleware(app, **options)(environ, start_response))
    return answers[-1]
