"""Lesson 14's claims about PostgreSQL: its tables, and each process's own connections."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, make_url, text

from global_config import APP_DATABASE_URL
from lesson14.database import engine
from lesson14.model import SCHEMA, Base
from tests.jobs import THREE_DONE, created, ended, sql, steps

live = pytest.mark.usefixtures("workers")
once = pytest.mark.once


@live
def test_connections_that_postgresql_closed_are_replaced_unnoticed(http: httpx.Client) -> None:
    """No request fails for a connection that died while it was at rest."""
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: http.get("/jobs?limit=1"), range(50)))
        closed = sql("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = 'lesson14'"
                     " AND pid <> pg_backend_pid()")  # fmt: skip
        assert closed == [(True,)] * max(3, len(closed))  # gone, and not only told to go
        answers = list(threads.map(lambda _: http.get("/jobs?limit=1"), range(50)))
    assert {answer.status_code for answer in answers} == {200}
    assert ended(http, created(http))["status"] == "COMPLETED"


@live
def test_each_process_of_the_worker_has_connections_of_its_own(http: httpx.Client) -> None:
    """Four jobs at once, and none reads another's answers."""
    jobs = [created(http) for _ in range(8)]
    assert [steps(ended(http, job)) for job in jobs] == [THREE_DONE] * 8


@once
def test_no_connection_is_opened_before_the_fork() -> None:
    """Importing the worker's code makes no engine."""
    code = "from lesson14 import database as d, tasks; print(d.engine.cache_info(), d.autocommit_engine.cache_info())"
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert made.count("currsize=0") == 2


@live
def test_model_and_migrations_agree() -> None:
    """Alembic finds nothing that it would change."""
    with engine().connect() as connection:
        options = {"include_schemas": True, "include_name": lambda name, kind, _: kind != "schema" or name == SCHEMA,
                   "version_table_schema": SCHEMA}  # fmt: skip
        assert compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata) == []


@live
def test_migrations_may_run_at_once_and_from_any_folder(tmp_path: Path) -> None:
    """Four on an empty database: each succeeds, and so does one more."""
    name = f"lesson14_{uuid4().hex}"
    admin = create_engine(APP_DATABASE_URL, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        env = {
            **os.environ,
            "APP_DATABASE_URL": make_url(APP_DATABASE_URL).set(database=name).render_as_string(hide_password=False),
        }
        command = [sys.executable, "-m", "lesson14.migrate"]
        four = [subprocess.Popen(command, cwd=tmp_path, env=env, stdout=subprocess.PIPE) for _ in range(4)]
        assert [one.communicate(timeout=100)[0] for one in four] == [b"The tables are up to date.\n"] * 4
        assert [one.returncode for one in four] == [0] * 4
        subprocess.run(command, cwd=tmp_path, env=env, check=True, timeout=100)
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
