"""Lesson 13 · A web API in front of a worker: what stands around the routes: one shape of error, a token, a bound.

Nothing here knows of Celery.
"""

import json
from hmac import compare_digest
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lesson13.schemas import Failure

LARGEST_BODY = 1_000_000  # bytes
TOO_LARGE = f"A body may have at most {LARGEST_BODY:,} bytes."
OPEN = "/"  # the one path that needs no token: is the process alive?
CODES = {
    400: "bad_request",
    401: "unauthorized",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    422: "invalid",
    500: "internal",
    503: "unavailable",
}
PLAINLY = {  # what the frameworks say, as a sentence
    "Not Found": "There is nothing at this path.",
    "Method Not Allowed": "This path doesn't take that method.",
    "There was an error parsing the body": "The body can't be read as JSON.",
}
RESPONSES: dict[int | str, dict[str, Any]] = {status: {"model": Failure} for status in CODES}  # for OpenAPI


def failure(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    """An answer of the one shape that all errors have. Escaped as ASCII: a message may quote odd input."""
    body = json.dumps({"error": {"code": CODES.get(status, "error"), "message": message}})
    return Response(body, status, headers, media_type="application/json")


class Gate:
    """Refuses a request without the token, and a body that is too large, before anything is read."""

    def __init__(self, app: ASGIApp, token: str | None) -> None:
        self.app, self.token = app, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        headers = Headers(scope=scope)
        if self.token and scope["path"] != OPEN:
            given = headers.get("authorization", "")
            if not compare_digest(given.encode(), f"Bearer {self.token}".encode()):
                refused = failure(
                    401, "The header Authorization has to say Bearer and the token.", {"WWW-Authenticate": "Bearer"}
                )
                return await refused(scope, receive, send)
        told = headers.get("content-length", "0")
        if told.isdecimal() and int(told) > LARGEST_BODY:
            return await failure(413, TOO_LARGE)(scope, receive, send)
        await self.app(scope, counted(receive), send)


def counted(receive: Receive) -> Receive:
    """`receive`, which refuses a body that didn't tell its length once it has become too large."""
    size = 0

    async def receive_counted() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > LARGEST_BODY:
            raise HTTPException(413, TOO_LARGE)
        return message

    return receive_counted


def sentence(error: RequestValidationError) -> str:
    """What is wrong with a request, and where: the first complaint, and how many more there are."""
    first, *more = error.errors()
    where = ".".join(str(part) for part in first["loc"][:6])
    return f"{where}: {first['msg']}." + (f" And {len(more)} more." if more else "")


async def on_http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return failure(error.status_code, PLAINLY.get(error.detail, error.detail), dict(error.headers or {}))


async def on_invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return failure(422, sentence(error))


async def on_anything_else(_: Request, error: Exception) -> Response:
    return failure(500, "Something went wrong here; the log says what.")


def surround(api: FastAPI, token: str | None) -> None:
    """Give `api` the gate, and the one shape of error."""
    api.add_middleware(Gate, token=token)
    api.add_exception_handler(HTTPException, on_http_error)
    api.add_exception_handler(RequestValidationError, on_invalid)
    api.add_exception_handler(Exception, on_anything_else)
