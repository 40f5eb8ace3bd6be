"""Lesson 15's claims about PostgreSQL with pgvector: its tables, and its index."""

import os
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import psycopg2
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import DBAPIError

from global_config import VECTOR_DATABASE_URL
from lesson15.database import engine
from lesson15.model import SCHEMA, Base

live = pytest.mark.usefixtures("workers")
once = pytest.mark.once


@once
@live
def test_an_index_of_vectors_works_as_the_page_says() -> None:
    """It needs the column's dimensions."""
    with engine().begin() as connection:
        connection.execute(text("CREATE TEMP TABLE indexed (embedding vector(1024)) ON COMMIT DROP"))
        connection.execute(text("CREATE INDEX ON indexed USING hnsw (embedding vector_cosine_ops)"))
        with pytest.raises(DBAPIError, match="column does not have dimensions"), connection.begin_nested():
            connection.execute(text("CREATE INDEX ON lesson15.chunks USING hnsw (embedding vector_cosine_ops)"))


@once
@live
def test_model_and_migrations_agree() -> None:
    """Alembic finds nothing that it would change."""
    with engine().connect() as connection:
        options = {"include_schemas": True, "include_name": lambda name, kind, _: kind != "schema" or name == SCHEMA,
                   "version_table_schema": SCHEMA}  # fmt: skip
        assert compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata) == []


@once
@live
def test_migrations_may_run_at_once_and_from_any_folder(tmp_path: Path) -> None:
    """Four on an empty database: each succeeds, and so does one more."""
    name = f"lesson15_{uuid4().hex}"
    admin = create_engine(VECTOR_DATABASE_URL, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        env = {
            **os.environ,
            "APP_DATABASE_URL": make_url(VECTOR_DATABASE_URL).set(database=name).render_as_string(hide_password=False),
        }
        command = [sys.executable, "-m", "lesson15.migrate"]
        four = [subprocess.Popen(command, cwd=tmp_path, env=env, stdout=subprocess.PIPE) for _ in range(4)]
        assert [one.communicate(timeout=100)[0] for one in four] == [b"The tables are up to date.\n"] * 4
        subprocess.run(command, cwd=tmp_path, env=env, check=True, timeout=100)
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def test_a_server_without_pgvector_is_named(profile: str) -> None:
    """Exit 1 and one sentence, with the mend."""
    url = "postgresql+psycopg2://postgres:postgres@localhost:5432/celery_jobs"
    if profile == "embedded":
        pytest.skip("needs a PostgreSQL of one's own")
    with psycopg2.connect(url.replace("+psycopg2", "")) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_available_extensions WHERE name = 'vector'")
        if cursor.fetchone() == (1,):
            pytest.skip("this server has it")
    command = [sys.executable, "-m", "lesson15.migrate"]
    env = {**os.environ, "APP_DATABASE_URL": url}
    ended = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert "lacks the extension vector" in ended.stderr
    assert "python -m classroom.postgres --vector has it." in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
