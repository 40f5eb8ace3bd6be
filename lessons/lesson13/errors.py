"""Lesson 13 · A web API in front of a worker: every error in one shape: {"error": {"code": …, "message": …}}."""

import json
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from lesson13.schemas import Problem

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
RESPONSES: dict[int | str, dict[str, Any]] = {status: {"model": Problem} for status in CODES}  # for OpenAPI


def problem(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    """An answer of the one shape that all errors have. Escaped as ASCII: a message may quote odd input."""
    body = json.dumps({"error": {"code": CODES.get(status, "error"), "message": message}})
    return Response(body, status, headers, media_type="application/json")


def sentence(error: RequestValidationError) -> str:
    """What is wrong with a request, and where: the first complaint, and how many more there are."""
    first, *more = error.errors()
    where = ".".join(str(part) for part in first["loc"][:6])
    return f"{where}: {first['msg']}." + (f" And {len(more)} more." if more else "")


async def on_http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return problem(error.status_code, PLAINLY.get(error.detail, error.detail), dict(error.headers or {}))


async def on_invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return problem(422, sentence(error))


async def on_anything_else(_: Request, error: Exception) -> Response:
    return problem(500, "Something went wrong here; the log says what.")


def install(app: FastAPI) -> None:
    """Have `app` answer in this shape, whatever is raised."""
    app.add_exception_handler(HTTPException, on_http_error)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(Exception, on_anything_else)
