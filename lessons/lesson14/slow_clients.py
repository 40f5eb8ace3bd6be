"""A server that slow clients can't block: uvicorn, with bounds on open connections and on the client's turns.

uvicorn's own limits begin where a request's header is complete, so a thousand half-sent headers would use up the files
that a process may open. A proxy in front of the API does all of this too, and can count the connections of an address.
"""

import asyncio
import logging
import resource
from contextlib import suppress
from http import HTTPStatus
from typing import Any, ClassVar

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from lesson14.errors import problem

log = logging.getLogger(__name__)

TURN = 20.0  # seconds in which a client must have sent a whole request, or taken what it is sent
CONNECTIONS = 1000  # open at the same time, with those that listen to events
BACKLOG = 128  # connections that asyncio accepts in one go, before any of them is counted
OWN_FILES = 150  # files for connections to servers, and whatever else this process opens
TELL = 10.0  # seconds between two log lines about clients that had to go


class BoundedProtocol(H11Protocol):
    """A connection that is closed when the client's turn takes too long, or when it is needed for another client."""

    most: ClassVar[int] = CONNECTIONS
    slow: ClassVar[dict["BoundedProtocol", None]] = {}  # those whose turn it is, the longest first
    told: ClassVar[float] = float("-inf")
    timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.watch()
        if len(self.connections) > self.most:
            self.tell()
            next(iter(self.slow)).leave(503, "Too many connections are open. Try again in a moment.")

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.unwatch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self.watch()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self.watch()

    def pause_writing(self) -> None:
        super().pause_writing()
        self.watch()

    def resume_writing(self) -> None:
        super().resume_writing()
        self.watch()

    def send_400_response(self, msg: str) -> None:
        """What isn't HTTP is refused in the one shape, too."""
        self.leave(400, "The request can't be read as HTTP.")

    def clients_turn(self) -> bool:
        """Whether a request, or the rest of one, is still to come, or the client has to take what it was sent."""
        if self.flow.write_paused or self.cycle is None or self.cycle.response_complete:
            return True
        return self.cycle.more_body

    def watch(self) -> None:
        """Begin the client's turn, or end it; one that has begun isn't made longer by a byte now and then."""
        if self.transport.is_closing() or not self.clients_turn():
            self.unwatch()
        elif self.timer is None:
            self.slow[self] = None
            self.timer = self.loop.call_later(TURN, self.turn_ends)

    def unwatch(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
            del self.slow[self]

    def turn_ends(self) -> None:
        """Give another turn to a client whose bytes wait to be read here; end the others."""
        if self.flow.read_paused:
            self.unwatch()
            self.watch()
        else:
            self.leave(408, f"The request didn't arrive within {TURN:g} s.")

    def leave(self, status: int, message: str) -> None:
        """Close the connection, and say why where an answer is still to be given."""
        self.unwatch()
        started = self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete
        if started or self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            self.transport.write(as_bytes(status, message))
            self.transport.close()

    def tell(self) -> None:
        """One line for however many: a log that grows with each connection would be the next thing to fill up."""
        if self.loop.time() - BoundedProtocol.told > TELL:
            BoundedProtocol.told = self.loop.time()
            log.warning(
                "%s connections are open, of which %s wait for their clients; the slowest are closed",
                self.most,
                len(self.slow),
            )


def as_bytes(status: int, message: str) -> bytes:
    """An error as it goes over the wire, for where no application is asked."""
    refusal = problem(status, message, {"Connection": "close"})
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}".encode()]
    lines += [name + b": " + value for name, value in refusal.raw_headers]
    return b"\r\n".join([*lines, b"", bytes(refusal.body)])


def room() -> int:
    """Let this process open as many files as it needs, if it may; returns how many connections it can take."""
    wanted = CONNECTIONS + BACKLOG + OWN_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with suppress(ValueError, OSError):  # some systems promise more than they give
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return CONNECTIONS if soft == resource.RLIM_INFINITY else max(1, min(wanted, soft) - BACKLOG - OWN_FILES)


def run(app: ASGIApp, **options: Any) -> None:
    """uvicorn.run, bounded."""
    BoundedProtocol.most = room()
    uvicorn.run(app, http=BoundedProtocol, backlog=BACKLOG, **options)
