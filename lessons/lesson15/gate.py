"""Who may come in: only this computer, or a caller who sends API_TOKEN; and no page of another site."""

import hmac
import os
import re
import sys
from base64 import b64decode
from binascii import Error as NotBase64

from starlette.datastructures import Headers
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lesson15.database import answer_soon
from lesson15.errors import problem
from lesson15.settings import MAX_BYTES

LARGEST_BODY = 1_000_000  # bytes of whatever isn't a file
LARGEST_UPLOAD = MAX_BYTES + LARGEST_BODY  # with what multipart adds
OPEN = {"/health"}  # what watches over the service has no token


def address() -> tuple[str, int]:
    """Where to listen; exits with one sentence where that would open the service to others without a token."""
    host = os.environ.get("API_HOST") or "127.0.0.1"
    port = os.environ.get("API_PORT") or "8000"
    if not port.isdecimal() or not 0 < int(port) < 65536:
        sys.exit(f"API_PORT is {port!r}, and a port is a number from 1 to 65535.")
    alone = host in ("127.0.0.1", "::1", "localhost")
    if not (alone or os.environ.get("API_TOKEN") or os.environ.get("TRUST_NETWORK") == "1"):
        sys.exit(
            f"API_HOST={host} lets other computers in. Set API_TOKEN to a secret that they must know, or "
            "TRUST_NETWORK=1 where something else keeps strangers out."
        )
    if not re.fullmatch(r"[!-~]*", os.environ.get("API_TOKEN", "")):
        sys.exit(
            "API_TOKEN must be of letters, digits and signs of ASCII, without spaces: a header carries nothing else."
        )
    return host, int(port)


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


def brought(authorization: bytes) -> bytes:
    """The token in the header: after Bearer, or as the password of Basic, for which a browser asks its user."""
    scheme, _, value = authorization.partition(b" ")
    try:
        return b64decode(value).partition(b":")[2] if scheme.lower() == b"basic" else value
    except NotBase64:
        return b""


def too_large(content_length: bytes, largest: int) -> Response | None:
    """The refusal of a body that announces too much, before any of it is read."""
    if not re.fullmatch(rb"\d{1,18}", content_length):
        return problem(400, "Content-Length has to be a number.")
    return problem(413, f"The body is over {largest:,} bytes.") if int(content_length) > largest else None


def timed(receive: Receive) -> Receive:
    """`receive`, after which a request has its full time for the database, however long its body took to arrive."""

    async def receive_timed() -> Message:
        message = await receive()
        answer_soon()
        return message

    return receive_timed


class Gate:
    """ASGI middleware: refuses pages of other sites, requests without API_TOKEN, and bodies that are too large."""

    def __init__(self, app: ASGIApp) -> None:
        self.app, self.names = app, own_names()
        self.token = os.environ.get("API_TOKEN", "").encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        answer_soon()
        headers = dict(scope["headers"])
        largest = LARGEST_UPLOAD if scope["path"] == "/documents" else LARGEST_BODY
        refusal = from_elsewhere(Headers(scope=scope), self.names)
        if not refusal and self.token and scope["path"] not in OPEN:
            given = brought(headers.get(b"authorization", b""))
            if not hmac.compare_digest(given, self.token):  # takes as long for a nearly right one
                refusal = problem(
                    401,
                    "Send the header: Authorization: Bearer, then API_TOKEN.",
                    {"WWW-Authenticate": 'Basic realm="API_TOKEN is the password"'},
                )
        refusal = refusal or too_large(headers.get(b"content-length", b"0"), largest)
        inside = RequestBodyLimitMiddleware(self.app, largest)  # for a body that announces no length
        await (refusal or inside)(scope, timed(receive), send)
