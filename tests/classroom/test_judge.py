"""The judge itself on trial: whatever an answer does, it ends soon, in plain words, and leaves nothing behind."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import entry_points
from pathlib import Path
from time import monotonic, sleep, tzset
from typing import Any
from uuid import uuid4

import psutil
import pytest

from classroom.evidence import WAITS, Evidence

pytestmark = pytest.mark.once

PLUGIN = [] if any(one.value == "classroom.judge" for one in entry_points(group="pytest11")) else ["-pclassroom.judge"]

GOOD = """
from celery import Celery
from time import sleep
from global_config import POSTGRES_URL, RABBITMQ_URL

app = Celery("exercise", broker=RABBITMQ_URL, backend=POSTGRES_URL)
app.config_from_object("global_config")
app.conf.update(task_default_queue="exercise99", control_exchange="exercise99")


@app.task
def double(number):
    return 2 * number


def answer(number):
    return double.delay(number).get(timeout=2, interval=0.1)
"""
CHECK = """
def check_{name}(exercise, run, expect, values):
    number = values.randrange(1_000_000)
    with run() as seen:
        saw = exercise.{name}(number)
    expect(saw, 2 * number, what=f"{name}({{number}})", idea="Twice as many were wanted.")
    expect(seen.workers("double"), ["celery"], what="who ran double", idea="It was to run on a worker.")
"""
CHECKS = CHECK.format(name="answer") + "\n\ndef check_nothing_else(exercise): ...\n"

READS = r"waits for keyboard input .*\nUse the values .*\nat exercise.py, line"

# What may be wrong in one function, so that its own check fails: the function's body, and what the judge says.
FAULTS = {
    "a_blank": ('raise NotImplementedError("it is yours to write")',
                r"Not written yet: it is yours to write\nat exercise.py, line \d+: raise NotImpl.*\Z"),
    "a_wrong_value": ("return 3 * double.delay(number).get(timeout=2, interval=0.1) // 2",
                      r"looked at: a_wrong_value\(\d+\)\nexpected:  \d+\nsaw:       \d+\nTwice as many were wanted.\n\n"
                      r"timeline .*\ntask .*\ndouble\("),
    "an_error_in_a_task": ("return misspell.delay(number).get(timeout=2, interval=0.1)",
                           r"A task raised NameError: name 'numbr' is not defined\nat exercise.py, line \d+: ret"),
    "an_error_here": ("return 1 / 0",
                      r"The answer raised ZeroDivisionError: division by zero\nat exercise.py, line \d+: return 1 / 0"),
    "no_worker_asked": ("return double(number)",
                        r"looked at: who ran double\nexpected:  \['celery'\]\nsaw:       \[\]\nIt was to run .*"
                        r"\nRan in the caller's own process, not on a worker: exercise.double"),
    "an_option_for_delay": ("return double.delay(number, countdown=1)",
                            r"delay\(\) passes everything on to the task. countdown is an option of the call"),
    "a_misspelled_method": ("return double.delay(number).gat()",
                            r"The answer raised AttributeError: .* has no attribute 'gat'\nat exercise.py"),
    "an_end": ("raise SystemExit", r"The answer ends the whole program, with sys.exit\(None\)."),
    "an_end_of_the_process": ("import os; os._exit(0)",
                              r"The answer ended the whole program, with os._exit\(0\)\.\nat exercise.py, line \d+"),
    "a_question": ("return input()", READS),
    "a_debugger": ("breakpoint()\n    return 1", READS),
    "a_question_in_a_task": ("return ask.delay().get(timeout=2, interval=0.1)",
                             READS),
    "children_that_sleep": ("return leave_behind()", r"expected:  \d+\nsaw:       None"),
    "a_child_that_comes_back": ("import os; return double(os.fork())",  # the two share the connection for events
                                r"expected:  \d+\nsaw:       \d+|events don't come back"),
    "too_much_memory": ("text = []\n    while True: text.append(' ' * 10_000_000)",
                        r"The answer used more than 1 GB of memory\. .*\nat exercise.py, line"),
    "a_skip": ("import pytest; pytest.skip('not today')", r"The answer skipped this check"),
    "an_expected_failure": ("import pytest; pytest.xfail()", r"The answer skipped this check"),
    "a_forgotten_return": ("double.delay(number).get(timeout=2, interval=0.1)",
                           r"saw: +None\nA function without a `return` returns None\. .*\nTwice as many"),
    "no_comma": ("return double.apply_async(args=(number)).get(timeout=2)",
                 r"args must be a tuple.*\nat exercise.py, line \d+: return double"),
    "a_signature": ("return double.s(number).get(timeout=2)",
                    r"dict.get\(\) takes no keyword .* only describes a call"),
    "another_signature": ("return (double.s(number) | double.s()).get(timeout=2)", r".* only describes a call"),
    "no_receipt": ("return print().get(timeout=2)",
                   r"'NoneType' object .*without a `return` returns None|^For the same reason"),
    "a_result_of_its_own": ("receipt = double.delay(number)\n    app.backend.store_result(receipt.id, 7, 'SUCCESS')\n"
                            "    return 2 * number", r"The answer writes a result into the result backend itself\."),
    "a_function_of_a_task": ("return double.run(number)",
                             r".*\nRan in the caller's own process, not on a worker: exercise.double"),
    "a_killed_process": ("return die.delay().get(timeout=2, interval=0.1)",
                         r"The pool process that ran die\(\) exited before it finished \(exitcode 1\)"),
}  # fmt: skip
ALIKE = (
    "an_expected_failure",
    "a_question_in_a_task",
    "a_forgotten_return",
    "a_function_of_a_task",
)  # a second fault of the same cause
BATCHES = {"faults": [name for name in FAULTS if name not in ALIKE], "faults of the same causes": [*ALIKE]}
FAULTY = (
    GOOD
    + "\n@app.task\ndef misspell(number):\n    return 2 * numbr\n"
    + "\n@app.task\ndef ask():\n    return input()\n"
    + "\ndef leave_behind():\n    import os, subprocess\n    subprocess.Popen('sleep 99 & sleep 99', shell=True)\n"
    + "    if not os.fork():\n        os.setsid()\n        os.fork()\n        sleep(99)\n"
    + "\n@app.task\ndef die():\n    import os\n    os._exit(1)\n"
    + "".join(f"\ndef {name}(number):\n    {body}\n" for name, (body, _) in FAULTS.items())
)


@dataclass
class Case:
    """What ends the judging: a change of the good answer, and what the judge is to say."""

    old: str
    new: str
    says: str
    patience: int = 60  # seconds: only what never ends may need them
    stops_all: bool = False  # whether no other check is even tried

    def source(self) -> str:
        assert GOOD.count(self.old) == 1
        return GOOD.replace(self.old, self.new)


BEGIN, TASK = "\nfrom celery import Celery\n", "    return 2 * number\n"
ANSWER = "    return double.delay(number).get(timeout=2, interval=0.1)\n"
NOBODY = "double.apply_async(args=(number,), queue='exercise99-nobody')"
TOO_MUCH = "Stopped: the answer printed or wrote more than 8 MB. Is there a loop that never ends?"
STOPPED = "Stopped after 5 s: the code waits for something that never happens, or loops forever."
CASES = {
    "get() with no end": Case(ANSWER, f"    return {NOBODY}.get()\n", STOPPED, 5),
    "a loop with no end": Case(ANSWER, "    while True: pass\n", STOPPED, 5),
    "a loop at import": Case(BEGIN, f"from time import sleep\nwhile not sleep(9): pass\n{BEGIN}", STOPPED, 5),
    "a loop that swallows its end": Case(
        BEGIN, f"from time import sleep\nwhile True:\n    try: sleep(60)\n    except: pass\n{BEGIN}",
        "stopped after 5 s. The answer's `except:` caught even the order to stop.", 5,
    ),
    "a retry with no end": Case(
        f"@app.task\ndef double(number):\n{TASK}",
        "@app.task(bind=True, max_retries=None)\ndef double(self, number):\n    raise self.retry(countdown=0.05)\n",
        STOPPED, 5,
    ),
    "a task with no end": Case(TASK, "    while not sleep(9): pass\n", "the task is still running"),
    "get() with no worker": Case(
        "double.delay(number)", NOBODY, "It is still in the queue exercise99-nobody.", stops_all=True,
    ),
    "an eta far away": Case(
        ANSWER, "    from datetime import UTC, datetime, timedelta\n    eta = datetime.now(UTC) + timedelta(hours=3)\n"
        "    return double.apply_async((number,), eta=eta).get(timeout=1, interval=0.1)\n",
        "A result didn't arrive in time: a task has an eta or a countdown that is 10", stops_all=True,
    ),
    "a retry after three minutes": Case(
        f"@app.task\ndef double(number):\n{TASK}",
        "@app.task(bind=True)\ndef double(self, number):\n    raise self.retry()\n",
        ") is still waiting to be run again. A retry without a countdown waits for 180 seconds, unless", stops_all=True,
    ),
    "a killed process, tried again after three minutes": Case(
        f"@app.task\ndef double(number):\n{TASK}",
        "app.conf.worker_lost_wait = 0.2\n"
        "@app.task(acks_late=True, retry_on_worker_lost=True)\ndef double(number):\n"
        "    import os\n    os.kill(os.getpid(), 9)\n",
        ") is still waiting to be run again. A retry without a countdown waits for 180 seconds, unless", stops_all=True,
    ),
    "far too many tasks": Case(
        ANSWER, "    for _ in range(120): double.delay(number)\n    while True: sleep(1)\n",
        "messages had been sent. Does a loop send too many",
    ),
    "a task that kills its worker": Case(
        TASK, "    import os\n    os.kill(os.getppid(), 9)\n", "A worker died, so the result of double(",
    ),
    "a worker that dies while starting": Case(
        BEGIN, f"import sys\nif 'worker' in sys.argv:\n    sys.exit('not today')\n{BEGIN}",
        "worker ended while starting. Its log:\n  not today", stops_all=True,
    ),
    "a syntax error": Case(
        "def answer(number):", "def answer(number:",
        "Python can't read the file: '(' was never closed, line 16: def answer(number:", stops_all=True,
    ),
    "an import that fails": Case(
        BEGIN, f"import no_such_module\n{BEGIN}",
        "ModuleNotFoundError: No module named 'no_such_module'\nat exercise.py, line 1: import no_such_module",
    ),
    "a missing app": Case(
        ANSWER, f"{ANSWER}\n\ndel app\n",
        "The exercise needs a name that isn't there: module 'exercise' has no attribute 'app'",
    ),
    "an end at import": Case(
        BEGIN, f"import sys\nsys.exit(3)\n{BEGIN}",
        "The answer ends the whole program, with sys.exit(3).\nat exercise.py, line 2: sys.exit(3)", stops_all=True,
    ),
    "a missing name, and much print": Case(
        "def answer(number):", "for n in range(100_000): print('Hello', n)\n\ndef ansver(number):",
        "The exercise needs a name that isn't there: module 'exercise' has no attribute 'answer'",
    ),
    "a call at the top level": Case(
        ANSWER, f"{ANSWER}\n\nprint(answer(5))\n",
        "The answer sends a task while it is imported.\nat exercise.py, line 20: print(answer(5))\nThis line runs "
        "whenever the file is imported, and each worker imports it. If it is there to try your answer, put it below "
        'if __name__ == "__main__":', stops_all=True,
    ),
    "a worker at the top level": Case(
        ANSWER, f"{ANSWER}\n\napp.worker_main(['worker'])\n",
        "The answer starts a worker while it is imported.\nat exercise.py, line 20: app.worker_main(['worker'])",
        stops_all=True,
    ),
    "print without end": Case(ANSWER, "    while True: print('x' * 1000)\n", TOO_MUCH),
    "print without end in a task": Case(TASK, "    while True: print('x' * 1000)\n", TOO_MUCH),
    "files without end": Case(
        ANSWER, "    for n in range(10_000): open(str(n), 'w').write('x' * 1_000_000)\n",
        "Stopped: the answer wrote more than 64 MB of files. Is there a loop that never ends?",
    ),
    "another working folder": Case(
        BEGIN, f"import os, tempfile\nfolder = tempfile.mkdtemp()\nos.chdir(folder)\nos.rmdir(folder)\n{BEGIN}",
        "2 passed",
    ),
}  # fmt: skip


@dataclass
class Outcome:
    """How judging one answer went."""

    code: int
    said: str
    checks: list[dict[str, Any]]
    alive: list[str]
    folders: list[Path]


def pytest_on(folder: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run pytest in `folder` as a learner would, with a temporary folder of its own below."""
    (folder / "tmp").mkdir(exist_ok=True)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-pno:cacheprovider", "-pno:schemathesis", *PLUGIN, *arguments],
        cwd=folder, env={**os.environ, "TMPDIR": str(folder / "tmp"), **env}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=100,
    )  # fmt: skip


def exercise(folder: Path, source: str, checks: str = CHECKS) -> Path:
    """A tiny lesson below `folder`, with an answer; returns its check file."""
    lesson = folder / "lesson99"
    lesson.mkdir(parents=True)
    (lesson / "answer.py").write_text(source)
    (lesson / "check_exercise.py").write_text(checks)
    return lesson / "check_exercise.py"


def still_alive(mark: str) -> list[str]:
    """What was started with this mark in its environment, and lives."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("STARTED_BY_TEST") == mark:
                found.append(" ".join(process.cmdline()))
        except psutil.Error:  # it ended just now, or is somebody else's
            continue
    return found


def judge(folder: Path, source: str, checks: str, patience: int) -> Outcome:
    """Have one answer judged, and look at what is left."""
    file = exercise(folder, source, checks)
    mark, verdict = str(uuid4()), folder / "verdict.json"
    ran = pytest_on(
        folder, str(file), f"--answer={file.parent / 'answer.py'}", f"--patience={patience}", f"--verdict={verdict}",
        "-pno:debugging",  # as `lesson check` has it
        STARTED_BY_TEST=mark,
    )  # fmt: skip
    until = monotonic() + 10
    while (alive := still_alive(mark)) and monotonic() < until:
        sleep(0.05)
    found = json.loads(verdict.read_text())["checks"] if verdict.exists() else []
    return Outcome(ran.returncode, ran.stdout, found, alive, list((folder / "tmp").glob("judge-*")))


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """All cases judged, several at a time: most of them only wait."""
    asked = {name: (case.source(), CHECKS, case.patience) for name, case in CASES.items()}
    for batch, names in BATCHES.items():
        asked[batch] = (FAULTY, "".join(CHECK.format(name=name) for name in names), 60)
    with ThreadPoolExecutor(6) as threads:
        judged = {name: threads.submit(judge, tmp_path_factory.mktemp("case"), *what) for name, what in asked.items()}
        return {name: future.result() for name, future in judged.items()}


@pytest.mark.parametrize("name", CASES)
def test_it_ends_in_plain_words_and_leaves_nothing(name: str, outcomes: dict[str, Outcome], tmp_path: Path) -> None:
    """Whatever the answer does: the right sentence at last, no traceback, no process, no folder.

    And what would fail alike isn't repeated: where nothing can be imported, or a wait was in vain.
    """
    case = CASES[name]
    outcome, says = outcomes.pop(name, None) or judge(tmp_path, case.source(), CHECKS, case.patience), case.says
    assert says in outcome.said
    assert not re.search(TRACES, outcome.said)
    assert len(outcome.said.splitlines()) < 80
    assert not outcome.alive
    assert not outcome.folders
    passed = "passed" in says
    assert outcome.code == (0 if passed else 1)
    assert outcome.checks[0]["passed"] == passed
    assert passed or says in outcome.checks[0]["text"]
    assert len(outcome.checks) == 1 or not case.stops_all


TRACES = "Traceback|INTERNALERROR|Exception ignored|Stack of"


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_told_in_the_learners_words(name: str, outcomes: dict[str, Outcome]) -> None:
    """Which name, which line of the answer, what was expected; and the other checks have their say."""
    faults = outcomes[next(batch for batch, names in BATCHES.items() if name in names)]
    check = next(one for one in faults.checks if one["check"] == f"check_{name}")
    assert not check["passed"]
    assert re.search(FAULTS[name][1], check["text"]), check["text"]
    assert not re.search(TRACES, faults.said)
    assert not faults.alive
    assert not faults.folders


SHOW_VALUE = """
def check_values(expect, values):
    expect(values.randrange(10**9), None, what="a value", idea="It varies.")
"""


def test_the_seed_is_printed_and_repeats_the_values(tmp_path: Path) -> None:
    """The values differ from run to run, and --seed brings back those of an earlier one."""
    checks = str(exercise(tmp_path, "", SHOW_VALUE))
    answer = f"--answer={tmp_path / 'lesson99' / 'answer.py'}"
    first, second = (pytest_on(tmp_path, checks, answer).stdout for _ in range(2))
    value, seed = re.search(r"saw: +(\d+)", first), re.search(r"again: (--seed \d+)", first)
    assert value
    assert seed
    assert value[0] not in second
    again = pytest_on(tmp_path, checks, answer, *seed[1].split()).stdout
    assert value[0] in again
    assert seed[1] in again


def test_an_answer_may_bring_its_own_processes(tmp_path: Path) -> None:
    """A Procfile of the answer's name counts, and one that nobody can wait for is refused."""
    checks = exercise(tmp_path, GOOD)
    (checks.parent / "answer.Procfile").write_text("helper: sleep 100\n")
    said = pytest_on(tmp_path, str(checks), f"--answer={checks.parent / 'answer.py'}").stdout
    assert "A process is called 'helper'; a name begins with one of: worker" in said
    assert not list((tmp_path / "tmp").glob("judge-*"))


def test_exercises_are_judged_one_at_a_time(tmp_path: Path) -> None:
    """Two check files at once, or one among other tests, are refused: each has workers of its own."""
    one, two = (exercise(tmp_path / name, "") for name in "ab")
    for other in (two, tmp_path):
        ran = pytest_on(tmp_path, str(one), str(other))
        assert ran.returncode == pytest.ExitCode.USAGE_ERROR
        assert "Exercises are judged one at a time" in ran.stdout
        assert "Traceback" not in ran.stdout
    assert not list((tmp_path / "tmp").glob("judge-*"))


def test_single_checks_can_be_chosen(tmp_path: Path) -> None:
    """As for any test, by its name after two colons, and more than one of them."""
    checks = exercise(tmp_path, "", SHOW_VALUE + "\ndef check_other(): ...\n\ndef check_third(): ...\n")
    chosen = [f"{checks}::check_other", f"{checks}::check_third"]
    assert "2 passed" in pytest_on(tmp_path, *chosen, f"--answer={checks.parent / 'answer.py'}").stdout


def test_without_an_answer_it_says_how_to_begin(tmp_path: Path) -> None:
    """Nothing to judge is a sentence too."""
    ran = pytest_on(tmp_path, str(exercise(tmp_path, "")))
    assert ran.returncode == pytest.ExitCode.USAGE_ERROR
    assert "To begin the exercise: lesson start 99" in ran.stdout
    assert not list((tmp_path / "tmp").glob("judge-*"))


ORDINARY = """
import os, sys

def check_me():
    raise AssertionError("this is no test")

def test_nothing_changed(request, record_property):
    assert not request.config.pluginmanager.has_plugin("judge")
    assert os.environ["LESSONS_HOME"] == "mine"
    assert "celery" not in sys.modules
    assert request.config.getini("python_functions") == ["test"]
"""


def test_ordinary_tests_notice_nothing(tmp_path: Path) -> None:
    """The plugin is loaded in every pytest run of this environment, and does nothing there."""
    (tmp_path / "test_ordinary.py").write_text(ORDINARY)
    ran = pytest_on(tmp_path, LESSONS_HOME="mine")
    assert "1 passed" in ran.stdout, ran.stdout
    assert not list((tmp_path / "tmp").iterdir())


def sent(
    uuid: str, at: float, name: str, queue: str = "low", pid: int = 0, countdown: float | None = None
) -> dict[str, Any]:
    """A task-sent event."""
    eta = countdown and datetime.fromtimestamp(at + countdown, UTC).isoformat()
    return {"type": "task-sent", "uuid": uuid, "timestamp": at, "name": name, "queue": queue, "pid": pid, "eta": eta}


def then(uuid: str, worker: str = "a", result: object = None, **times: float) -> list[dict[str, Any]]:
    """Further events of one task: then("a", started=1, succeeded=2)."""
    return [
        {
            "type": f"task-{what}",
            "uuid": uuid,
            "timestamp": at,
            "hostname": f"worker-{worker}@here",
            "result": repr(result),
        }
        for what, at in times.items()
    ]


def seen(*events: dict[str, Any]) -> Evidence:
    """What a block would have recorded."""
    one = Evidence()
    one.events = sorted(events, key=lambda event: event["timestamp"])
    return one


# "fetch" twice: the first is retried twice and then fails, told twice; the second succeeds meanwhile. One "add".
STORY = seen(
    sent("f1", 0.0, "exercise.fetch", "low", os.getpid()), *then("f1", received=0.1, started=0.5, retried=1.0),
    sent("f2", 0.2, "exercise.fetch", "high", os.getpid()), *then("f2", "b", [1, "x"], started=0.9, succeeded=2.0),
    sent("f1", 1.0, "exercise.fetch", "low", countdown=0.2), *then("f1", "b", started=1.2, retried=1.3),
    sent("f1", 1.3, "exercise.fetch", "low", countdown=0.4), *then("f1", started=1.7, failed=3.0),
    *then("f1", failed=3.1),
    sent("a", 2.5, "mail.add", "high"), *then("a", "a", object, started=2.6, succeeded=2.7),
    sent("u", 2.8, "exercise.unread", "nobody", os.getpid()),
    sent("w", 2.95, "exercise.wait_long", countdown=99),
    sent("r", 2.9, "exercise.revoke_me", "low"), *then("r", revoked=4.0),
    sent("n", 2.91, "exercise.replaced", "low", os.getpid()), sent("n", 2.92, "exercise.instead"),
)  # fmt: skip
STORY.steps = ["exercise.fetch", "mail.add", WAITS, "exercise.unread"]
WORDS: dict[str, list[tuple[tuple[str, ...], object]]] = {
    "sent": [(("fetch",), 2), (("exercise.fetch",), 2), (("add",), 1), (("mail.add",), 1), (("mail",), 0)],
    "names": [((), ["exercise.fetch", "exercise.fetch", "exercise.fetch", "exercise.fetch", "mail.add"])],
    "ids": [(("fetch",), ["f1", "f2"]), (("mail.add",), ["a"]), (("other",), [])],
    "runs": [(("fetch",), 4), (("unread",), 0)],
    "queues": [(("fetch",), ["low", "high"]), (("unread",), ["nobody"]), (("other",), []), (("replaced",), ["low"])],
    "workers": [(("fetch",), ["worker-a", "worker-b", "worker-b", "worker-a"]), (("unread",), [])],
    "states": [(("fetch",), ["succeeded", "failed"]), (("revoke_me",), ["revoked"]), (("unread",), [])],
    "countdowns": [(("fetch",), pytest.approx([0.2, 0.4])), (("add",), [])],
    "delays": [(("fetch",), pytest.approx([0.5, 0.7])), (("unread",), [])],
    "sent_before_waiting": [((), 2), (("fetch",), 1), (("mail.add",), 1), (("unread",), 0)],
    "waits": [((), 1)],
    "messages": [((), 10)],
    "waits_longest": [((), pytest.approx(97.95))],
    "sent_here": [(("fetch",), 2), (("add",), 0), (("unread",), 1), (("replaced",), 1), (("instead",), 0)],
    "returned": [(("fetch",), [[1, "x"]]), (("add",), ["<class 'object'>"]), (("unread",), [])],
    "seconds": [((), 4.0)],
}


@pytest.mark.parametrize("word", [name for name in vars(Evidence) if not name.startswith("_")])
def test_each_word_says_what_happened(word: str) -> None:
    """Each word of the checks' language, asked about one recorded story."""
    ask: Callable[..., object] = getattr(STORY, word)
    for arguments, wanted in WORDS[word]:
        assert ask(*arguments) == wanted, arguments


def test_an_eta_without_a_zone_is_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    """Local time taken for UTC is hours away, as it is for the worker."""
    late = sent("l", 0.0, "exercise.late", countdown=0.5)
    late["eta"] = late["eta"].removesuffix("+00:00")
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "<+0545>-05:45")
        tzset()
        assert seen(late).countdowns("late") == pytest.approx([0.5])
        assert seen(late).waits_longest() == pytest.approx(0.5)
    tzset()


def test_no_events_are_no_trouble() -> None:
    """Where nothing was recorded, every word has an answer: nothing."""
    for word, questions in WORDS.items():
        arguments, _ = questions[0]
        assert not getattr(Evidence(), word)(*arguments)
