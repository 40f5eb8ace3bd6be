"""The judge on trial: each blank fails, good answers pass, and each wrong one fails for its own reason."""

import ast
import re
from pathlib import Path

import pytest

from classroom import catalog, exercises
from classroom.catalog import Lesson

LESSONS = [lesson for lesson in catalog.lessons() if exercises.has_exercise(lesson)]
FILES = {"exercise.py", "check_exercise.py", "solution.py"}
each_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)


def answers(folder: str) -> list[object]:
    """Every lesson with each answer in its `wrong` or `right`, as parameters."""
    return [
        pytest.param(lesson, answer, id=f"{lesson.name}-{answer.stem}")
        for lesson in LESSONS
        for answer in sorted((lesson.folder / folder).glob("*.py"))
    ]


@pytest.fixture(autouse=True)
def own_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the reader has done anything doesn't matter, and nothing of theirs is touched."""
    monkeypatch.setattr(exercises, "WORK", tmp_path)
    monkeypatch.setattr(exercises, "PROGRESS", tmp_path / "progress.json")


@each_lesson
def test_the_blank_fails(lesson: Lesson) -> None:
    """What one begins with doesn't hold, and says so in plain words."""
    verdict = exercises.judge(lesson, lesson.folder / "exercise.py", first=True)
    assert verdict.failed
    assert not any("Traceback" in text for text in verdict.checks.values())


@each_lesson
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_solution_passes(lesson: Lesson, seed: int) -> None:
    """Three times in a row, each with other values."""
    assert not exercises.judge(lesson, lesson.folder / "solution.py", seed).failed


@pytest.mark.parametrize(("lesson", "answer"), answers("right"))
def test_another_good_answer_passes(lesson: Lesson, answer: Path) -> None:
    """What counts is what the system does, not how the answer is written."""
    verdict = exercises.judge(lesson, answer)
    assert not verdict.failed, verdict.checks[verdict.failed]


@pytest.mark.parametrize(("lesson", "answer"), answers("wrong"))
def test_a_wrong_answer_fails_for_its_own_reason(lesson: Lesson, answer: Path) -> None:
    """It fails at the check that its first line names, with a message that says what it may have misunderstood."""
    meant = mistake(answer)[0]
    verdict = exercises.judge(lesson, answer, first=True)
    assert verdict.failed == meant
    assert len(verdict.checks[meant].splitlines()[0].split()) > 3
    assert "Traceback" not in verdict.checks[meant]


def mistake(answer: Path) -> tuple[str, str]:
    """The check that a wrong answer names in its first line, and the mistake that it stands for."""
    docstring = ast.get_docstring(ast.parse(answer.read_text())) or ""
    name, _, why = docstring.partition(":")
    return name, why.strip()


@pytest.mark.once
@each_lesson
def test_its_files_are_there(lesson: Lesson) -> None:
    """Blank, checks, solution, at least three wrong answers and another right one, and nothing else."""
    folder = lesson.folder
    assert all((folder / name).is_file() for name in FILES)
    assert len(list(folder.glob("wrong/*.py"))) >= 3
    assert list(folder.glob("right/*.py"))
    assert not [file for file in folder.glob("[wr]*/*.*") if file.suffix not in (".py", ".Procfile", ".pyc")]


@pytest.mark.once
@each_lesson
def test_each_wrong_answer_names_its_check_and_each_check_has_one(lesson: Lesson) -> None:
    """The first line names a check that exists, and a mistake; a check that catches nothing would prove nothing."""
    checks = set(exercises.hints(lesson))
    mistakes = [mistake(answer) for answer in lesson.folder.glob("wrong/*.py")]
    assert {name for name, _ in mistakes} == checks
    assert all(len(why.split()) >= 3 for _, why in mistakes)


@pytest.mark.once
@each_lesson
def test_hints_come_in_three_steps(lesson: Lesson) -> None:
    """A question, the place, almost the answer, which the first two don't give away."""
    solution = code(lesson.folder / "solution.py") - code(lesson.folder / "exercise.py")
    for check, (question, place, answer) in exercises.hints(lesson).items():
        assert "?" in question, check
        assert answer, check
        assert not [line for line in solution if len(line) > 12 and line in f"{question} {place}"], check


def code(file: Path) -> set[str]:
    """The lines of a file, without spaces around."""
    return {line.strip() for line in file.read_text().splitlines()}


@pytest.mark.once
@each_lesson
def test_the_blank_says_what_to_do(lesson: Lesson) -> None:
    """Its docstring is the goal; what is missing is marked; its queues aren't those of the lesson."""
    text = (lesson.folder / "exercise.py").read_text()
    assert len((ast.get_docstring(ast.parse(text)) or "").split()) > 30
    assert "TODO" in text or "NotImplementedError" in text
    assert f'"exercise{lesson.number}' in text
    assert not re.search(rf"lesson{lesson.number}[-.\"']", text)


@pytest.mark.once
@each_lesson
def test_the_readme_leads_there(lesson: Lesson) -> None:
    """Whoever has read the lesson knows what to type."""
    section = (lesson.folder / "README.md").read_text().partition("## Exercise")[2].partition("\n## ")[0]
    for command in ("start", "check", "hint"):
        assert f"`lesson {command} {lesson.number}`" in section
