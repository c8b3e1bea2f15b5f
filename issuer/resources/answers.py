"""Answers as HTTP: always JSON, and never for a cache unless somebody said so."""

import logging
import traceback
from collections.abc import Mapping

import falcon
import msgspec
from falcon.asgi import Request, Response

from issuer.errors import AccessTokenException, TemporarilyUnavailable
from issuer.protocol.request import Response as Answer
from issuer.token import TokenGenerator

log = logging.getLogger("issuer.http")

NOT_FOR_CACHES = {"Cache-Control": "no-store", "Pragma": "no-cache"}


def write(resp: Response, answer: Answer) -> None:
    """Puts ``answer`` into ``resp``."""
    resp.status = answer.status
    resp.data = msgspec.json.encode(answer.body)
    resp.set_headers({**NOT_FOR_CACHES, **answer.headers} if answer.headers else NOT_FOR_CACHES)
    resp.context.log = answer.log


async def refused(_: Request, resp: Response, error: AccessTokenException, __: object) -> None:
    """A request that was refused before the pipeline saw it, its body perhaps unread."""
    write(resp, TokenGenerator.error_response(error))
    resp.set_header("Connection", "close")


async def http_error(_: Request, resp: Response, error: falcon.HTTPError, __: object) -> None:
    """What Falcon refuses by itself: an unknown path, a method that is not there."""
    status = error.status_code
    headers = dict(error.headers or {})
    description = _SENTENCES.get(status, error.title)
    if "Allow" in headers:
        description = (
            f"This method is not allowed here; use {headers['Allow'].replace(',', ' or')}."
        )
    body = {"error": _CODES.get(status, "invalid_request"), "error_description": description}
    write(resp, Answer(status=status, body=body, headers=headers))


async def fault(_: Request, resp: Response, error: Exception, __: object) -> None:
    """A mistake of ours: the client may keep what it has, and the log says where it was.

    Where and of what kind, not with which values: those may be secrets.
    """
    stack = [f"{each.filename}:{each.lineno}" for each in traceback.extract_tb(error.__traceback__)]
    log.error("unexpected %s", type(error).__name__, extra={"fields": {"stack": stack}})
    write(resp, TokenGenerator.error_response(TemporarilyUnavailable("Try again later.")))


_CODES: Mapping[int, str] = {404: "not_found"}
_SENTENCES: Mapping[int, str] = {404: "There is nothing at this path."}
