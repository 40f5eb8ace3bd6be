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
from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from global_config import VECTOR_DATABASE_URL

CONNECT: dict[str, Any] = {
    "application_name": "lesson15",  # in pg_stat_activity
    "connect_timeout": 2,  # seconds, and the least that libpq knows
    "keepalives_idle": 10,  # notice a server that went away without a word
    "options": "-c timezone=utc -c statement_timeout=30s -c lock_timeout=10s",
}
SILENCE = 45.0  # seconds that PostgreSQL may take for an answer; statement_timeout ends a slow statement before that
ANSWER = 4.0  # seconds for all that a request asks, and for the threads that it waits for
deadline = ContextVar("deadline", default=inf)  # by time.monotonic()


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


def answer_soon() -> None:
    """Have what a request, or the next part of a stream, asks of PostgreSQL end in time: all requests share threads."""
    deadline.set(monotonic() + ANSWER)


def never_hang() -> None:
    """Have each connection of this process wait like that, from now on."""
    set_wait_callback(wait)


@cache
def engine() -> Engine:
    """At most 8 connections; pre_ping replaces one that PostgreSQL has closed meanwhile, for one round trip each."""
    never_hang()
    return create_engine(
        VECTOR_DATABASE_URL, pool_size=8, max_overflow=0, pool_timeout=2, pool_pre_ping=True, connect_args=CONNECT
    )


def server_gone(error: DBAPIError) -> bool:
    """Whether an error means that PostgreSQL can't be had just now, and not a mistake of ours."""
    return error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)
