"""Test runs on one profile or on both, and the fixtures that many tests share."""

import fcntl
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from xdist.remote import Producer

from tests.island import client, free_port
from tests.pool import PROFILES, Pool, Processes, chosen_for, unit

if TYPE_CHECKING:
    import httpx
    from playwright.sync_api import Page

RERUNS = 2  # tests of a whole run that may pass at the second attempt; each attempt is shown


class Shared:
    """The running processes of a lesson: files of one unit share them."""

    def __init__(self) -> None:
        self.unit, self.logs, self.running = "", dict[str, Path](), ExitStack()

    def close(self) -> None:
        self.unit = ""
        self.running.close()


SHARED = pytest.StashKey[Shared]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--profile", choices=[*PROFILES, "both"], default="embedded", help="where the lessons run")


def pytest_configure(config: pytest.Config) -> None:
    """Runs in each test process, before any lesson is imported: each gets a LESSONS_HOME of its own."""
    config.stash[SHARED] = Shared()
    profile = config.option.profile = chosen_for(config)
    if profile == "both":
        if not (total := config.getoption("numprocesses", None)) or total < 2:
            raise pytest.UsageError("Both profiles need two processes or more: --numprocesses 5")
        config.pluginmanager.register(Processes(total))
    for name in ("RABBITMQ_URL", "REDIS_BROKER_URL", "POSTGRES_URL", "REDIS_URL", "APP_DATABASE_URL", "LESSONS_SVG"):
        os.environ[name] = ""  # a developer's own servers are not for tests, nor are those in a .env
    os.environ["LESSONS_PROFILE"] = profile if profile in PROFILES else PROFILES[0]  # for --collect-only
    os.environ["LESSONS_HOME"] = tempfile.mkdtemp(prefix="lessons-")
    for name in ("FLOWER_PORT", "API_PORT", "EMBEDDED_POSTGRES_PORT"):  # test processes live side by side
        os.environ[name] = free_port()
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[SHARED].close()
    shutil.rmtree(os.environ["LESSONS_HOME"], ignore_errors=True)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Pool:
    config.option.loadscopereorder = False  # pytest_collection_modifyitems chooses the order
    return Pool(config, log)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """On both profiles, make of each test one for each, except of those that say the same on both."""
    if hasattr(metafunc.config, "workerinput") and metafunc.config.workerinput.get("profile"):
        profiles = [one for one in PROFILES if belongs(metafunc.definition, one)]
        ids = [f"@{profile}" for profile in profiles]
        metafunc.parametrize("profile", profiles, indirect=True, ids=ids, scope="session")


def belongs(test: pytest.Item, profile: str) -> bool:
    """Whether this test says something about this profile that it doesn't say about the other."""
    return not test.get_closest_marker("once" if profile == "services" else "servers")


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """End a lesson's processes after the last test of the unit that shares them."""
    if nextitem is None or unit(str(nextitem.path)) != unit(str(item.path)):
        item.config.stash[SHARED].close()


LONG = (
    "played_through",
    "test_lesson15_hostile",
    "test_lesson14_chaos",
    "test_judge",
    "test_lesson15",
    "test_lesson14",
    "test_run",
    "classroom/test_exercises",
    "answer",
)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run first what takes long, so that in the end no process is still running alone.

    Leave out what doesn't belong to a test's profile. On services, skip or fail if a server doesn't answer.
    """
    files = list(dict.fromkeys(item.path for item in items))
    units = list(dict.fromkeys(unit(str(file)) for file in files))

    def runs_on(item: pytest.Item) -> str:
        parameters = getattr(item, "callspec", None)
        return str(parameters.params.get("profile", "")) if parameters else ""

    def turn(item: pytest.Item) -> tuple[int, int, int, int]:
        place = next((place for place, name in enumerate(LONG) if name in item.nodeid), len(LONG))
        lesson = re.search(r"played_through\[.*lesson(\d\d)", item.nodeid)
        among_readmes = min(int(lesson[1]), 16 - int(lesson[1])) if lesson else 0  # alternate long and short ones …
        if runs_on(item) == "services":
            among_readmes = (among_readmes + 5) % 9  # … and not the same ones on both profiles at once
        return (
            place,
            among_readmes,
            -units.index(unit(str(item.path))),
            files.index(item.path),
        )  # within a file, as it is

    items.sort(key=turn)  # within a file, the order stays
    ours = config.getoption("--profile")
    items[:] = [one for one in items if belongs(one, runs_on(one) or ours)]
    if ours != "services":
        return
    from classroom.use import create_missing_databases, servers_down

    create_missing_databases()
    if down := servers_down():
        if os.environ.get("LESSONS_REQUIRE_SERVICES"):
            pytest.exit(down, returncode=1)
        for item in items:
            item.add_marker(pytest.mark.skip(reason=down))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run in which more than RERUNS tests passed only at the second attempt."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter and not session.exitstatus and len(reporter.stats.get("rerun", [])) > RERUNS:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say why a test was tried again; pytest-rerunfailures says only that it was."""
    reruns = terminalreporter.stats.get("rerun", [])
    for report in reruns:
        terminalreporter.section(f"{report.nodeid}, tried again", sep="_")
        terminalreporter.write_line(f"{report.longreprtext[-3000:]}\n{report.capstdout[-1000:]}")
    if len(reruns) > RERUNS:
        terminalreporter.write_line(f"{len(reruns)} tests were tried again; a run with more than {RERUNS} fails.")


@pytest.fixture(scope="session", autouse=True)
def profile(request: pytest.FixtureRequest) -> str:
    """The profile that this test is about: embedded or services."""
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
def workers(request: pytest.FixtureRequest, alone: Callable[[str], AbstractContextManager[None]]) -> dict[str, Path]:
    """The processes of the lesson that the test module is named after, running; returns their log files by name."""
    from classroom import catalog, queues
    from classroom.processes import running

    shared = request.config.stash[SHARED]
    if shared.unit != unit(str(request.path)):
        shared.close()
        lesson = catalog.find(request.path.stem.removeprefix("test_").partition("_")[0])  # test_lesson15_page: 15
        logs = Path(os.environ["LESSONS_HOME"], "logs", lesson.name)
        with ExitStack() as starting:
            starting.enter_context(alone(lesson.name))
            for app in queues.apps(lesson.processes.values()):
                queues.purge(app)
            shared.logs = starting.enter_context(running(lesson.processes, logs, copied=True))
            shared.running = starting.pop_all()
        shared.unit = unit(str(request.path))
    return shared.logs


@pytest.fixture(scope="module")
def http(workers: dict[str, Path]) -> "Iterator[httpx.Client]":
    """The API among those processes."""
    with client(os.environ["API_PORT"]) as http:
        yield http


@pytest.fixture
def page() -> "Iterator[Page]":
    """An empty page in a headless Chromium that can reach this computer alone; skips, or fails, where there is none."""
    from playwright.sync_api import expect, sync_playwright

    if not (chromium := shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")):
        missing = "Chromium isn't installed; on Debian: apt install chromium"
        pytest.fail(missing) if os.environ.get("LESSONS_REQUIRE_SERVICES") else pytest.skip(missing)
    nowhere = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"
    expect.set_options(timeout=60_000)  # milliseconds; only a test that fails waits for all of them
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", nowhere])
        yield browser.new_page(viewport={"width": 1200, "height": 800})
        browser.close()


@pytest.fixture
def own_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the reader has done any exercise doesn't matter, and nothing of theirs is touched."""
    from classroom import progress

    monkeypatch.setattr(progress, "WORK", tmp_path)
    monkeypatch.setattr(progress, "PROGRESS", tmp_path / "progress.json")


@pytest.fixture
def own_queues(request: pytest.FixtureRequest, alone: Callable[[str], AbstractContextManager[None]]) -> Iterator[None]:
    """Nobody else has the exercise of the test's `lesson` judged meanwhile."""
    with alone(f"exercise{request.getfixturevalue('lesson').number.replace('/', '-')}"):
        yield
