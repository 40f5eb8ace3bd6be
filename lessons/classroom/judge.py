"""Judge one answer to an exercise, by what the system did: a pytest plugin.

pytest lessons/lesson05/check_exercise.py                     judges work/lesson05/exercise.py
pytest lessons/lesson05/check_exercise.py --answer FILE       judges another answer

A check is a function `check_…` in check_exercise.py that takes the fixtures below; its docstring holds three hints, a
paragraph each. The answer is imported as the module `exercise` in an empty folder, with real workers of its own.
"""

import io
import json
import os
import re
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from random import Random, randrange
from time import monotonic
from types import ModuleType
from typing import NoReturn

import psutil
import pytest

from classroom import answers, bounds, strays
from classroom.catalog import COURSE, WORKER, Lesson, procfile
from classroom.importing import AtImport, advice, import_answer
from classroom.processes import NotReady
from classroom.seen import Seen
from classroom.timeline import Row, Timeline, rows

CHECKS = "check_exercise.py"
PATIENCE = 18.0  # seconds for one check, its share of starting the workers included
INSIST = 3.5  # seconds until an answer that caught the end of its time is told again
TICK = 0.5  # seconds between two looks at the clock and at what the answer has written
MOST_LINES = 20  # of what an answer prints


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("lesson", "exercises of the course")
    group.addoption("--answer", type=Path, help="the file to judge instead of work/lessonNN/exercise.py")
    group.addoption("--seed", type=int, help="make the checks choose the values they chose with this seed")
    group.addoption("--patience", type=float, default=PATIENCE, help="seconds that one check may take")
    group.addoption("--verdict", type=Path, help="write what was found into this file, as JSON")


def pytest_configure(config: pytest.Config) -> None:
    """Prepare a room for the answer, before anything imports global_config; only for a run of check_exercise.py."""
    named = {Path(argument.partition("::")[0]).resolve() for argument in config.args}
    files = [file for file in named if file.name == CHECKS]
    if not files:
        return
    if len(named) > 1:
        raise pytest.UsageError("Exercises are judged one at a time, each with workers of its own.")
    config.addinivalue_line("python_functions", "check_*")
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
        self.told = 0  # how often the check that runs has been told to stop
        self.until = 0.0  # the time.monotonic() at which it will be told so
        self.started: set[int] = set()  # the exercise's processes
        self.pid, self.exit = os.getpid(), os._exit
        self.listens = False  # whether a check, or what it needs, is at work, and not pytest between them
        self.room = Path(tempfile.mkdtemp(prefix="judge-")).resolve()
        if composed is None:
            shutil.copy(self.answer, self.room / "exercise.py")
        else:
            (self.room / "exercise.py").write_text(composed)
        os.environ["LESSONS_HOME"] = str(self.room / "home")
        os.environ["TMPDIR"], tempfile.tempdir = str(self.room), None
        os._exit = self.refuse_exit
        strays.keep_in_sight()
        bounds.limit()
        sys.path.insert(0, str(self.room))
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
        self.told, self.until = 0, monotonic() + self.patience
        self.write_verdict({"check": item.name, "passed": False, "text": f"{ENDED}, or was killed."})
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
            raise Exits(f"{ENDED}, with os._exit({status!r}).")
        self.exit(status)

    def look(self, item: pytest.Item) -> None:
        """Stop the check where it is if it takes too long or writes too much; if it swallows that, stop everything."""
        if not self.listens or os.getpid() != self.pid:
            return
        if monotonic() > self.until:
            said = f"Stopped after {self.patience:g} s: something waits for what never comes, or loops for ever."
        elif self.told or not (said := bounds.excess(self.room)):
            return
        self.told += 1
        self.until = monotonic() + INSIST
        if self.told < 3:
            raise OutOfTime(said)
        said = (
            f"{item.name}: stopped after {self.patience:g} s, and it wouldn't stop: an `except:` swallows everything."
        )
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
        if call.excinfo and report.failed:
            report.longrepr = explain(call.excinfo.value, item.stash.get(SEEN, None), self)
            report.sections = [(title, last_lines(text)) for title, text in report.sections]
            if report.when == "setup" or takes_long(call.excinfo.value):
                item.session.shouldfail = "the other checks would find the same"
        if report.failed or (report.when == "call" and report.passed):
            text = str(report.longrepr or "")
            self.verdicts.append(
                {"check": item.name, "passed": report.passed, "text": text, "seconds": report.duration}
            )
        return report

    def write_verdict(self, *more: dict) -> None:
        """Write what is known so far, and `more`: what will be true if no other line of this is run."""
        if self.verdict_file:
            self.verdict_file.write_text(json.dumps({"seed": self.seed, "checks": [*self.verdicts, *more]}))

    def pytest_unconfigure(self) -> None:
        strays.end_strays()
        self.write_verdict()
        os._exit = self.exit
        shutil.rmtree(self.room, ignore_errors=True)


ENDED = "The answer ended the whole program"
SEEN = pytest.StashKey["Seen"]()


class Unmet(AssertionError):
    """A check's statement that doesn't hold."""


class OutOfTime(BaseException):
    """The check took or wrote more than the judge allows; no Exception, so that `except Exception` lets it through."""


class Exits(BaseException):
    """The answer would end the judge's process."""


@pytest.fixture(scope="session")
def judge(request: pytest.FixtureRequest) -> Judge:
    """The run's own plugin object."""
    plugin = request.config.pluginmanager.get_plugin("judge")
    assert isinstance(plugin, Judge)
    return plugin


@pytest.fixture(scope="session")
def exercise(judge: Judge) -> ModuleType:
    """The answer, imported."""
    os.chdir(judge.room)  # as for the workers
    return import_answer()


@pytest.fixture
def values(judge: Judge) -> Random:
    """A source of values that vary from run to run; the seed is printed."""
    return Random(judge.seed)


@pytest.fixture
def expect() -> Callable[[object, object, str, str], None]:
    """expect(saw, wanted, what, idea): the statement that `saw` equals `wanted`.

    `what` names what is compared; `idea` is the sentence on what a learner may have misunderstood.
    """

    def state(saw: object, wanted: object, what: str, idea: str) -> None:
        if saw != wanted and repr(saw) != repr(wanted):  # an exception from a worker is another object, and reads alike
            raise Unmet(f"looked at: {what}\nexpected:  {wanted!r}\nsaw:       {saw!r}\n{idea}")

    return state


@pytest.fixture(scope="session")
def workers(judge: Judge, exercise: ModuleType) -> Iterator[dict[str, Path]]:
    """The exercise's processes, running in the answer's room; yields their log files."""
    from classroom import servers
    from classroom.processes import running

    app = exercise.app

    def purge() -> None:
        """Leave nothing on a shared server, and throw away nothing that is somebody else's."""
        if servers.server(app.conf.broker_url) != "files":
            servers.purge(app, {queue for queue in app.amqp.queues if queue.startswith("exercise")})

    purge()
    others = {child.pid for child in psutil.Process().children()}
    with running(judge.processes, judge.room / "logs", room=(judge.room, dict(os.environ))) as logs:
        judge.started = {child.pid for child in psutil.Process().children()} - others
        yield logs
    purge()  # also the queues that nobody reads; sending has made them known


@pytest.fixture
def run(
    request: pytest.FixtureRequest, exercise: ModuleType, workers: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> Callable[[], AbstractContextManager[Seen]]:
    """`with run() as seen:` records what the system does in the block; ask `seen` afterwards."""
    from classroom.recorder import recording

    @contextmanager
    def run() -> Iterator[Seen]:
        seen = Seen()
        request.node.stash[SEEN] = seen
        for name in ("__call__", "apply"):
            watch(monkeypatch, exercise.app.Task, name, seen.here)
        with recording(exercise.app) as seen.events:
            yield seen
        monkeypatch.undo()

    return run


def watch(monkeypatch: pytest.MonkeyPatch, owner: type, method: str, calls: list[str]) -> None:
    """Note in `calls` each task that is run through this method, that is in this very process."""
    original = getattr(owner, method)

    def noting(task: object, *args: object, **kwargs: object) -> object:
        calls.append(str(getattr(task, "name", task)))
        return original(task, *args, **kwargs)

    monkeypatch.setattr(owner, method, noting)


def takes_long(error: BaseException) -> bool:
    """Whether it failed by waiting, as whatever comes next would too."""
    from celery.exceptions import TimeoutError

    return isinstance(error, (OutOfTime, TimeoutError))


def explain(error: BaseException, seen: Seen | None, judge: Judge) -> str:
    """What went wrong, in the learner's words: a sentence, the line of the answer, what the system did."""
    lines = [sentence(error, judge, seen)]
    if tip := advice(error, judge.room / "exercise.py"):
        lines.append(tip)
    elif not isinstance(error, Unmet) and (line := line_of_task(error, seen) or line_of_answer(error, judge)):
        lines.append(line)
    if seen and seen.here:
        lines.append(f"Ran in the caller's own process, not on a worker: {', '.join(dict.fromkeys(seen.here))}")
    if seen and seen.events and not isinstance(error, NotImplementedError):
        lines += ["", picture(seen.events)]
    return "\n".join(lines)


def sentence(error: BaseException, judge: Judge, seen: Seen | None) -> str:
    """What went wrong, in one sentence."""
    from celery.exceptions import TimeoutError

    said = str(error).strip()
    match error:
        case OutOfTime() if said.startswith("Stopped after") and seen and unfinished(seen):
            return f"{said}\n{late(seen, judge)}"
        case AssertionError() | NotReady() | OutOfTime() | AtImport() | Exits():
            return said or "The check failed."
        case SystemExit() if raised_in(error, judge.room / "exercise.py"):
            return f"The answer ends the whole program, with sys.exit({error.code!r})."
        case SystemExit():
            return said
        case NotImplementedError():
            return f"Not written yet: {said or 'a function raises NotImplementedError'}"
        case SyntaxError() if str(error.filename).endswith("exercise.py"):
            return f"Python can't read the file: {error.msg}, line {error.lineno}: {(error.text or '').strip()}"
        case MemoryError():
            return bounds.MEMORY_MUCH
        case OSError() if "File too large" in said:
            return bounds.MUCH
        case Exception() if "reading from stdin" in said or type(error).__name__ in ("EOFError", "BdbQuit"):
            return READS
        case TimeoutError():
            return late(seen, judge)
        case AttributeError() if "module 'exercise'" in said:
            return f"The exercise needs a name that isn't there: {said}"
        case TypeError() if option := re.search(OPTIONS, said):
            return (f"{said}. delay() hands everything to the task; {option[1]} is an option of the call, and those go "
                    "to apply_async(args=(…), …).")  # fmt: skip
    raised = last_lines(f"{type(error).__name__}: {said}".rstrip(": "), 5)
    if from_task(error):
        return f"A task raised {raised}"
    if line_of_answer(error, judge):
        return f"The answer raised {raised}"
    return f"The check couldn't go on with what the answer gave it, {raised}"


READS = """The answer waits for somebody to type (input(), sys.stdin, breakpoint()); during a check nobody is there.
Use the values that your function receives."""
OPTIONS = r"unexpected keyword argument '(queue|countdown|eta|expires|priority|routing_key|task_id|link|retry)'"


def late(seen: Seen | None, judge: Judge) -> str:
    """Why a result didn't come in time."""
    found = unfinished(seen) if seen else []
    task = found[0].name if found else "a task"
    logs = "".join(file.read_text(errors="replace") for file in (judge.room / "logs").glob("*.log"))
    if workers_died(judge):
        return f"A worker has died, and the result of {task} never comes."
    if "MemoryError" in logs:
        return bounds.MEMORY_MUCH
    if lost := re.search(r"Process '.*' pid:\d+ exited with '(.*)'", logs):
        return f"The worker's process that ran {task} ended in the middle of it ({lost[1]}), so its result never comes."
    if waiting := [row for row in found if row.state == "queued"]:
        return f"No worker took {waiting[0].name}: it lies in the queue {waiting[0].queue}."
    if found and found[0].state == "waits to retry":
        return (f"A result didn't come in time: {task} still waits to be run again. A retry that isn't told its "
                "countdown waits for 180 seconds.")  # fmt: skip
    return "A result didn't come in time: the task is still running, or stored nothing."


def unfinished(seen: Seen) -> list[Row]:
    """The tasks of which no end was heard."""
    return [row for row in rows(seen.events) if row.state in ("queued", "running", "waits to retry")]


def workers_died(judge: Judge) -> bool:
    """Whether one of the processes that were started, all our own children, has ended already."""
    children = [child for child in psutil.Process().children() if child.pid in judge.started]
    return any(child.status() == psutil.STATUS_ZOMBIE for child in children)


def raised_in(error: BaseException, file: Path) -> bool:
    """Whether it was raised by this very file, and not by what it calls."""
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and frames[-1].filename == str(file)


def from_task(error: BaseException) -> bool:
    """Whether a worker's task raised it, and get() brought it here."""
    return any(frame.filename.endswith("celery/result.py") for frame in traceback.extract_tb(error.__traceback__))


def line_of_answer(error: BaseException, judge: Judge) -> str:
    """Where in the answer it happened, if it did."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename) == judge.room / "exercise.py"]
    return f"at exercise.py, line {frames[-1].lineno}: {frames[-1].line}" if frames else ""


def line_of_task(error: BaseException, seen: Seen | None) -> str:
    """Where in the answer a worker raised it, if one did; its traceback travels in the event."""
    for event in seen.events if seen and from_task(error) else []:
        if event["type"] == "task-failed" and type(error).__name__ in event["exception"]:
            found = re.findall(r'File ".*exercise\.py", (line \d+), in .*\n\s*(.*)', event.get("traceback") or "")
            return f"at exercise.py, {found[-1][0]}: {found[-1][1]}" if found else ""
    return ""


def last_lines(text: str, most: int = MOST_LINES) -> str:
    """The end of a text that may be long."""
    lines = [line if len(line) < 500 else f"{line[:500]} …" for line in text.splitlines()[-most:]]
    return "\n".join(lines)


def picture(events: list[dict]) -> str:
    """The timeline as plain text."""
    from rich.console import Console

    text = io.StringIO()
    Console(file=text, width=76).print(Timeline(events))  # 80 less the indent of `lesson check`
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines())
