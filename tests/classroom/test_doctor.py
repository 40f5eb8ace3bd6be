"""`lesson doctor`: it finds what is wrong, names the mend, and changes nothing."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic, sleep
from types import SimpleNamespace

import psutil
import pytest

from classroom import doctor
from classroom.processes import end, guarded
from classroom.readme import CourseCopy
from tests.island import free_port


@pytest.fixture
def room(tmp_path: Path) -> CourseCopy:
    """A copy of the course in which nothing selects a profile and nothing has run."""
    return CourseCopy.copy(tmp_path / "course")


def examine(room: CourseCopy, **env: str) -> tuple[int, list[str]]:
    """Status and lines of `lesson doctor`, after checking what holds for every line."""
    said = subprocess.run(
        ["lesson", "doctor"], cwd=room.folder, env={**room.env, **env}, capture_output=True, text=True, timeout=60
    )
    assert said.stderr == ""
    lines = said.stdout.splitlines()
    assert all(line[:2] in ("✓ ", "! ", "✗ ") for line in lines), said.stdout
    assert said.returncode == any(line.startswith("✗") for line in lines)
    return said.returncode, lines


def about(words: str, lines: list[str]) -> str:
    """The one line that holds `words`."""
    (line,) = [line for line in lines if words in line]
    return line


def listing(folder: Path) -> dict[Path, int]:
    """Every file and folder with its time of change."""
    return {path: path.lstat().st_mtime_ns for path in folder.rglob("*") if ".git" not in path.parts}


@pytest.mark.once
def test_a_fresh_clone_is_well(room: CourseCopy) -> None:
    """Nothing is wrong where nothing has run, and all is said: Python, folder, profile, addresses, what is written."""
    status, lines = examine(room)
    assert status == 0
    assert f"Python {sys.version.split()[0]} with Celery 5." in about("Python", lines)
    assert about("profile", lines) == "✓ profile embedded, the default"
    assert about("RABBITMQ_URL", lines) == "✓ RABBITMQ_URL: files, instead of RabbitMQ"
    assert about("REDIS_BROKER_URL", lines) == "✓ REDIS_BROKER_URL: files, instead of Redis"
    assert about("POSTGRES_URL", lines) == "✓ POSTGRES_URL: SQLite, instead of PostgreSQL"
    assert about(" REDIS_URL", lines) == "✓ REDIS_URL: SQLite, instead of Redis"
    assert about("the course in", lines) == (
        f"✓ the course in {room.folder}; lesson, celery, python in this terminal are its own"
    )
    assert lines[-1] == f"✓ nothing is written yet; runs will write under {room.folder}/.lessons"


@pytest.mark.once
def test_it_changes_nothing(room: CourseCopy) -> None:
    """Not a file, not a folder, not even the one that every run needs; nor one that is there and empty."""
    env = {"PYTHONDONTWRITEBYTECODE": "1"}  # what Python writes is Python's
    before = listing(room.folder)
    examine(room, **env)
    assert set(listing(room.folder)) == set(before)
    (room.folder / ".lessons" / "messages").mkdir(parents=True)
    before = listing(room.folder)
    examine(room, **env)
    assert listing(room.folder) == before


@pytest.mark.once
@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (
            "LESSONS_PROFILE=cloud",
            "✗ LESSONS_PROFILE is 'cloud'; it can be: embedded, services. "
            "It is set in .env; to fix it: lesson use embedded",
        ),
        (
            "REDIS_URL=http://localhost",
            "✗ REDIS_URL can begin with redis, rediss, db+postgresql+psycopg2, db+sqlite, then ://; it doesn't. "
            "It is set in .env; to fix it: correct the line REDIS_URL=…",
        ),
    ],
)
def test_nonsense_is_a_finding(line: str, sentence: str, room: CourseCopy) -> None:
    """What makes every other command refuse is told with the place where it is set, and the rest is looked at, too."""
    (room.folder / ".env").write_text(f"{line}\n")
    status, lines = examine(room)
    assert status == 1
    assert sentence in lines
    assert any("runs will write under" in line for line in lines)


@pytest.mark.once
def test_nonsense_in_the_environment(room: CourseCopy) -> None:
    """.env can't mend what the environment says."""
    _, lines = examine(room, LESSONS_PROFILE="cloud")
    assert about("cloud", lines).endswith("It is set in the environment; to fix it: unset LESSONS_PROFILE")


@pytest.mark.once
def test_what_selects_the_profile(room: CourseCopy) -> None:
    """.env, or the environment, which wins."""
    (room.folder / ".env").write_text("LESSONS_PROFILE=embedded\n")
    assert "✓ profile embedded, selected in .env" in examine(room)[1]
    assert "✓ profile embedded, selected in the environment" in examine(room, LESSONS_PROFILE="embedded")[1]


@pytest.mark.once
def test_a_folder_that_cannot_be_written(room: CourseCopy) -> None:
    """LESSONS_HOME below a file can't be made."""
    home = room.folder / "README.md" / "home"
    status, lines = examine(room, LESSONS_HOME=str(home))
    assert status == 1
    assert f"✗ Can't write to {home}: Not a directory. Set LESSONS_HOME to another folder." in lines


@pytest.mark.once
def test_servers_that_do_not_answer(room: CourseCopy) -> None:
    """Four addresses that accept and never answer are four findings, each with its mend."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        (room.folder / ".env").write_text(
            f"LESSONS_PROFILE=services\nRABBITMQ_URL=amqp://guest:secret@127.0.0.1:{port}//\n"
            f"REDIS_URL=redis://:secret@127.0.0.1:{port}/0\nREDIS_BROKER_URL=redis://127.0.0.1:{port}/1\n"
            f"POSTGRES_URL=db+postgresql+psycopg2://postgres:secret@127.0.0.1:{port}/celery_jobs\n"
        )
        status, lines = examine(room)
    assert status == 1
    wrong = [line for line in lines if line.startswith("✗")]
    assert [re.match(r"✗ (\w+), set in \.env: ", line)[1] for line in wrong] == [  # type: ignore[index]
        "RABBITMQ_URL", "REDIS_BROKER_URL", "POSTGRES_URL", "REDIS_URL",
    ]  # fmt: skip
    assert all("lesson use embedded" in line for line in wrong)
    assert "secret" not in "".join(lines)


@pytest.mark.once
def test_commands_of_another_environment(room: CourseCopy) -> None:
    """A terminal where the environment isn't active gets the command that activates it."""
    here = Path(sys.executable).parent
    env = {**room.env, "PATH": os.defpath}
    said = subprocess.run([here / "lesson", "doctor"], env=env, capture_output=True, text=True)
    assert said.returncode == 0
    assert f"! celery and python in this terminal aren't the course's. To change that: . {here}/activate" in said.stdout


@pytest.fixture
def start(room: CourseCopy) -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    """Starts a command in the room as one would type it; whatever is left of it is killed afterwards."""
    started = []

    def begin(command: str) -> subprocess.Popen[bytes]:
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        started.append(
            subprocess.Popen(command.split(), cwd=room.folder, env=room.env, start_new_session=True, **quiet)  # type: ignore[call-overload]
        )
        return started[-1]

    yield begin
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.mark.once
def test_an_old_worker_is_named_with_its_end(room: CourseCopy, start: Callable[[str], subprocess.Popen[bytes]]) -> None:
    """A worker still listening is one line, whatever its pool; the command shown ends it."""
    worker = start("celery -A lesson00.tasks worker --loglevel=info --concurrency=2")
    words = f"process {worker.pid} (and 2 of its pool), since "
    until = monotonic() + 20
    while not (mine := [line for line in examine(room)[1] if words in line]):
        assert monotonic() < until
    (line,) = mine
    pool = psutil.Process(worker.pid).children(recursive=True)
    assert not any(f"process {child.pid} " in other for child in pool for other in examine(room)[1])
    assert line.startswith("! ")
    assert "celery -A lesson00.tasks worker --loglevel=info --concurrency=2" in line
    mend = re.search(r"If you don.t need it any more: (kill \d+)$", line)
    assert mend
    subprocess.run(mend[1].split(), check=True)
    worker.wait(20)
    assert not any(words in line for line in examine(room)[1])


@pytest.mark.once
@pytest.mark.parametrize(
    "command",
    [
        "/usr/bin/python3 /srv/course/.venv/bin/celery -A lesson00.tasks worker",
        "python -m celery --app=lesson05.tasks worker",
        "celery -A lesson10.tasks beat",
        "celery -A lesson12 flower",
        "celery --workdir /tmp -A exercise worker",
    ],
)
def test_whatever_works_for_a_lesson_is_found(command: str) -> None:
    """However it was typed."""
    assert doctor.typed(command.split()) == command.partition("celery ")[2]


@pytest.mark.once
@pytest.mark.parametrize(
    "words",
    [["celery", "-A", "shop", "worker"], ["sh", "-c", "celery -A lesson00.tasks worker"], ["vi", "lesson00"], []],
)
def test_others_are_not(words: list[str]) -> None:
    """Workers of other projects, and the shell around a worker, are nobody's business here."""
    assert doctor.typed(words) is None


@pytest.mark.once
def test_a_worker_of_a_run_is_told_apart(room: CourseCopy) -> None:
    """What `lesson run` started ends with it: nothing has to be done about that."""
    with Path(os.devnull).open("w") as nowhere:
        process = guarded("celery -A lesson00.tasks worker", output=nowhere, place=(room.folder, room.env))
    parent = psutil.Process(process.pid)
    try:
        until = monotonic() + 20
        while not (children := parent.children()) or not doctor.typed(children[0].cmdline()):
            assert monotonic() < until
            sleep(0.05)
        line = about(f"process {children[0].pid} ", examine(room)[1])
        assert line.startswith("✓ ")
        assert line.endswith("(of a run that is in progress and will end it)")
    finally:
        end(process)


@pytest.mark.once
def test_what_killed_runs_have_left(room: CourseCopy, start: Callable[[str], subprocess.Popen[bytes]]) -> None:
    """The folder of a run that is going on isn't counted; the mend removes the others."""
    home = room.folder / ".lessons"
    for name in ("lesson00-killed", "lesson01-killed", "lesson02-running"):
        (home / "run" / name / "messages").mkdir(parents=True)
    (home / "run" / "lesson00.lock").touch()
    room.env["LESSONS_HOME"] = str(home / "run" / "lesson02-running")
    start("sleep 60")
    del room.env["LESSONS_HOME"]
    line = about("killed runs", examine(room)[1])
    assert line == (f"! 2 killed runs have left something under {home}/run. If no lesson is running: rm -r {home}")
    shutil.rmtree(home)
    assert not any("killed runs" in line for line in examine(room)[1])


@pytest.mark.once
def test_how_much_is_written(room: CourseCopy) -> None:
    """Up to 100 MB is fine; more is worth a word and a mend, and still no failure."""
    home = room.folder / ".lessons"
    home.mkdir()
    (home / "results.sqlite").write_bytes(b"x" * 2000)
    assert examine(room)[1][-1] == f"✓ {home} holds 2.0 kB"
    os.truncate(home / "results.sqlite", 300_000_000)
    status, lines = examine(room)
    assert status == 0
    assert lines[-1] == f"! {home} holds 300.0 MB. If no lesson is running: rm -r {home}"


@pytest.mark.once
def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Less than a run needs is wrong."""
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: SimpleNamespace(free=3_000_000))
    first = next(doctor.written(tmp_path / "home"))
    assert first == doctor.Finding("wrong", f"the disk under {tmp_path}/home is full: 3.0 MB left. Make room there")


@pytest.mark.once
@pytest.mark.parametrize("variable", ["FLOWER_PORT", "API_PORT"])
def test_a_taken_port_that_a_lesson_needs_is_named(
    room: CourseCopy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str
) -> None:
    """The port is the one that the environment or .env chooses, as for the lesson itself."""
    lesson = SimpleNamespace(number="12", processes={"worker": "…", "flower": "…", "api": "…"})
    monkeypatch.setattr(doctor.catalog, "lessons", lambda: [lesson])
    monkeypatch.setattr(doctor.use, "ENV", tmp_path / ".env")
    kind = variable.partition("_")[0].lower()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = f"Port {port} is taken, and lesson 12 ({kind}) needs it. Set {variable} to a free port"
        monkeypatch.setenv(variable, str(port))
        assert any(finding.text.startswith(said) for finding in doctor.ports_taken())
        monkeypatch.delenv(variable)
        assert not any(finding.text.startswith(said) for finding in doctor.ports_taken())
        (tmp_path / ".env").write_text(f"{variable}={port}\n")
        assert any(finding.text.startswith(said) for finding in doctor.ports_taken())
        monkeypatch.setenv(variable, free_port())
        assert not any(finding.text.startswith(said) for finding in doctor.ports_taken())


@pytest.mark.once
def test_without_colour_and_without_unicode(room: CourseCopy) -> None:
    """In a pipe there are no escape codes, and where ✓ can't be written another mark stands for it."""
    said = subprocess.run(
        ["lesson", "doctor"], cwd=room.folder, env={**room.env, "PYTHONIOENCODING": "ascii"}, capture_output=True
    )
    assert said.returncode == 0
    assert b"\x1b" not in said.stdout
    assert said.stdout.decode("ascii").startswith("+ Python ")


@pytest.mark.servers
def test_real_servers(room: CourseCopy) -> None:
    """On services each address says which server answers; without its database PostgreSQL is a finding."""
    import global_config

    status, lines = examine(room, LESSONS_PROFILE="services")
    assert status == 0
    assert "✓ RABBITMQ_URL: RabbitMQ answers at amqp://guest:**@localhost:5672//" in lines
    assert "✓ REDIS_URL: Redis answers at redis://localhost:6379/0" in lines
    missing = global_config.POSTGRES_URL.replace("celery_jobs", "no_such_database")
    status, lines = examine(room, LESSONS_PROFILE="services", POSTGRES_URL=missing)
    assert status == 1
    assert "has no database no_such_database. To create it: lesson use services." in about("POSTGRES_URL", lines)
