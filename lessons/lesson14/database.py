"""The connections of a process, made when they are first needed: never before a worker forks its children."""

import select
from functools import cache
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, DisconnectionError, InterfaceError, OperationalError

from global_config import APP_DATABASE_URL

CONNECT: dict[str, Any] = {
    "application_name": "lesson14",  # in pg_stat_activity
    "connect_timeout": 2,  # seconds, and the least that libpq knows
    "keepalives_idle": 10,  # notice a server that went away without a word
    "options": "-c timezone=utc -c statement_timeout=10s -c lock_timeout=5s",
}


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
    if connection.closed or select.select([connection], [], [], 0)[0]:
        raise ServerGone


def server_gone(error: DBAPIError) -> bool:
    """Whether an error means that PostgreSQL can't be had just now, and not a mistake of ours."""
    return error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)
