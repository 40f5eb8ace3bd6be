"""Lesson 13 · A web API in front of a worker: what stands around the routes: one shape of error, a gate, bounds.

Nothing here knows of Celery.
"""

import json
import os
import re
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
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "too_slow",
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


def own_names() -> set[str]:
    """What a request may call this service: this computer's names, where it listens, and those in API_HOSTNAMES."""
    listens = (os.environ.get("API_HOST") or "").lower()
    names = {
        "localhost",
        "127.0.0.1",
        "[::1]",
        *os.environ.get("API_HOSTNAMES", "").lower().replace(" ", "").split(","),
    }
    if listens not in ("0.0.0.0", "::"):
        names.add(f"[{listens}]" if ":" in listens else listens)
    return names - {""}


def from_elsewhere(headers: Headers, names: set[str]) -> Response | None:
    """The refusal of what a browser sends for a page of another site, which it names in Origin.

    For a picture or a link there is no Origin, but Sec-Fetch-Site; only links that a reader follows are let in.
    Such a page can also have its own name lead here (DNS rebinding). Then the browser takes it for a page of ours, and
    only Host tells.
    """
    host, *more = [value.lower() for value in headers.getlist("host")] or [""]
    named = re.fullmatch(r"(\[[^\[\]]+\]|[^:\[\]\s]+)(:\d*)?", host)
    if more or not named:
        return failure(400, "A request needs one header Host, with the name of this service.")
    if named[1] not in names:
        return failure(403, "This service isn't known by that name. To allow the name, put it into API_HOSTNAMES.")
    foreign = any(origin.lower().partition("://")[2] != host for origin in headers.getlist("origin"))
    embedded = headers.get("sec-fetch-dest", "document") != "document"
    if foreign or (embedded and headers.get("sec-fetch-site") in ("cross-site", "same-site")):
        return failure(403, "Only a page of this service may send that.")
    return None


class Gate:
    """Refuses pages of other sites, requests without the token, and bodies that are too large, before any is read."""

    def __init__(self, app: ASGIApp, token: str | None) -> None:
        self.app, self.names = app, own_names()
        self.wanted = f"Bearer {token}".encode() if token else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        headers = Headers(scope=scope)
        if refused := from_elsewhere(headers, self.names):
            return await refused(scope, receive, send)
        if self.wanted and scope["path"] != OPEN:
            given = headers.get("authorization", "")
            if not compare_digest(given.encode("latin-1"), self.wanted):
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
