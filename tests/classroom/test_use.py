"""`lesson use`: what it starts, what it writes, what it leaves alone, and what it says."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from classroom import catalog, servers, use
from classroom.readme import CourseCopy
from classroom.refusal import Refusal
from classroom.servers import Trouble

USED = "LESSONS_PROFILE=services\n"


@pytest.fixture
def env(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A .env of our own, which isn't there yet, and a profile that nothing selects."""
    monkeypatch.setattr(use, "ENV", tmp_path / ".env")
    monkeypatch.setenv(use.VARIABLE, "")
    for name in ("RABBITMQ_URL", "REDIS_BROKER_URL", "POSTGRES_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / ".env"


@pytest.fixture
def up(tmp_path: Path) -> Path:
    """The file that says that servers run: the fake docker writes it, the fake servers look for it."""
    return tmp_path / "up"


@pytest.fixture
def down(up: Path, env: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Chooses which servers don't answer until `up` is there, and how they fail."""

    def choose(*names: str, kind: str = "silent") -> None:
        def ask(url: str) -> Trouble | None:
            failed = servers.server(url) in names and not up.exists()
            what = f"{servers.server(url)} doesn't answer."
            return Trouble(kind, what, "The mend.") if failed else None  # type: ignore[arg-type]

        monkeypatch.setattr(servers, "ask", ask)
        monkeypatch.setattr(servers, "create_database", lambda url: "celery_jobs")

    return choose


@pytest.fixture
def docker(tmp_path: Path, up: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Puts a docker on PATH (alone, or none at all) that answers as told; returns its log: folder and arguments."""
    folder = tmp_path / "bin"
    folder.mkdir()
    log = tmp_path / "docker.log"
    log.touch()

    monkeypatch.chdir(tmp_path)

    def install(present: bool = True, engine: int = 0, compose: int = 0, starts: int = 0, works: bool = True) -> Path:
        monkeypatch.setenv("PATH", str(folder))
        if present:
            script = folder / "docker"
            script.write_text(
                f'#!/bin/sh\necho "$PWD: $*" >> {log}\ncase "$*" in\n'
                f'version) exit {engine} ;;\n"compose version") exit {compose} ;;\n'
                f'"compose up"*) echo "Container started"; {f": > {up}" if works else ":"}; exit {starts} ;;\nesac\n'
            )
            script.chmod(0o755)
        return log

    return install


ALL = ("RabbitMQ", "Redis", "PostgreSQL")


def refused(name: str) -> str:
    """What `lesson use` says where it refuses."""
    with pytest.raises(Refusal) as refusal:
        use.use(name)
    return str(refusal.value)


@pytest.mark.once
def test_servers_are_started_where_docker_can(
    env: Path, down: Callable[..., None], docker: Callable[..., Path], capfd: pytest.CaptureFixture[str]
) -> None:
    """One `docker compose up -d --wait` in the course's folder; then the database, .env, and a word on each."""
    down(*ALL)
    log = docker()
    use.use("services")
    assert log.read_text().splitlines()[-1] == f"{catalog.COURSE}: compose up -d --wait"
    assert env.read_text() == USED
    assert capfd.readouterr().out.splitlines() == [
        "Starting RabbitMQ, Redis and PostgreSQL with docker compose; the first time, it fetches them …",
        "Container started",
        "RabbitMQ, Redis and PostgreSQL answer.",
        "Created the database celery_jobs.",
        "The profile is services now: wrote LESSONS_PROFILE=services to .env.",
    ]


@pytest.mark.once
def test_servers_that_answer_are_left_alone(env: Path, down: Callable[..., None], docker: Callable[..., Path]) -> None:
    """Only what is missing is started; where nothing is, docker isn't even asked."""
    down("Redis")
    log = docker()
    use.use("services")
    assert log.read_text().endswith("compose up -d --wait redis\n")
    log.write_text("")
    use.use("services")
    assert log.read_text() == ""


@pytest.mark.once
@pytest.mark.parametrize(
    ("state", "why"),
    [
        ({"present": False}, "Docker could start them, but isn't installed."),
        ({"engine": 1}, "Docker could start them, but no Docker engine answers."),
        ({"compose": 1}, "Docker could start them, but it has no compose plugin."),
    ],
)
def test_without_docker_it_says_how(
    state: dict, why: str, env: Path, down: Callable[..., None], docker: Callable[..., Path]
) -> None:
    """Who doesn't answer, why nothing could be started, and both ways to bring them up; nothing is changed."""
    down(*ALL)
    log = docker(**state)
    said = refused("services")
    assert said.startswith(f"RabbitMQ doesn't answer.\nRedis doesn't answer.\nPostgreSQL doesn't answer.\n{why}\n")
    assert "  sudo apt install rabbitmq-server redis-server postgresql\n" in said
    assert said.endswith("Then again: lesson use services\nNothing was changed.")
    assert "up" not in log.read_text()
    assert not env.exists()


@pytest.mark.once
def test_docker_fails(env: Path, down: Callable[..., None], docker: Callable[..., Path]) -> None:
    """Where docker compose ends with an error, .env stays as it is, unless the three servers answer all the same."""
    down(*ALL)
    docker(starts=1, works=False)
    assert refused("services").startswith("docker compose couldn't start them")
    assert not env.exists()
    docker(starts=1, works=True)
    use.use("services")
    assert env.read_text() == USED


@pytest.mark.once
def test_servers_that_never_get_ready(
    env: Path, down: Callable[..., None], docker: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is a deadline, and a way to look into it."""
    monkeypatch.setattr(use, "DEADLINE", 0.1)
    down("RabbitMQ")
    docker(works=False)
    assert refused("services").startswith("RabbitMQ doesn't answer.\nTo see why: docker compose logs")
    assert not env.exists()


@pytest.mark.once
def test_an_address_of_ones_own_is_not_for_docker(
    env: Path, down: Callable[..., None], docker: Callable[..., Path]
) -> None:
    """docker-compose.yml can't start a server that .env names: the sentence says where it is named."""
    env.write_text("REDIS_URL=redis://localhost:1/0\n")
    down("Redis")
    log = docker()
    assert "\nREDIS_URL is set in .env: start that server, or take the line out." in refused("services")
    assert log.read_text() == ""
    assert env.read_text() == "REDIS_URL=redis://localhost:1/0\n"


@pytest.mark.once
def test_a_server_that_refuses_is_not_for_docker(
    env: Path, down: Callable[..., None], docker: Callable[..., Path]
) -> None:
    """Something is there already and needs another mend; starting a second one can't help."""
    down("PostgreSQL", kind="other")
    log = docker()
    assert refused("services") == "PostgreSQL doesn't answer.\nThe mend. Nothing was changed."
    assert log.read_text() == ""
    assert not env.exists()


@pytest.mark.once
@pytest.mark.parametrize(
    ("before", "services"),
    [
        (None, USED),
        ("", USED),
        ("# mine\nREDIS_URL='redis://a b'  # why\n\nX=1", f"# mine\nREDIS_URL='redis://a b'  # why\n\nX=1\n{USED}"),
        ("A=1\nLESSONS_PROFILE=nonsense\n# B\n", f"A=1\n{USED}# B\n"),
        (f"A=1\n{USED}# B\n", f"A=1\n{USED}# B\n"),
    ],
)
def test_the_rest_of_dotenv_stays(before: str | None, services: str, env: Path, down: Callable[..., None]) -> None:
    """One line of .env is written or taken out; comments and other lines stay, and a second time changes nothing."""
    down()
    if before is not None:
        env.write_text(before)
    for _ in range(2):
        use.use("services")
        assert env.read_text() == services
    for _ in range(2):
        use.use("embedded")
        assert env.read_text() == services.replace(USED, "")


@pytest.mark.once
def test_the_default_needs_no_file(env: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`lesson use embedded` where nothing was selected writes nothing."""
    use.use("embedded")
    assert not env.exists()
    assert capsys.readouterr().out == "The profile was embedded already; .env stays as it is.\n"


@pytest.mark.once
def test_the_second_time_says_so(env: Path, down: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing to do is said as that."""
    down()
    env.write_text(USED)
    use.use("services")
    assert capsys.readouterr().out.splitlines()[-1] == "The profile was services already; .env stays as it is."


@pytest.mark.once
@pytest.mark.parametrize("name", ["embedded", "services"])
def test_a_read_only_dotenv_is_refused_first(
    name: str, env: Path, down: Callable[..., None], docker: Callable[..., Path]
) -> None:
    """Before anything is started, with the command that allows it; also for root, who could write it."""
    env.write_text("LESSONS_PROFILE=other\n")
    env.chmod(0o444)
    down(*ALL)
    log = docker()
    assert refused(name) == f"{env} is read-only, so nothing was changed. To allow it: chmod u+w {env}"
    assert log.read_text() == ""
    assert env.read_text() == "LESSONS_PROFILE=other\n"


@pytest.mark.once
def test_a_dotenv_that_cannot_be_written_is_refused(env: Path, down: Callable[..., None]) -> None:
    """Any other reason is named: here .env is a folder."""
    down()
    env.mkdir()
    assert refused("services") == f"Can't write {env}: Is a directory. The profile stays as it was."


@pytest.mark.once
def test_the_environment_wins_and_that_is_said(
    env: Path, down: Callable[..., None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """LESSONS_PROFILE in the environment beats .env: one is told how to end that."""
    down()
    monkeypatch.setenv(use.VARIABLE, "embedded")
    use.use("services")
    assert capsys.readouterr().out.endswith(
        "But LESSONS_PROFILE=embedded is set in the environment, and overrides .env. "
        "To undo that: unset LESSONS_PROFILE\n"
    )
    assert env.read_text() == USED


def lesson(room: CourseCopy, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Type `lesson …` in a copy of the course."""
    command = ["lesson", *words]
    return subprocess.run(command, cwd=room.folder, env={**room.env, **env}, capture_output=True, text=True, timeout=60)


@pytest.fixture
def room(tmp_path: Path) -> CourseCopy:
    """A copy of the course in which nothing selects a profile."""
    return CourseCopy.copy(tmp_path)


@pytest.mark.once
def test_nonsense_is_mended(room: CourseCopy) -> None:
    """Where .env selects what isn't there, every command refuses, but for this one."""
    (room.folder / ".env").write_text("LESSONS_PROFILE=nonsense\n")
    assert lesson(room, "run", "00").returncode == 1
    assert lesson(room, "use", "embedded").returncode == 0
    assert (room.folder / ".env").read_text() == ""
    used = lesson(room, "use", "embedded", LESSONS_PROFILE="nonsense")
    assert used.returncode == 0
    assert used.stdout.endswith("To undo that: unset LESSONS_PROFILE\n")


@pytest.mark.once
def test_addresses_of_ones_own_stay(room: CourseCopy) -> None:
    """`lesson use embedded` says which addresses still lead to a server, without their passwords."""
    (room.folder / ".env").write_text("REDIS_URL=redis://:secret@localhost:6379/7\n")
    used = lesson(room, "use", "embedded")
    assert used.stdout.splitlines()[-1] == "REDIS_URL is set in .env and stays: redis://:**@localhost:6379/7"


@pytest.mark.once
def test_other_profiles_are_refused(room: CourseCopy) -> None:
    """There are two."""
    refused = lesson(room, "use", "cloud")
    assert refused.returncode == 2
    assert "'cloud' is not one of 'embedded', 'services'" in refused.stderr
    assert not (room.folder / ".env").exists()


@pytest.fixture
def new_database() -> Iterator[str]:
    """The address of a database that real PostgreSQL doesn't have; dropped afterwards."""
    import global_config

    name = f"lessons_test_use_{os.getpid()}"
    yield global_config.POSTGRES_URL.replace("celery_jobs", name)
    with closing(servers._connect(global_config.POSTGRES_URL)) as connection:
        connection.cursor().execute(f"DROP DATABASE IF EXISTS {name}")


@pytest.mark.servers
def test_real_servers_are_used(room: CourseCopy, new_database: str) -> None:
    """Where they answer, the missing database is created and the profile is selected, and lessons run on it."""
    used = lesson(room, "use", "services", POSTGRES_URL=new_database)
    assert used.returncode == 0, used.stderr
    assert used.stdout.splitlines() == [
        "RabbitMQ, Redis and PostgreSQL answer.",
        f"Created the database {new_database.rpartition('/')[2]}.",
        "The profile is services now: wrote LESSONS_PROFILE=services to .env.",
    ]
    assert (room.folder / ".env").read_text() == USED
    assert "profile services, selected in .env" in lesson(room, "doctor", POSTGRES_URL=new_database).stdout
    again = lesson(room, "use", "services", POSTGRES_URL=new_database)
    assert again.stdout.splitlines()[1:] == ["The profile was services already; .env stays as it is."]


@pytest.mark.servers
def test_what_the_tests_need_is_there() -> None:
    """servers_down() finds nothing on a run on services, and creating databases again does nothing."""
    from classroom.use import create_missing_databases, servers_down

    assert create_missing_databases() == []
    assert servers_down() is None


@pytest.mark.once
def test_servers_down_names_the_first(down: Callable[..., None]) -> None:
    """A sentence about the first that can't be used; a missing database counts."""
    down("Redis", "PostgreSQL")
    assert use.servers_down() == "Redis doesn't answer. The mend. Without servers: lesson use embedded."
    down("PostgreSQL", kind="database")
    assert use.servers_down() == "PostgreSQL doesn't answer. The mend. Without servers: lesson use embedded."
