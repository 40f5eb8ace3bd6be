"""The applications' PostgreSQL: real, out of a wheel, and back after every end."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from time import monotonic, sleep

import psutil
import psycopg2
import pytest
from sqlalchemy import make_url

import global_config
from classroom.processes import NotReady, end, guarded, running, wait_until_ready
from classroom.servers import _connect

URL = global_config.APP_DATABASE_URL
COMMAND = {"postgres": "python -m classroom.postgres"}
CourseCopy = tuple[Path, dict[str, str]]
once = pytest.mark.once  # on services PostgreSQL is somebody else's


@pytest.fixture
def room(tmp_path: Path, alive: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch) -> CourseCopy:
    """A working folder, and an environment with a LESSONS_HOME of its own, in which URL finds the password."""
    mine = make_url(global_config.APP_DATABASE_URL)
    if mine.query:
        mine = mine.update_query_dict({"passfile": str(tmp_path / "home/postgres.pass")})
    monkeypatch.setitem(globals(), "URL", mine.render_as_string(hide_password=False))
    return tmp_path, {**os.environ, "LESSONS_HOME": str(tmp_path / "home")}


def ask(statement: str) -> list[tuple]:
    """The rows that a statement gives in the application's database."""
    with closing(_connect(URL)) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


@once
def test_it_is_ready_with_its_database_and_gone_afterwards(tmp_path: Path, room: CourseCopy, gone: Callable) -> None:
    """PostgreSQL 18 with pgvector, whose data outlive it; nothing listens once it has ended."""
    with running(COMMAND, tmp_path / "logs", place=room):
        assert ask("SHOW server_version")[0][0].startswith("18")
        ask("CREATE EXTENSION vector")
        ask("CREATE TABLE kept AS SELECT '[3,4]'::vector AS v")
    assert gone()
    with pytest.raises(psycopg2.OperationalError):
        ask("SELECT 1")
    with running(COMMAND, tmp_path / "logs", place=room):
        assert ask("SELECT v <-> '[0,0]' FROM kept") == [(5.0,)]


@once
def test_only_its_user_has_the_password(tmp_path: Path, room: CourseCopy) -> None:
    """Only its user can read the file; PostgreSQL refuses clients without it, and has no rights of root."""
    home = tmp_path / "home"
    with running(COMMAND, tmp_path / "logs", place=room):
        assert ask("SELECT 1") == [(1,)]
        assert home.stat().st_mode & 0o067 == 0  # if root has started it, its own group may pass through
        assert (home / "postgres.pass").stat().st_mode & 0o077 == 0
        url = make_url(URL)
        for given in ({}, {"password": "postgres"}):
            with pytest.raises(psycopg2.OperationalError, match="password"):
                psycopg2.connect(host=url.host, port=url.port, user="postgres", dbname=url.database, **given)
        server = psutil.Process(int((home / "postgres/postmaster.pid").read_text().split()[0]))
        groups = Path(f"/proc/{server.pid}/status").read_text().partition("Groups:")[2].splitlines()[0].split()
        assert os.geteuid() != 0 or (0 not in server.gids() and "0" not in groups)


@once
def test_data_of_an_older_course_get_a_password(tmp_path: Path, room: CourseCopy) -> None:
    """They let everybody in; what is in them stays."""
    home = tmp_path / "home"
    with running(COMMAND, tmp_path / "logs", place=room):
        ask("CREATE TABLE kept (n int)")
    (home / "postgres/pg_hba.conf").write_text("host all all 127.0.0.1/32 trust\n")
    (home / "postgres.pass").unlink()
    with running(COMMAND, tmp_path / "logs", place=room):
        assert ask("SELECT count(*) FROM kept") == [(0,)]
        assert (home / "postgres/pg_hba.conf").read_text() == "host all all 127.0.0.1/32 scram-sha-256\n"


@once
def test_a_killed_one_can_be_started_again_at_once(tmp_path: Path, room: CourseCopy) -> None:
    """Five times: what was committed is there, and so is the server, while clients are connected."""
    with running(COMMAND, tmp_path / "logs", place=room):
        ask("CREATE TABLE counted (n int)")
    for n in range(5):
        with running(COMMAND, tmp_path / "logs", place=room), closing(_connect(URL)):
            assert ask("SELECT count(*) FROM counted") == [(n,)]
            ask(f"INSERT INTO counted VALUES ({n})")
            psutil.Process(int((tmp_path / "home/postgres/postmaster.pid").read_text().split()[0])).kill()


@once
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order_though_clients_are_connected(tmp_path: Path, room: CourseCopy, number: int) -> None:
    """It writes what it has to write, and needs no repair afterwards."""
    log = tmp_path / "postgres.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "classroom.postgres"], stdout=output, stderr=output, cwd=room[0], env=room[1]
        )
    try:
        wait_until_ready("postgres", process, log, monotonic() + 20)  # type: ignore[arg-type]
        with closing(_connect(URL)):
            process.send_signal(number)
            assert process.wait(timeout=10) == 0
    finally:
        process.terminate()
    assert "database system is shut down" in log.read_text()


@once
def test_one_killed_while_it_is_made_leaves_nothing_that_counts(tmp_path: Path, room: CourseCopy) -> None:
    """The data have their name only when they are whole."""
    home = tmp_path / "home"
    process = guarded(COMMAND["postgres"], place=room)
    deadline = monotonic() + 10
    while not list(home.glob("postgres-*/base")):
        assert monotonic() < deadline
        sleep(0.005)
    end(process)
    assert not (home / "postgres").exists()
    with running(COMMAND, tmp_path / "logs", place=room):
        assert ask("SELECT 1") == [(1,)]


@once
def test_a_taken_port_is_refused_by_name(tmp_path: Path, room: CourseCopy) -> None:
    """The sentence names the variable that mends it."""
    other = (tmp_path, {**room[1], "LESSONS_HOME": str(tmp_path / "other")})
    said = r"Port \d+ is taken, and postgres needs it. Set EMBEDDED_POSTGRES_PORT to"
    refused = pytest.raises(NotReady, match=said)
    with (
        running(COMMAND, tmp_path / "logs", place=room),
        refused,
        running(COMMAND, tmp_path / "other-logs", place=other),
    ):
        pass


def test_where_postgresql_is_yours_it_waits(profile: str, tmp_path: Path, room: CourseCopy, gone: Callable) -> None:
    """It says so, starts nothing, and ends when it is told to."""
    if profile == "embedded":
        pytest.skip("on this profile it is never yours")
    with running(COMMAND, tmp_path / "logs", place=room) as logs:
        assert "is yours, and ready" in logs["postgres"].read_text()
        assert "postgres:**@" in logs["postgres"].read_text()
        assert not (tmp_path / "home/postgres").exists()
    assert gone()


def test_yours_that_does_not_answer_is_named(tmp_path: Path, room: CourseCopy) -> None:
    """In one sentence, without a traceback."""
    url = "postgresql+psycopg2://me:secret@localhost:1/mine"
    theirs = (tmp_path, {**room[1], "APP_DATABASE_URL": url})
    refused = pytest.raises(NotReady, match="PostgreSQL doesn't answer at")
    with refused as refusal, running(COMMAND, tmp_path / "logs", place=theirs):
        pass
    assert "secret" not in str(refusal.value)
    assert "Traceback" not in str(refusal.value)
