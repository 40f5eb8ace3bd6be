"""Every error that a client can meet, in one shape: {"error": {"code": …, "message": …}}."""

import json
import logging
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError, TimeoutError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from lesson15.database import server_gone
from lesson15.schemas import Problem
from lesson15.service import Busy, NotFound, Refused, WrongState

log = logging.getLogger(__name__)

ERRORS = {  # status: its code, and what OpenAPI says of it
    400: ("bad_request", "The request can't be read"),
    401: ("unauthorized", "API_TOKEN is set, and the request doesn't bring it"),
    403: ("forbidden", "A page of another site sends it, or it names a host that isn't in API_HOSTNAMES"),
    404: ("not_found", "There is no such document, or no such address"),
    405: ("method_not_allowed", "The address doesn't take this method"),
    408: ("too_slow", "The request took too long to arrive"),
    409: ("conflict", "The document's status doesn't allow it"),
    413: ("too_large", "The file, or the body, is too large"),
    415: ("unsupported", "The file is of no kind that can be read"),
    422: ("invalid", "Something in the request has a wrong value, or isn't known"),
    500: ("internal", "A mistake of ours"),
    503: ("unavailable", "The database, or whoever answers questions, can't be had; try again"),
    507: ("disk_full", "The disk doesn't take the file"),
}
AGAIN = {"Retry-After": "1"}

ANYWHERE = {400, 401, 403, 408, 413}  # before a route is asked


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """These errors for OpenAPI, with those that every route may answer."""
    return {status: {"model": Problem, "description": ERRORS[status][1]} for status in sorted({*statuses, *ANYWHERE})}


def problem(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """An answer in the one shape; in ASCII, because a message may quote what no encoding can carry."""
    code = ERRORS[status][0] if status in ERRORS else "error"
    body = json.dumps({"error": {"code": code, "message": message}})
    return Response(body, status, dict(headers or {}), media_type="application/json")


def methods(request: Request) -> set[str]:
    """What the address of a request takes."""
    routes = [route for route in request.app.routes if route.matches(request.scope)[0] is not Match.NONE]
    return {method for route in routes for method in getattr(route, "methods", ())}


def install(app: FastAPI) -> None:
    """Have `app` answer in this shape, whatever is raised. Not in a thread: a plain function would wait for one."""

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        if isinstance(error.__cause__, OSError):  # while the body was kept in TMPDIR
            return await disk(request, error.__cause__)
        headers = dict(error.headers or {})
        if error.status_code == 405:
            headers["Allow"] = ", ".join(sorted(methods(request)))  # Starlette names those of one route only
        return problem(error.status_code, f"{str(error.detail).rstrip('.')}.", headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        first, *more = error.errors()
        where = ".".join(str(part) for part in first["loc"][:6])
        return problem(422, f"{where}: {first['msg']}." + (f" And {len(more)} more." if more else ""))

    @app.exception_handler(Refused)
    async def refused(_: Request, error: Refused) -> Response:
        return problem(error.status, str(error))

    @app.exception_handler(NotFound)
    async def not_found(_: Request, error: NotFound) -> Response:
        return problem(404, str(error))

    @app.exception_handler(WrongState)
    async def wrong_state(_: Request, error: WrongState) -> Response:
        return problem(409, str(error))

    @app.exception_handler(Busy)
    async def busy(_: Request, error: Busy) -> Response:
        return problem(503, str(error), AGAIN)

    @app.exception_handler(OSError)
    async def disk(_: Request, error: OSError) -> Response:
        log.error("a file can't be written: %s", error)
        return problem(507, f"The file can't be kept: {error.strerror or error}.")

    @app.exception_handler(DBAPIError)
    @app.exception_handler(TimeoutError)  # no connection became free
    async def no_database(_: Request, error: DBAPIError | TimeoutError) -> Response:
        if isinstance(error, DBAPIError) and not server_gone(error):
            raise error
        log.warning("the database can't be used: %s", str(error).partition("\n")[0])
        return problem(503, "The database doesn't answer. Try again in a moment.", AGAIN)

    @app.exception_handler(Exception)
    async def unforeseen(_: Request, _error: Exception) -> Response:  # its traceback is logged by uvicorn
        return problem(500, "Something went wrong here. It is in the log.")
