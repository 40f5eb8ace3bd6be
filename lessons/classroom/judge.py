"""Judge one answer to an exercise, by what the system did: a pytest plugin.

pytest lessons/lesson05/check_exercise.py                     judges work/lesson05/exercise.py
pytest lessons/lesson05/check_exercise.py --answer FILE       judges another answer

A check is a function `check_…` in check_exercise.py that takes the fixtures below. Its docstring holds three hints, a
paragraph each; its mark `judges` has the numbers of the demands in exercise.py that it judges. The answer is imported
as the module `exercise` in an empty folder, with real workers of its own.
"""

import json
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from random import Random, randrange
from types import ModuleType
from typing import NoReturn

import psutil
import pytest

from classroom import answers, bounds, copies, explain, strays
from classroom.catalog import COURSE, WORKER, Lesson, procfile
from classroom.evidence import Evidence
from classroom.importing import import_answer
from classroom.processes import Running, running

CHECKS = "check_exercise.py"
ZONE = "<+0545>-05:45"  # the checks' time zone, an odd one: local time taken for UTC shows, wherever the learner lives
PATIENCE = 18.0  # seconds for one check, its share of starting the workers included
INSIST = 3.5  # seconds until an answer that caught the end of its time is told again
TICK = 0.5  # seconds between two looks at the clock and at what the answer has written


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("lesson", "exercises of the course")
    group.addoption("--answer", type=Path, help="the file to judge instead of work/lessonNN/exercise.py")
    group.addoption("--seed", type=int, help="make the checks choose the values they chose with this seed")
    group.addoption("--patience", type=float, default=PATIENCE, help="seconds that one check may take")
    group.addoption("--verdict", type=Path, help="write what was found into this file, as JSON")


def pytest_configure(config: pytest.Config) -> None:
    """Prepare a workspace for the answer, before anything imports global_config, if pytest runs check_exercise.py."""
    named = {Path(argument.partition("::")[0]).resolve() for argument in config.args}
    files = [file for file in named if file.name == CHECKS]
    if not files:
        return
    if len(named) > 1:
        raise pytest.UsageError("Exercises are judged one at a time, each with workers of its own.")
    config.addinivalue_line("python_functions", "check_*")
    config.addinivalue_line("markers", "judges(number, …): which demands of exercise.py the check judges")
    config.pluginmanager.set_blocked("logging-plugin")  # it keeps in memory all that is logged
    config.pluginmanager.register(Judge(config, Lesson(files[0].parent)), "judge")


class Judge:
    """Everything about one run of one lesson's checks; its methods named pytest_… are pytest's hooks."""

    def __init__(self, config: pytest.Config, lesson: Lesson) -> None:
        self.lesson = lesson
        self.answer = (config.getoption("--answer") or COURSE / "work" / lesson.name / "exercise.py").absolute()
        if not self.answer.is_file():
            raise pytest.UsageError(f"{self.answer} isn't there. To begin the exercise: lesson start {lesson.number}")
        try:
            composed = answers.composed(lesson, self.answer) if config.getoption("--answer") else None
        except answers.Misfit as misfit:
            raise pytest.UsageError(str(misfit)) from None
        self.patience = config.getoption("--patience")
        self.seed = config.getoption("--seed") if config.getoption("--seed") is not None else randrange(10_000)
        file = config.getoption("--verdict")
        self.verdict_file = file and file.absolute()
        self.verdicts: list[dict] = []
        self.causes: dict[str, str] = {}  # why a check failed → the first that did
        self.told = 0  # how often the check that runs has been told to stop
        self.until = 0.0  # the time.monotonic() at which it will be told so
        self.started: set[int] = set()  # our children that are the exercise's processes
        self.logs = Running({})
        self.pid, self.exit = os.getpid(), os._exit
        self.listens = False  # whether a check, or what it needs, is at work, and not pytest between them
        self.workspace = Path(tempfile.mkdtemp(prefix="judge-")).resolve()
        if composed is None:
            shutil.copy(self.answer, self.workspace / "exercise.py")
        else:
            (self.workspace / "exercise.py").write_text(composed)
        os.environ["LESSONS_HOME"] = str(self.workspace / "home")
        os.environ["TMPDIR"], tempfile.tempdir = str(self.workspace), None
        os.environ["TZ"] = ZONE
        time.tzset()
        os._exit = self.refuse_exit
        strays.keep_in_sight()
        bounds.limit()
        sys.path.insert(0, str(self.workspace))
        sys.dont_write_bytecode = True

    @property
    def processes(self) -> dict[str, str]:
        """The processes to judge the answer with: from a Procfile beside it, or the lesson's, or one worker."""
        beside = self.answer.with_suffix(".Procfile")
        for file in (beside, self.answer.with_name("Procfile"), self.lesson.folder / "Procfile.exercise"):
            if file.is_file() and not (file.name == "Procfile" and file.parent == self.lesson.folder):
                return procfile(file)
        return WORKER

    def pytest_report_header(self) -> str:
        return f"judging {self.answer} (seed {self.seed})"

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Where something failed, say how to see the same again."""
        if not all(one["passed"] for one in self.verdicts):
            terminalreporter.write_line(f"The same values again: --seed {self.seed}")

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            item.add_marker(pytest.mark.timeout(self.patience))

    def pytest_timeout_set_timer(self, item: pytest.Item) -> bool:
        """In place of pytest-timeout's own timer, which shows stack traces, and which `except:` swallows."""
        self.told, self.until = 0, time.monotonic() + self.patience
        self.write_verdict({"check": item.name, "passed": False, "text": f"{explain.ENDED}, or was killed."})
        signal.signal(signal.SIGALRM, lambda *_: self.look(item))
        signal.setitimer(signal.ITIMER_REAL, TICK, TICK)
        return True

    def pytest_timeout_cancel_timer(self) -> bool:
        """The check has ended."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        return True

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self) -> Generator[None]:
        return (yield from self.stoppable())

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Generator[None]:
        return (yield from self.stoppable())

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self) -> Generator[None]:
        strays.end_strays(self.started)
        return (yield from self.stoppable())

    def stoppable(self) -> Generator[None]:
        """What pytest does beside the checks must not be torn."""
        self.listens = True
        try:
            return (yield)
        except MemoryError as error:
            traceback.clear_frames(error.__traceback__)  # what took the memory is in their variables
            raise
        finally:
            self.listens = False
            if os.getpid() != self.pid:  # a child that the answer forked has come back from the check
                self.exit(0)

    def refuse_exit(self, status: int) -> NoReturn:
        """In place of os._exit(), with which an answer would end the judge without a word."""
        if self.listens and os.getpid() == self.pid:
            raise explain.Exits(f"{explain.ENDED}, with os._exit({status!r}).")
        self.exit(status)

    def look(self, item: pytest.Item) -> None:
        """Stop the check where it is if it takes too long or writes too much; if it swallows that, stop everything."""
        if not self.listens or os.getpid() != self.pid:
            return
        if time.monotonic() > self.until:
            said = (
                f"Stopped after {self.patience:g} s: the code waits for something that never happens, or loops forever."
            )
        elif self.told or not (said := bounds.excess(self.workspace)):
            return
        self.told += 1
        self.until = time.monotonic() + INSIST
        if self.told < 3:
            raise explain.OutOfTime(said)
        said = f"{item.name}: stopped after {self.patience:g} s. The answer's `except:` caught even the order to stop."
        self.verdicts.append({"check": item.name, "passed": False, "text": said})
        self.pytest_unconfigure()
        if capture := item.config.pluginmanager.get_plugin("capturemanager"):
            capture.suspend_global_capture()
        terminal = item.config.get_terminal_writer()
        terminal.line(f"\n{said}")
        terminal.flush()
        self.exit(1)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Say in the learner's words what pytest would say in its own."""
        report = yield
        if call.excinfo and report.skipped:
            report.outcome = "failed"  # skipped, or expected to fail: nothing has been shown
            report.longrepr = explain.SKIPPED
            vars(report).pop("wasxfail", None)
        elif call.excinfo and report.failed:
            text = explain.explain(
                call.excinfo.value, item.stash.get(SEEN, None), self.workspace, bool(self.logs.ended())
            )
            first = self.causes.setdefault(explain.cause(text), item.name)
            report.longrepr = text if first == item.name else explain.AGAIN.format(explain.readable(first))
            report.sections = [(title, explain.last_lines(text)) for title, text in report.sections]
            if report.when == "setup" or explain.takes_long(call.excinfo.value):
                item.session.shouldfail = "the other checks would find the same"
        if report.failed or (report.when == "call" and report.passed):
            said = {"text": str(report.longrepr or ""), "seconds": report.duration}
            self.verdicts.append({"check": item.name, "passed": report.passed, **said})
        return report

    def write_verdict(self, *more: dict) -> None:
        """Write what is known so far, and `more`: what will be true if no other line of this is run."""
        if self.verdict_file:
            self.verdict_file.write_text(json.dumps({"seed": self.seed, "checks": [*self.verdicts, *more]}))

    def pytest_unconfigure(self) -> None:
        strays.end_strays()
        self.write_verdict()
        os._exit = self.exit
        shutil.rmtree(self.workspace, ignore_errors=True)


SEEN = pytest.StashKey[Evidence]()


@pytest.fixture(scope="session")
def judge(request: pytest.FixtureRequest) -> Judge:
    """The run's own plugin object."""
    plugin = request.config.pluginmanager.get_plugin("judge")
    assert isinstance(plugin, Judge)
    return plugin


@pytest.fixture(scope="session")
def exercise(judge: Judge) -> ModuleType:
    """The answer, imported."""
    os.chdir(judge.workspace)  # as for the workers
    return import_answer()


@pytest.fixture
def values(judge: Judge, request: pytest.FixtureRequest) -> Random:
    """A source of values that vary from run to run, and from check to check; the seed is printed."""
    return Random(f"{judge.seed} {request.node.name}")


@pytest.fixture
def expect() -> Callable[..., None]:
    """expect(saw, wanted, what="…", idea="…"): state that `saw` equals `wanted`.

    `what` names what is compared; `idea` is a sentence about what a learner may have misunderstood.
    """

    def state(saw: object, wanted: object, *, what: str, idea: str) -> None:
        if saw != wanted and repr(saw) != repr(wanted):  # an exception from a worker is another object, and reads alike
            raise explain.Unmet(explain.difference(saw, wanted, what, idea))

    return state


@pytest.fixture(scope="session")
def workers(judge: Judge, exercise: ModuleType) -> Iterator[dict[str, Path]]:
    """The exercise's processes, running in the judge's workspace; yields their log files."""
    from classroom import queues

    queues.purge(exercise.app, "exercise")
    others = {child.pid for child in psutil.Process().children()}
    place = (judge.workspace, dict(os.environ))
    with running(judge.processes, judge.workspace / "logs", place=place, copied=copies.is_copy()) as judge.logs:
        judge.started = {child.pid for child in psutil.Process().children()} - others
        yield judge.logs
    queues.purge(exercise.app, "exercise")  # also the queues that no worker reads; sending has made them known


@pytest.fixture
def run(
    request: pytest.FixtureRequest, exercise: ModuleType, workers: dict[str, Path]
) -> Callable[[], AbstractContextManager[Evidence]]:
    """`with run() as seen:` records what the system does in the block; ask `seen` afterwards."""
    from classroom.caller import watching
    from classroom.recorder import recording

    @contextmanager
    def run() -> Iterator[Evidence]:
        seen = Evidence()
        request.node.stash[SEEN] = seen
        with watching(exercise.app, seen), recording(exercise.app) as seen.events:
            yield seen
        if seen.stored_here:
            raise explain.Unmet(explain.STORED)

    return run
