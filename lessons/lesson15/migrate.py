"""Bring the database's tables up to date: python -m lesson15.migrate

Waits until PostgreSQL answers, and may run any number of times and in several processes at once.
"""

import sys
from pathlib import Path
from time import monotonic, sleep

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, NullPool, create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateSchema

from global_config import VECTOR_DATABASE_URL
from lesson15.database import server_gone
from lesson15.model import SCHEMA

PATIENCE = 60.0  # seconds for PostgreSQL to answer
LOCK = 1515  # any number that nobody else uses in this database
NO_EXTENSION = ("58P01", "0A000", "42501")  # no such file, not available, not allowed: PostgreSQL's codes


def migrate(patience: float = PATIENCE) -> None:
    """Wait for PostgreSQL, then make or change the tables.

    Exits with one sentence where it doesn't answer in time, or can't do what pgvector does.
    """
    engine = create_engine(VECTOR_DATABASE_URL, poolclass=NullPool, connect_args={"connect_timeout": 2})
    where = engine.url.render_as_string(hide_password=True)
    until = monotonic() + patience
    while True:
        try:
            with engine.connect() as connection:
                upgrade(connection)
            return
        except DBAPIError as error:  # not there yet, starting up, or gone again half-way
            said = str(error.orig).strip().splitlines()
            if getattr(error.orig, "pgcode", None) in NO_EXTENSION:
                sys.exit(
                    f"PostgreSQL at {where} lacks the extension vector ({said[0]}). Install pgvector there, or "
                    "leave APP_DATABASE_URL unset: python -m classroom.postgres --vector has it."
                )
            if not server_gone(error):
                raise
            if monotonic() > until:
                sys.exit(f"PostgreSQL doesn't answer at {where}: {said[-1]}")
            sleep(0.2)


def upgrade(connection: Connection) -> None:
    """Run what hasn't run yet, in one transaction, while nobody else does."""
    connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))  # given back by COMMIT, or by our death
    connection.execute(CreateSchema(SCHEMA, if_not_exists=True))
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    connection.commit()


if __name__ == "__main__":
    migrate()
    print("The tables are up to date.")
