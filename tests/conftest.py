"""One profile per test run, because a lesson's app reads its settings once, at import."""

import fcntl
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--profile", choices=["embedded", "services"], default="embedded", help="where the lessons run")


def pytest_configure(config: pytest.Config) -> None:
    """Runs in each xdist process, before any lesson is imported: each gets a LESSONS_HOME of its own."""
    for name in ("RABBITMQ_URL", "REDIS_BROKER_URL", "POSTGRES_URL", "REDIS_URL", "LESSONS_SVG"):
        os.environ[name] = ""  # a developer's own servers are not for tests, nor are those in a .env
    os.environ["LESSONS_PROFILE"] = config.getoption("--profile")
    os.environ["LESSONS_HOME"] = tempfile.mkdtemp(prefix="lessons-")
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(os.environ["LESSONS_HOME"], ignore_errors=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On services: leave out what says the same on every profile; skip, or fail, where a server doesn't answer."""
    if config.getoption("--profile") == "embedded":
        return
    items[:] = [item for item in items if not item.get_closest_marker("once")]
    from classroom.profile import create_missing_databases, servers_down

    create_missing_databases()
    if down := servers_down():
        if os.environ.get("LESSONS_REQUIRE_SERVICES"):
            pytest.exit(down, returncode=1)
        for item in items:
            item.add_marker(pytest.mark.skip(reason=down))


@pytest.fixture
def profile(request: pytest.FixtureRequest) -> str:
    """Which profile this run is about: embedded or services."""
    return str(request.config.getoption("--profile"))


@pytest.fixture(scope="session")
def alone(request: pytest.FixtureRequest) -> Callable[[str], AbstractContextManager[None]]:
    """`with alone("lesson04"):` no other test process uses those queues on the servers; on files each has its own."""

    @contextmanager
    def hold(name: str) -> Iterator[None]:
        folder = Path(tempfile.gettempdir(), f"lessons-in-use-{os.getuid()}")
        folder.mkdir(exist_ok=True)
        with (folder / name).open("w") as lock:
            if request.config.getoption("--profile") == "services":
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    return hold


@pytest.fixture(scope="module")
def workers(
    request: pytest.FixtureRequest, alone: Callable[[str], AbstractContextManager[None]]
) -> Iterator[dict[str, Path]]:
    """The processes of the lesson that the test module is named after, running; yields their log files by name."""
    from classroom import catalog, servers
    from classroom.processes import running

    lesson = catalog.find(request.module.__name__.rpartition("test_")[2])
    with alone(lesson.name):
        for app in servers.apps(lesson.processes.values()):
            if servers.server(app.conf.broker_url) != "files":
                servers.purge(app, set(app.amqp.queues))
        with running(lesson.processes, Path(os.environ["LESSONS_HOME"], "logs", lesson.name)) as logs:
            yield logs


@pytest.fixture
def own_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the reader has done any exercise doesn't matter, and nothing of theirs is touched."""
    from classroom import exercises

    monkeypatch.setattr(exercises, "WORK", tmp_path)
    monkeypatch.setattr(exercises, "PROGRESS", tmp_path / "progress.json")


@pytest.fixture
def own_queues(request: pytest.FixtureRequest, alone: Callable[[str], AbstractContextManager[None]]) -> Iterator[None]:
    """Nobody else has the exercise of the test's `lesson` judged meanwhile."""
    with alone(f"exercise{request.getfixturevalue('lesson').number}"):
        yield
