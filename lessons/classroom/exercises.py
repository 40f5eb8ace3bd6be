"""Exercises: begin one, have an answer judged, give hints one at a time, show a solution."""

import ast
import json
import os
import re
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from classroom import answers, catalog, copies, environment, progress, strays
from classroom.catalog import Lesson
from classroom.explain import readable
from classroom.refusal import Refusal

NOT_RUN = "This check wasn't run, because the answer ended the judge before it."
LONGEST = 60  # seconds for all checks; the judge itself stops a check long before


@dataclass(frozen=True)
class Verdict:
    """What the judge found: each check's name with what was wrong, or "" where it holds."""

    seed: int
    checks: dict[str, str]
    seconds: float = 0.0  # that the checks themselves took

    @property
    def failed(self) -> str:
        """The first check that doesn't hold; "" if all do."""
        return next((name for name, text in self.checks.items() if text), "")


def start(lesson: Lesson, again: bool = False) -> list[str]:
    """Put the blank exercise, its Procfile and an incident's symptom into the learner's folder; return what was done.

    Refuses to overwrite an answer; with `again` the answer is kept as exercise.before-N.py.
    """
    require_exercise(lesson)
    answer = progress.folder(lesson) / "exercise.py"
    done = []
    if answer.exists() and not again:
        raise Refusal(
            f"{catalog.show(answer)} already exists and was kept. To start over: lesson start {lesson.number} --again"
        )
    try:
        answer.parent.mkdir(parents=True, exist_ok=True)
        number = len(list(answer.parent.glob("exercise.before-*"))) + 1
        for old in filter(Path.exists, (answer, answer.with_name("Procfile"), answer.with_name("symptom.py"))):
            kept = old.replace(old.with_name(f"{old.stem}.before-{number}{old.suffix}"))
            done.append(f"Your {old.name} so far is now {catalog.show(kept)}.")
        for file in filter(Path.exists, (lesson.folder / "exercise.py", lesson.folder / "symptom.py")):
            shutil.copyfile(file, answer.with_name(file.name))
        (answer.parent / "Procfile").write_text(lesson.exercise_procfile)
    except OSError as error:
        raise Refusal(f"Can't write to {catalog.show(answer.parent)}: {error.strerror}.") from None
    progress.remember(lesson, solved=False, failed="", hints={})
    done.append(f"Your exercise: {catalog.show(answer)}. Open it: the instructions are at the top.")
    return [*done, f"When you have an answer: lesson check {lesson.number}"]


def judge(
    lesson: Lesson, answer: Path | None = None, seed: int | None = None, only: str = "", first: bool = False
) -> Verdict:
    """Have the learner's answer, or the file `answer`, judged in a process of its own, and remember the outcome.

    With the name of a check in `only`, by that one alone; with `first`, until one fails.

    Refuses with a sentence where there is nothing to judge, or where the judge itself can't work.
    """
    if answer:
        require_exercise(lesson)
        answers.composed(lesson, answer)  # refuses a file that replaces what the solution doesn't have
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
        arguments += ["--exitfirst"] if first else []
        arguments.append(str(lesson.folder / "check_exercise.py") + (f"::{only}" if only else ""))
        variables = {**ours, "TMPDIR": room}  # all the judge writes goes with it, even if it is killed
        said.touch()
        try:
            process = copies.fork(run_pytest, (arguments, variables, said))
        except OSError as error:  # it talks through a socket in TMPDIR, whose path must be short
            raise Refusal(f"No judge can be started: {error}. Set TMPDIR to a folder such as /tmp.") from None
        try:
            process.join(LONGEST)
            if process.is_alive():
                raise Refusal(f"The answer ran for {LONGEST} s and ignored the time limit, so it was stopped.")
        finally:
            if process.is_alive() and process.pid:
                strays.end_family(process.pid)
            process.kill()
            process.join()
        output = said.read_text()
        if not file.exists():
            raise Refusal(f"The judge failed:\n{output}")
        found = json.loads(file.read_text())
    checks = {one["check"]: "" if one["passed"] else one["text"] for one in found["checks"]}
    if not checks:
        raise Refusal(f"The judge found nothing to check:\n{output}")
    if not any(checks.values()):
        checks |= {name: NOT_RUN for name in hints(lesson) if name not in checks and only in ("", name)}
    verdict = Verdict(found["seed"], checks, sum(one.get("seconds", 0) for one in found["checks"]))
    if not answer:
        progress.remember(lesson, solved=not verdict.failed, failed=verdict.failed)
    return verdict


def run_pytest(arguments: list[str], variables: dict[str, str], said: Path) -> None:
    """What a judge's process does: run pytest in the course's folder; what is printed goes into the file `said`."""
    import pytest

    copies.share_server()
    os.chdir(catalog.COURSE)
    os.environ.clear()
    os.environ.update(variables)
    tempfile.tempdir = None  # was found, and kept, before there was this environment
    with said.open("w") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    pytest.main(arguments)
    sys.stdout.flush()
    os._exit(0)  # without waiting for threads that the answer has left behind


def hint(lesson: Lesson) -> str:
    """The next hint for the check that failed last, one level further each time; the third is nearly the answer."""
    require_exercise(lesson)
    if progress.state(lesson) == "solved":
        return f"Your answer passes. Compare with our solution: lesson solution {lesson.number}"
    if not (failed := progress.failed_last(lesson)):
        raise Refusal(f"No check has failed yet. Run the check first: lesson check {lesson.number}")
    every = hints(lesson)[failed]
    opened = progress.recall()[lesson.number]["hints"]
    level = min(opened.get(failed, 0) + 1, len(every))
    progress.remember(lesson, hints={**opened, failed: level})
    return f"{readable(failed)}, hint {level} of {len(every)}:\n\n{every[level - 1]}"


def solved(parts: list[Lesson], give_up: bool = False) -> list[Lesson]:
    """Return the parts of a lesson whose solutions may be shown: those solved, or all; refuses if there are none."""
    first = parts[0]
    require_exercise(first)
    if found := [part for part in parts if give_up or progress.state(part) == "solved"]:
        return found
    raise Refusal(
        f"Solve the exercise first: lesson check {first.number}. To see our solution anyway: "
        f"lesson solution {first.number} --give-up"
    )


def hints(lesson: Lesson) -> dict[str, list[str]]:
    """The hints of each check, by its name: the paragraphs of its docstring."""
    return {check.name: (ast.get_docstring(check) or "").split("\n\n") for check in checks(lesson)}


def checks(lesson: Lesson) -> list[ast.FunctionDef]:
    """List the functions of check_exercise.py that are checks, unexecuted."""
    tree = ast.parse((lesson.folder / "check_exercise.py").read_text())
    return [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("check_")]


def demands(lesson: Lesson) -> list[int]:
    """The numbers of what exercise.py, or an incident's ticket, demands: paragraphs of its docstring such as `1. …`."""
    text = ast.get_docstring(ast.parse((lesson.folder / "exercise.py").read_text())) or ""
    return [int(number) for number in re.findall(r"^(\d+)\. ", text, re.MULTILINE)]


def judged(lesson: Lesson) -> dict[str, list[int]]:
    """The demands that each check judges, by its name: the numbers in its mark `judges`."""
    return {
        check.name: [
            number.value
            for mark in check.decorator_list
            if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.judges"
            for number in mark.args
            if isinstance(number, ast.Constant) and isinstance(number.value, int)
        ]
        for check in checks(lesson)
    }


def require_started(lesson: Lesson) -> None:
    """Refuse where there is no answer yet."""
    require_exercise(lesson)
    if not (progress.folder(lesson) / "exercise.py").exists():
        raise Refusal(f"There is nothing to check yet. Start the exercise: lesson start {lesson.number}")


def require_exercise(lesson: Lesson) -> None:
    """Refuse a lesson that has no exercise."""
    if not lesson.has_exercise:
        raise Refusal(f"Lesson {lesson.number} has no exercise. The lessons: lesson list")
