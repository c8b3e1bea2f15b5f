"""ASGI applications that answer with little, for what is between them and a client."""

from collections.abc import Sequence
from typing import Any


async def answer(
    send: Any, *bodies: bytes, status: int = 200, headers: Sequence[tuple[bytes, bytes]] = ()
) -> None:
    """Sends an answer, its body in so many pieces."""
    length = (b"content-length", b"%d" % sum(map(len, bodies)))
    headers = [length, *headers]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    for left, body in zip(reversed(range(len(bodies))), bodies, strict=True):
        await send({"type": "http.response.body", "body": body, "more_body": left > 0})


async def echo(_: Any, receive: Any, send: Any) -> None:
    """Answers with the body."""
    body, more = b"", True
    while more:
        event = await receive()
        if event["type"] == "http.disconnect":
            return
        body, more = body + event["body"], event["more_body"]
    await answer(send, body)
