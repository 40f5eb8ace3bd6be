"""Who may come in: nobody but this computer, or whoever brings API_TOKEN; and no page of another site."""

import hmac
import os
import sys
from base64 import b64decode
from binascii import Error as NotBase64

from starlette.types import ASGIApp, Receive, Scope, Send

from lesson15.errors import problem
from lesson15.settings import MAX_BYTES

LARGEST_BODY = 1_000_000  # bytes of whatever isn't a file
LARGEST_UPLOAD = MAX_BYTES + LARGEST_BODY  # with what multipart adds
OPEN = {"/health"}  # whoever watches over the service has no token


def address() -> tuple[str, int]:
    """Where to listen; exits with one sentence where that would open the service to others without a token."""
    host = os.environ.get("API_HOST") or "127.0.0.1"
    port = os.environ.get("API_PORT") or "8000"
    if not port.isdecimal() or not 0 < int(port) < 65536:
        sys.exit(f"API_PORT is {port!r}, and a port is a number from 1 to 65535.")
    alone = host in ("127.0.0.1", "::1", "localhost")
    if not (alone or os.environ.get("API_TOKEN") or os.environ.get("TRUST_NETWORK") == "1"):
        sys.exit(f"API_HOST={host} lets other computers in. Set API_TOKEN to a secret that they must know, or "
                 "TRUST_NETWORK=1 where something else keeps strangers out.")  # fmt: skip
    return host, int(port)


def brought(authorization: bytes) -> bytes:
    """The token in the header: after Bearer, or as the password of Basic, for which a browser asks its user."""
    scheme, _, value = authorization.partition(b" ")
    try:
        return b64decode(value).partition(b":")[2] if scheme.lower() == b"basic" else value
    except NotBase64:
        return b""


class Gate:
    """Stands before the application: no page of another site comes in; with API_TOKEN set, nobody without it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.token = os.environ.get("API_TOKEN", "").encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope.get("headers", ()))
        origin = headers.get(b"origin")
        given = brought(headers.get(b"authorization", b""))
        closed = self.token and scope["type"] == "http" and scope["path"] not in OPEN
        largest = LARGEST_UPLOAD if scope.get("path") == "/documents" else LARGEST_BODY
        refusal = None
        if origin and origin.partition(b"://")[2] != headers.get(b"host"):  # a browser says whose page it is that asks
            refusal = problem(403, "Only this service's own page may send that.")
        elif closed and not hmac.compare_digest(given, self.token):  # takes as long for a nearly right one
            refusal = problem(401, "Send the header: Authorization: Bearer, then API_TOKEN.",
                              {"WWW-Authenticate": 'Basic realm="API_TOKEN is the password"'})  # fmt: skip
        elif int(headers.get(b"content-length", 0)) > largest:  # FastAPI would say so too, in another shape
            refusal = problem(413, f"The body is over {largest:,} bytes.")
        await (refusal or self.app)(scope, receive, send)
