"""The connections of a process, made when they are first needed: never before a worker forks its children."""

from functools import cache
from typing import Any

from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from global_config import VECTOR_DATABASE_URL

CONNECT: dict[str, Any] = {
    "application_name": "lesson15",  # in pg_stat_activity
    "connect_timeout": 2,  # seconds, and the least that libpq knows
    "keepalives_idle": 10,  # notice a server that went away without a word
    "options": "-c timezone=utc -c statement_timeout=30s -c lock_timeout=10s",
}


@cache
def engine() -> Engine:
    """At most 8 connections; pre_ping replaces one that PostgreSQL has closed meanwhile, for one round trip each."""
    return create_engine(
        VECTOR_DATABASE_URL, pool_size=8, max_overflow=0, pool_timeout=2, pool_pre_ping=True, connect_args=CONNECT
    )


def server_gone(error: DBAPIError) -> bool:
    """Whether an error means that PostgreSQL can't be had just now, and not a mistake of ours."""
    return error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)
