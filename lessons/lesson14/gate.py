"""Who may come in: nobody but this computer, or whoever brings API_TOKEN."""

import hmac
import os
import sys

from starlette.types import ASGIApp, Receive, Scope, Send

from lesson14.errors import problem

OPEN = {"/"}  # health: whoever watches over the service has no token


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


class Gate:
    """ASGI middleware: where API_TOKEN is set, every route but health wants it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        token = os.environ.get("API_TOKEN")
        self.wanted = f"Bearer {token}".encode() if token else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.wanted and scope["type"] == "http" and scope["path"] not in OPEN:
            brought = dict(scope["headers"]).get(b"authorization", b"")
            if not hmac.compare_digest(brought, self.wanted):  # takes as long for a nearly right one
                refusal = problem(401, "Send the header: Authorization: Bearer, then API_TOKEN.",
                                  {"WWW-Authenticate": "Bearer"})  # fmt: skip
                return await refusal(scope, receive, send)
        await self.app(scope, receive, send)
