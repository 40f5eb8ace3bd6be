"""The connections of a process, made when they are first needed: never before a worker forks its children."""

import select
from contextvars import ContextVar
from functools import cache
from math import inf
from time import monotonic
from typing import Any

import psycopg2
from psycopg2.extensions import POLL_OK, POLL_READ, set_wait_callback
from psycopg2.extensions import connection as Connection
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, DisconnectionError, InterfaceError, OperationalError

from global_config import APP_DATABASE_URL

CONNECT: dict[str, Any] = {
    "application_name": "lesson14",  # in pg_stat_activity
    "connect_timeout": 2,  # seconds, and the least that libpq knows
    "keepalives_idle": 10,  # notice a server that went away without a word
    "options": "-c timezone=utc -c statement_timeout=10s -c lock_timeout=5s",
}
SILENCE = (
    15.0  # seconds that PostgreSQL may take for an answer; its statement_timeout ends a slow statement before that
)
deadline = ContextVar("deadline", default=inf)  # the same for all that one request asks, by time.monotonic()


def wait(connection: Connection) -> None:
    """Wait for PostgreSQL's answer, with a deadline: libpq would wait forever for a server that is stopped or hangs.

    A request's threads take its deadline along, so the time for which it waited for a thread counts, too. Where this
    raises, psycopg2 closes the connection, and the pool replaces it.
    """
    until = min(monotonic() + SILENCE, deadline.get())
    while (state := connection.poll()) != POLL_OK:
        line = select.poll()  # not select.select(), which knows only the first 1,024 files of a process
        line.register(connection.fileno(), select.POLLIN if state == POLL_READ else select.POLLOUT)
        if not line.poll(max(0.0, until - monotonic()) * 1000):
            raise psycopg2.OperationalError("PostgreSQL doesn't answer")


def never_hang() -> None:
    """Have each connection of this process wait like that, from now on."""
    set_wait_callback(wait)


@cache
def engine() -> Engine:
    """For work of several statements: BEGIN before the first, COMMIT after the last."""
    return pooled()


@cache
def autocommit_engine() -> Engine:
    """For work of one statement, which is committed when it returns: one round trip instead of three."""
    return pooled(isolation_level="AUTOCOMMIT")


def pooled(**options: Any) -> Engine:
    """At most 8 connections, opened when they are needed and kept. More would be opened and closed for each request."""
    never_hang()
    made = create_engine(APP_DATABASE_URL, pool_size=8, max_overflow=0, pool_timeout=2, connect_args=CONNECT, **options)
    event.listen(made, "checkout", refuse_closed)
    return made


class ServerGone(DisconnectionError):
    """All connections of the pool are as old as this one, so none is kept."""

    invalidate_pool = True


def refuse_closed(connection: Any, _record: Any, _proxy: Any) -> None:
    """Have the pool replace a connection that the server has closed: one at rest has nothing to read, unless goodbye.

    It costs no round trip, as pool_pre_ping=True would.
    """
    line = select.poll()
    if not connection.closed:
        line.register(connection.fileno(), select.POLLIN)
    if connection.closed or line.poll(0):
        raise ServerGone


def server_gone(error: DBAPIError) -> bool:
    """Whether an error means that PostgreSQL can't be had just now, and not a mistake of ours."""
    return error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)
