"""Lesson 13 · A web API in front of a worker: who may come in: this computer, or a caller who sends API_TOKEN.

No page of another site may. Nothing here knows of Celery.
"""

import os
import re
from hmac import compare_digest

from fastapi import Response
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lesson13.errors import problem

LARGEST_BODY = 1_000_000  # bytes
TOO_LARGE = f"A body may have at most {LARGEST_BODY:,} bytes."
OPEN = {"/"}  # needs no token: is the process alive?


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
        return problem(400, "A request needs one header Host, with the name of this service.")
    if named[1] not in names:
        return problem(403, "This service isn't known by that name. To allow the name, put it into API_HOSTNAMES.")
    foreign = any(origin.lower().partition("://")[2] != host for origin in headers.getlist("origin"))
    embedded = headers.get("sec-fetch-dest", "document") != "document"
    if foreign or (embedded and headers.get("sec-fetch-site") in ("cross-site", "same-site")):
        return problem(403, "Only a page of this service may send that.")
    return None


class Gate:
    """Refuses pages of other sites, requests without the token, and bodies that are too large, before any is read."""

    def __init__(self, app: ASGIApp) -> None:
        self.app, self.names = app, own_names()
        token = os.environ.get("API_TOKEN")
        self.wanted = f"Bearer {token}".encode() if token else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        headers = Headers(scope=scope)
        if refused := from_elsewhere(headers, self.names):
            return await refused(scope, receive, send)
        if self.wanted and scope["path"] not in OPEN:
            given = headers.get("authorization", "")
            if not compare_digest(given.encode("latin-1"), self.wanted):
                refused = problem(
                    401, "The header Authorization has to say Bearer and the token.", {"WWW-Authenticate": "Bearer"}
                )
                return await refused(scope, receive, send)
        told = headers.get("content-length", "0")
        if told.isdecimal() and int(told) > LARGEST_BODY:
            return await problem(413, TOO_LARGE)(scope, receive, send)
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
