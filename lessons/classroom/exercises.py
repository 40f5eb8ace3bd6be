"""The learner's own work: begin an exercise, have it judged, remember how far it is, give hints one at a time."""

import ast
import json
import multiprocessing
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from classroom import answers, catalog, environment, strays
from classroom.catalog import Lesson

WORK = catalog.COURSE / "work"
PROGRESS = WORK / "progress.json"
LONGEST = 60  # seconds for all checks; the judge itself stops a check long before
# Each judge is a copy of a process that has imported what takes long; that matters to `lesson watch`, and to tests.
JUDGES = multiprocessing.get_context("forkserver")
JUDGES.set_forkserver_preload(
    ["pytest", "pytest_timeout", "classroom.judge", "classroom.recorder", "classroom.servers", "classroom.file_broker",
     "celery.app.amqp", "celery.backends.database"]
)  # fmt: skip


@dataclass(frozen=True)
class Verdict:
    """What the judge found: each check's name with what was wrong, or "" where it holds."""

    seed: int
    checks: dict[str, str]

    @property
    def failed(self) -> str:
        """The first check that doesn't hold; "" if all do."""
        return next((name for name, text in self.checks.items() if text), "")


def has_exercise(lesson: Lesson) -> bool:
    """Whether this lesson has an exercise; the applications have none."""
    return (lesson.folder / "exercise.py").exists()


def folder(lesson: Lesson) -> Path:
    """Where the learner's answer lies. A file work/lesson05.py would shadow the package, a folder's content doesn't."""
    return WORK / lesson.name


def start(lesson: Lesson, again: bool = False) -> list[str]:
    """Put the blank exercise, its Procfile and an incident's symptom into `folder(lesson)`; returns what was done.

    Refuses to overwrite an answer; with `again` it is kept beside as exercise.before-N.py.
    """
    require_exercise(lesson)
    answer = folder(lesson) / "exercise.py"
    done = []
    if answer.exists() and not again:
        raise SystemExit(
            f"{show(answer)} is there already, and was kept. To start over: lesson start {lesson.number} --again"
        )
    try:
        answer.parent.mkdir(parents=True, exist_ok=True)
        number = len(list(answer.parent.glob("exercise.before-*"))) + 1
        for old in filter(Path.exists, (answer, answer.with_name("Procfile"), answer.with_name("symptom.py"))):
            kept = old.replace(old.with_name(f"{old.stem}.before-{number}{old.suffix}"))
            done.append(f"Your {old.name} so far is now {show(kept)}.")
        for file in filter(Path.exists, (lesson.folder / "exercise.py", lesson.folder / "symptom.py")):
            shutil.copyfile(file, answer.with_name(file.name))
        (answer.parent / "Procfile").write_text(lesson.exercise_procfile)
    except OSError as error:
        raise SystemExit(f"Can't write to {show(answer.parent)}: {error.strerror}.") from None
    remember(lesson, solved=False, failed="", hints={})
    return [*done, f"Your exercise: {show(answer)}. Open it; what to do stands at its top.",
            f"When you think that it holds: lesson check {lesson.number}"]  # fmt: skip


def judge(lesson: Lesson, answer: Path | None = None, seed: int | None = None, only: str = "") -> Verdict:
    """Have the learner's answer, or the file `answer`, judged in a process of its own, and remember the outcome.

    With the name of a check in `only`, by that one alone.

    Refuses with a sentence where there is nothing to judge, or where the judge itself can't work.
    """
    if answer:
        require_composable(lesson, answer)
    else:
        require_started(lesson)
    environment.ignore_aloud()
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as room:
        file, said = Path(room, "verdict.json"), Path(room, "said.txt")
        arguments = ["-q", "-p", "no:cacheprovider", "-p", "no:debugging", f"--verdict={file}"]
        arguments += ["--disable-plugin-autoload", "-p", "pytest_timeout", "-p", "classroom.judge"]  # none slower
        arguments += [f"--answer={answer}"] if answer else []
        arguments += [f"--seed={seed}"] if seed is not None else []
        arguments.append(str(lesson.folder / "check_exercise.py") + (f"::{only}" if only else ""))
        variables = {**ours, "TMPDIR": room}  # all the judge writes goes with it, even if it is killed
        said.touch()
        process = JUDGES.Process(target=run_pytest, args=(arguments, variables, said))
        try:
            process.start()
        except OSError as error:  # it talks through a socket in TMPDIR, whose path must be short
            raise SystemExit(f"No judge can be started: {error}. Set TMPDIR to a folder such as /tmp.") from None
        try:
            process.join(LONGEST)
            if process.is_alive():
                raise SystemExit(f"The answer was stopped after {LONGEST} s; it didn't even listen to the judge.")
        finally:
            if process.is_alive() and process.pid:
                strays.end_family(process.pid)
            process.kill()
            process.join()
        output = said.read_text()
        if not file.exists():
            raise SystemExit(f"The judge couldn't work:\n{output}")
        found = json.loads(file.read_text())
    checks = {one["check"]: "" if one["passed"] else one["text"] for one in found["checks"]}
    if not checks:
        raise SystemExit(f"The judge found nothing to check:\n{output}")
    verdict = Verdict(found["seed"], checks)
    if not answer:
        remember(lesson, solved=not verdict.failed, failed=verdict.failed)
    return verdict


def run_pytest(arguments: list[str], variables: dict[str, str], said: Path) -> None:
    """What a judge's process does: run pytest in the course's folder; what is printed goes into the file `said`."""
    import pytest

    os.chdir(catalog.COURSE)
    os.environ.clear()
    os.environ.update(variables)
    tempfile.tempdir = None  # was found, and kept, before there was this environment
    with said.open("w") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    pytest.main(arguments)


def hint(lesson: Lesson) -> str:
    """The next hint for the check that failed last, one level further each time; the third is nearly the answer."""
    require_exercise(lesson)
    if state(lesson) == "solved":
        return f"Your answer holds. To compare: lesson solution {lesson.number}"
    if not (failed := failed_last(lesson)):
        raise SystemExit(f"A hint is for a check that failed; none has yet. First: lesson check {lesson.number}")
    every = hints(lesson)[failed]
    opened = progress()[lesson.number]["hints"]
    level = min(opened.get(failed, 0) + 1, len(every))
    remember(lesson, hints={**opened, failed: level})
    return f"{readable(failed)}, hint {level} of {len(every)}:\n\n{every[level - 1]}"


def solved(parts: list[Lesson], give_up: bool = False) -> list[Lesson]:
    """Return the parts of a lesson whose solutions may be shown: those solved, or all; refuses if there are none."""
    first = parts[0]
    require_exercise(first)
    if found := [part for part in parts if give_up or state(part) == "solved"]:
        return found
    raise SystemExit(
        f"Your own answer comes first: lesson check {first.number}. To see ours anyway: "
        f"lesson solution {first.number} --give-up"
    )


def hints(lesson: Lesson) -> dict[str, list[str]]:
    """The hints of each check, by its name: the paragraphs of its docstring."""
    tree = ast.parse((lesson.folder / "check_exercise.py").read_text())
    checks = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("check_")]
    return {check.name: (ast.get_docstring(check) or "").split("\n\n") for check in checks}


def status(lesson: Lesson) -> str:
    """How far the learner is with all that a lesson has to solve: "solved", "begun", or "" for neither."""
    states = {state(part) for part in lesson.parts}
    return states.pop() if len(states) == 1 else "begun"


def failed_last(lesson: Lesson) -> str:
    """The check that failed when this exercise was judged last; "" if none did."""
    return str(progress().get(lesson.number, {}).get("failed", ""))


def state(lesson: Lesson) -> str:
    """How far the learner is with this exercise or incident alone, as in `status`."""
    if progress().get(lesson.number, {}).get("solved"):
        return "solved"
    return "begun" if (folder(lesson) / "exercise.py").exists() else ""


def next_step(lessons: list[Lesson]) -> str:
    """What to type next: go on with what is begun, or take the first lesson whose exercise isn't solved."""
    for lesson in lessons:
        match has_exercise(lesson) and status(lesson):
            case "begun":
                return f"Next: lesson check {lesson.number} (your answer is in {show(folder(lesson))}/)"
            case "":
                return f"Next: lesson run {lesson.number}, and then its exercise: lesson start {lesson.number}"
    return "Every exercise is solved."


def require_started(lesson: Lesson) -> None:
    """Refuse where there is no answer yet."""
    require_exercise(lesson)
    if not (folder(lesson) / "exercise.py").exists():
        raise SystemExit(f"There is nothing to check yet. To begin: lesson start {lesson.number}")


def require_composable(lesson: Lesson, answer: Path) -> None:
    """Refuse a file that replaces what the solution doesn't have."""
    require_exercise(lesson)
    try:
        answers.composed(lesson, answer)
    except answers.Misfit as misfit:
        raise SystemExit(str(misfit)) from None


def require_exercise(lesson: Lesson) -> None:
    """Refuse a lesson that has no exercise."""
    if not has_exercise(lesson):
        raise SystemExit(f"Lesson {lesson.number} has no exercise. The lessons: lesson list")


def progress() -> dict[str, dict]:
    """What is remembered, by a lesson's number: solved, the check that failed, hints opened."""
    try:
        return dict(json.loads(PROGRESS.read_text()))
    except (OSError, ValueError):  # nothing yet, or no longer readable: nothing is lost but the ticks
        return {}


def remember(lesson: Lesson, **what: object) -> None:
    """Change what is remembered of `lesson`."""
    every = progress()
    before = every.get(lesson.number, {"solved": False, "failed": "", "hints": {}})
    every[lesson.number] = {**before, **what}
    WORK.mkdir(exist_ok=True)
    unfinished = PROGRESS.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(every, indent=2))
    unfinished.replace(PROGRESS)


def readable(check: str) -> str:
    """check_reports_go_to_low as words."""
    return check.removeprefix("check_").replace("_", " ")


def show(file: Path) -> str:
    """A path as one would type it from the course's folder."""
    return str(file.relative_to(catalog.COURSE)) if file.is_relative_to(catalog.COURSE) else str(file)
