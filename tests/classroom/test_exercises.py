"""The learner's way: start, check, hint, watch, solution, and the list that remembers."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic, sleep

import psutil
import pytest

from classroom import catalog, exercises, explain
from classroom.readme import CourseCopy
from classroom.refusal import Refusal

pytestmark = pytest.mark.once

Type = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def room(tmp_path: Path) -> CourseCopy:
    """A copy of the course, with no work in it."""
    return CourseCopy.copy(tmp_path / "course", "embedded")


@pytest.fixture
def typed(room: CourseCopy) -> Type:
    """Types a `lesson` command in the room; returns its status and all it printed."""

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["lesson", *words], cwd=room.folder, env=room.env, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=90,
        )  # fmt: skip

    return run


def solve(room: CourseCopy, number: str) -> None:
    """Put the solution where the learner's answer lies."""
    shutil.copy(room.folder / f"lessons/lesson{number}/solution.py", room.folder / f"work/lesson{number}/exercise.py")


def test_from_start_to_solved(room: CourseCopy, typed: Type) -> None:
    """One begins, fails, opens hints one at a time, solves it, and is told what comes next."""
    listed = typed("list").stdout
    assert "0 of 14 exercises solved, " in listed
    assert "lesson start 00" in listed
    assert max(map(len, listed.splitlines())) < 80
    begun = typed("start", "05")
    assert begun.returncode == 0
    assert "work/lesson05/exercise.py" in begun.stdout
    assert {file.name for file in (room.folder / "work/lesson05").iterdir()} == {"exercise.py", "Procfile"}

    failed = typed("check", "05")
    assert failed.returncode == 1
    assert "✗" in failed.stdout
    assert "seed" in failed.stdout
    assert "lesson hint 05" in failed.stdout
    first, second, third, again = (typed("hint", "05").stdout for _ in range(4))
    assert "hint 1 of 3" in first
    assert "hint 2 of 3" in second
    assert "hint 3 of 3" in third
    assert again == third
    refused = typed("solution", "05")
    assert refused.returncode == 1
    assert "--give-up" in refused.stdout

    solve(room, "05")
    held = typed("check", "05")
    assert held.returncode == 0, held.stdout
    assert "✗" not in held.stdout
    assert "Your answer passes" in typed("hint", "05").stdout
    assert "task_routes" in typed("solution", "05").stdout
    assert "✓  05" in typed("list").stdout
    for words in ("start", "check", "hint", "solution"):
        assert "Traceback" not in typed(words, "05").stdout


def test_without_a_number_all_that_was_begun_is_judged(room: CourseCopy, typed: Type) -> None:
    """A failure doesn't keep the exercises after it from being judged; this is what the workflow for forks runs."""
    typed("start", "00")
    typed("start", "02")
    solve(room, "02")
    judged = typed("check")
    assert judged.returncode == 1
    assert "lesson 00 · Basic calls" in judged.stdout
    assert "All checks pass. Compare with our solution: lesson solution 02" in judged.stdout
    solve(room, "00")
    assert typed("check").returncode == 0


def test_nothing_of_the_learners_is_lost(room: CourseCopy, typed: Type) -> None:
    """start refuses to overwrite; --again keeps each answer beside."""
    typed("start", "00")
    answer = room.folder / "work/lesson00/exercise.py"
    answer.write_text("mine = 1\n")
    refused = typed("start", "00")
    assert refused.returncode == 1
    assert "--again" in refused.stdout
    assert answer.read_text() == "mine = 1\n"
    for number in (1, 2):
        answer.write_text(f"mine = {number}\n")
        assert typed("start", "00", "--again").returncode == 0
        assert (answer.parent / f"exercise.before-{number}.py").read_text() == f"mine = {number}\n"
    assert answer.read_text() == (room.folder / "lessons/lesson00/exercise.py").read_text()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("check", "00"), "lesson start 00"),
        (("watch", "00"), "lesson start 00"),
        (("hint", "00"), "lesson check 00"),
        (("check",), "lesson start 00"),
        (("check", "--answer", "README.md"), "lesson check 05 --answer README.md"),
        (("solution", "00"), "lesson check 00"),
        (("start", "77"), "There is no lesson '77'"),
        (("check", "00", "--answer", "nowhere.py"), "nowhere.py"),
    ],
)
def test_out_of_turn_one_is_told_what_comes_first(typed: Type, words: tuple[str, ...], told: str) -> None:
    """Each refusal is a sentence with the command that comes before."""
    refused = typed(*words)
    assert refused.returncode != 0
    assert told in refused.stdout
    assert "Traceback" not in refused.stdout


def test_incidents_belong_to_the_exercise_of_their_lesson(room: CourseCopy, typed: Type) -> None:
    """All are begun at once, and judged up to the first that doesn't hold; each can be had alone."""
    assert typed("start", "16").returncode == 0
    work = room.folder / "work/lesson16"
    assert {file.name for file in (work / "incident2").iterdir()} == {"exercise.py", "symptom.py", "Procfile"}
    shutil.rmtree(work / "incident3")
    assert "16/incident3" in typed("start", "16").stdout  # what isn't there yet, and nothing else is touched
    assert "16/incident2 --again" in typed("start", "16/incident2").stdout

    (work / "exercise.py").write_text("broken(")
    failed = typed("check", "16").stdout
    assert "Not checked yet: 16/incident1, 16/incident2, 16/incident3." in failed
    assert "lesson 16/incident" not in failed
    (work / "incident2/exercise.py").write_text("broken(")
    assert "lesson 16/incident2 · The report" in typed("check", "16/incident2").stdout
    assert "hint 1 of 3" in typed("hint", "16").stdout
    assert "the report comes, hint 1 of 3" in typed("hint", "16/incident2").stdout
    assert "Lesson 16 has no 'incident9'." in typed("check", "16/incident9").stdout
    assert "…  16" in typed("list").stdout


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder for what is temporary, with a short path."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def test_ctrl_c_in_the_middle_of_a_check_is_told_in_a_sentence(room: CourseCopy, typed: Type, short: Path) -> None:
    """As in a terminal, all processes of the command hear it; none is left, and no folder of the judge's."""
    typed("start", "00")
    solve(room, "00")
    check = psutil.Popen(
        ["lesson", "check", "00"], cwd=room.folder, env={**room.env, "TMPDIR": str(short)},
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    deadline = monotonic() + 30
    while not list(short.glob("*/judge-*/logs/worker.log")):
        assert monotonic() < deadline
        sleep(0.02)
    family = check.children(recursive=True)
    os.killpg(check.pid, signal.SIGINT)
    assert check.communicate(timeout=30)[1] == "Stopped; nothing is left running.\n"
    assert check.returncode == 130
    assert not psutil.wait_procs(family, timeout=10)[1]
    assert not list(short.iterdir())


def test_without_room_for_a_judge_one_is_told_so(room: CourseCopy, typed: Type, short: Path) -> None:
    """A socket's path can have about 100 characters, and one of the judge's lies in TMPDIR."""
    typed("start", "00")
    room.env["TMPDIR"] = str(short / ("long" * 25))
    Path(room.env["TMPDIR"]).mkdir()
    refused = typed("check", "00")
    assert refused.returncode == 1
    assert refused.stdout.startswith("No judge can be started: ")
    assert refused.stdout.endswith("Set TMPDIR to a folder such as /tmp.\n")
    assert not list(Path(room.env["TMPDIR"]).iterdir())


def test_the_solution_comes_with_its_reasons_and_with_other_answers(typed: Type) -> None:
    """Why it is good, its code, what else is good, and what goes wrong; and the command that shows one of these."""
    shown = typed("solution", "05", "--give-up").stdout
    places = [shown.index(text) for text in ("One pattern catches every report", "task_routes=", "Other good answers",
                                             "by_two_patterns", "Common mistakes", "no_routing",
                                             "lesson solution 05 NAME --give-up")]  # fmt: skip
    assert places == sorted(places)
    assert '"""Exercise' not in shown


def test_an_answer_is_shown_as_a_difference(typed: Type) -> None:
    """With the check that catches it and what is wrong; its Procfile counts too."""
    assert typed("solution", "04", "always_waits_as_long", "--give-up").stdout == ONE_COUNTDOWN
    shown = typed("solution", "05", "one_worker_for_both", "--give-up").stdout
    assert "--- Procfile\n+++ one_worker_for_both.Procfile\n" in shown
    assert "--- solution.py" not in shown


ONE_COUNTDOWN = """\
lesson 04 · Retry · always_waits_as_long
✗ each wait is twice as long
The countdown is 0.2 seconds each time, and never doubles.

--- solution.py
+++ always_waits_as_long.py
@@ -31,5 +31,4 @@
     try:
         return ask_server(product, self.request.retries, down_for)
     except ConnectionError as error:  # only this one: a ValueError goes its way
-        # Not retry_backoff: its waits are whole seconds, 1 at least.
-        raise self.retry(exc=error, countdown=0.2 * 2**self.request.retries)
+        raise self.retry(exc=error, countdown=0.2)
"""


def test_an_answer_that_is_not_there_is_answered_with_those_that_are(typed: Type) -> None:
    """In one sentence, and the names."""
    refused = typed("solution", "00", "no_routing", "--give-up")
    assert refused.returncode == 1
    assert refused.stdout.startswith(
        "Lesson 00 has no answer called 'no_routing'. It has: catches_and_asks, looks_until"
    )


def test_of_several_parts_those_are_shown_that_are_solved(room: CourseCopy, typed: Type) -> None:
    """An incident's answers are found by its lesson's number, too, once it is solved."""
    refused = typed("solution", "16", "says_it_afterwards")
    assert refused.returncode == 1
    assert "lesson solution 16 --give-up" in refused.stdout

    (room.folder / "work").mkdir()
    (room.folder / "work/progress.json").write_text('{"16/incident1": {"solved": true, "failed": "", "hints": {}}}')
    shown = typed("solution", "16").stdout
    assert shown.startswith("lesson 16/incident1 · Two letters\n")
    assert "To see how one of them differs: lesson solution 16/incident1 NAME\n" in shown
    assert "16/incident2 isn't solved yet. To see it anyway: lesson solution 16/incident2 --give-up\n" in shown
    assert (
        typed("solution", "16", "says_it_afterwards").stdout
        == typed("solution", "16/incident1", "says_it_afterwards").stdout
    )
    assert "no answer called 'collects_garbage'" in typed("solution", "16", "collects_garbage").stdout


def test_unreadable_progress_loses_no_answer(room: CourseCopy, typed: Type) -> None:
    """A broken progress file costs the ticks, nothing else."""
    typed("start", "00")
    (room.folder / "work/progress.json").write_text("{ broken")
    assert typed("list").returncode == 0
    assert (room.folder / "work/lesson00/exercise.py").exists()


def test_another_file_can_be_judged_and_is_not_remembered(room: CourseCopy, typed: Type) -> None:
    """--answer judges it, and the learner's own progress stays. Variables that would change the judging are ignored."""
    solution = room.folder / "lessons/lesson05/solution.py"
    room.env |= {"PYTEST_ADDOPTS": "--collect-only", "CELERY_BROKER_URL": "redis://127.0.0.1:1/0"}
    said = typed("check", "05", "--answer", str(solution), "--seed", "7").stdout
    assert said.count("✓") >= 2
    assert said.startswith("The course ignores CELERY_BROKER_URL from your environment")
    assert not (room.folder / "work/progress.json").exists()


def test_a_replacement_is_judged_as_a_whole_answer(room: CourseCopy, typed: Type) -> None:
    """By `lesson check` and by pytest; the learner's own file is never completed from the solution."""
    answer = room.folder / "mine.py"
    answer.write_text(
        "def urgent_report(month):\n    return report_sales.s(month).set(queue='exercise05-high').delay()\n"
    )
    passed = typed("check", "05", "--answer", str(answer))
    assert passed.returncode == 0, passed.stdout
    assert "mine.py has no app, so it was judged as a change to our solution.\n" in passed.stdout
    assert "4 passed" in shell(room, f"pytest -q lessons/lesson05/check_exercise.py --answer {answer}")

    typed("start", "05")
    shutil.copy(answer, room.folder / "work/lesson05/exercise.py")
    assert typed("check", "05").returncode == 1


def test_an_answer_that_fits_nowhere_is_refused(room: CourseCopy, typed: Type) -> None:
    """With its line, before any worker is started."""
    answer = room.folder / "mine.py"
    answer.write_text("import os\n\ndef urgent_raport(month):\n    return os\n")
    refused = typed("check", "05", "--answer", str(answer))
    assert refused.returncode == 1
    assert refused.stdout.startswith("mine.py, line 3, binds urgent_raport, which solution.py doesn't have")
    assert "mine.py, line 3, binds" in shell(
        room, f"pytest -q lessons/lesson05/check_exercise.py --answer {answer} 2>&1"
    )


def test_pytest_judges_too(room: CourseCopy, typed: Type) -> None:
    """In any editor: pytest lessons/lesson05/check_exercise.py is about the learner's copy."""
    typed("start", "05")
    assert "1 failed" in shell(room, "pytest -q -x lessons/lesson05/check_exercise.py")
    solve(room, "05")
    assert "failed" not in shell(room, "pytest -q lessons/lesson05/check_exercise.py")


def shell(room: CourseCopy, command: str) -> str:
    """What a command prints, whether it succeeds or not."""
    return subprocess.run(
        command, shell=True, cwd=room.folder, env=room.env, capture_output=True, text=True, timeout=90
    ).stdout


def test_watch_checks_again_when_the_answer_is_saved(room: CourseCopy, typed: Type) -> None:
    """First as it is, then after a save; Ctrl-C ends it."""
    typed("start", "05")
    log = room.folder / "watch.log"
    with log.open("w") as output:
        watching = subprocess.Popen(["lesson", "watch", "05"], cwd=room.folder, env=room.env, stdout=output,
                                    stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)  # fmt: skip
    try:
        wait_for(log, "Watching")
        assert "✗" in log.read_text()
        solve(room, "05")
        wait_for(log, "All checks pass")
        watching.send_signal(2)
        assert watching.wait(10) == 0
        assert "Traceback" not in log.read_text()
    finally:
        watching.kill()
        watching.wait()


def wait_for(log: Path, text: str) -> None:
    """Return once `text` stands in `log`."""
    deadline = monotonic() + 60
    while text not in log.read_text():
        assert monotonic() < deadline, log.read_text()
        sleep(0.1)


def test_an_answer_that_kills_the_judge_has_failed(room: CourseCopy, typed: Type) -> None:
    """The verdict names the check that ran, and the command says no less than for any other failure."""
    answer = room.folder / "answer.py"
    answer.write_text("import os\nos.kill(os.getpid(), 9)\n")
    failed = typed("check", "00", "--answer", str(answer))
    assert failed.returncode == 1
    assert (
        "✗ a worker does the work  (points 1, 3)\n    The answer ended the whole program, or was killed.\n"
        in failed.stdout
    )


DEAF = """
import signal, subprocess, time
signal.setitimer(signal.ITIMER_REAL, 0)
subprocess.Popen("setsid sleep 99 & sleep 99", shell=True)
while True:
    time.sleep(1)
"""


def test_an_answer_that_hears_nothing_ends_with_all_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, alive: Callable[[], list[str]]
) -> None:
    """It has turned off the judge's clock; the command still ends it, and its programs with it."""
    monkeypatch.setattr(exercises, "LONGEST", 8)
    answer = tmp_path / "answer.py"
    answer.write_text(DEAF)
    with pytest.raises(Refusal, match="ran for 8 s"):
        exercises.judge(catalog.find("00"), answer)
    assert not [line for line in alive() if "sleep" in line]


@pytest.mark.parametrize(
    ("at_the_end", "says", "passes"),
    [
        ("import threading, time\nthreading.Thread(target=time.sleep, args=(99,)).start()", "All checks pass", True),
        (
            "import pytest\nurgent_report = lambda month: pytest.exit('enough')",
            "the answer ended the judge before it",
            False,
        ),
        ("import pytest\nurgent_report = lambda month: pytest.skip('later')", "The answer skipped this check", False),
        ("def urgent_report(month:", "Python can't read the file", False),
    ],
    ids=["a thread", "an exit", "a skip", "a syntax error"],
)
def test_what_is_not_shown_has_failed(room: CourseCopy, typed: Type, at_the_end: str, says: str, passes: bool) -> None:
    """A check that was skipped or not run has failed, no thread delays the verdict, and no hint helps with syntax."""
    typed("start", "05")
    solve(room, "05")
    answer = room.folder / "work/lesson05/exercise.py"
    answer.write_text(f"{answer.read_text()}\n\n{at_the_end}\n")
    judged = typed("check", "05")
    assert says in judged.stdout
    assert (judged.returncode == 0) == passes
    assert ("lesson hint 05" in judged.stdout) == (not passes and "syntax" not in says and "read" not in says)


def test_every_check_has_a_readable_name() -> None:
    """What is printed is the check's name as words."""
    assert explain.readable("check_reports_go_to_low") == "reports go to low"
    assert catalog.show(catalog.COURSE / "work" / "x") == "work/x"
