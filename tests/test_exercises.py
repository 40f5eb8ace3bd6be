"""The judge on trial: each blank fails, and good answers pass. Wrong ones: test_wrong_answers.py."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

from classroom import answers, catalog, exercises
from classroom.answers import Answer
from classroom.catalog import Lesson

LESSONS = [part for lesson in catalog.lessons() if lesson.has_exercise for part in lesson.parts]
FILES = {"exercise.py", "check_exercise.py", "solution.py"}
pytestmark = pytest.mark.usefixtures("own_progress", "own_queues")
each_lesson = pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)


@pytest.mark.once
@each_lesson
def test_the_blank_fails(lesson: Lesson) -> None:
    """What one begins with doesn't hold, and says so in plain words."""
    first = next(iter(exercises.hints(lesson)))
    verdict = exercises.judge(lesson, lesson.folder / "exercise.py", only=first)
    assert verdict.failed == first
    assert not any("Traceback" in text for text in verdict.checks.values())


@each_lesson
def test_the_solution_passes(lesson: Lesson, profile: str) -> None:
    """On files and on servers, with other values on each."""
    seed = 1 if profile == "embedded" else 2
    assert not exercises.judge(lesson, lesson.folder / "solution.py", seed).failed


@pytest.mark.once
@pytest.mark.parametrize(
    ("lesson", "answer"),
    [
        pytest.param(lesson, answer, id=f"{lesson.name}-{answer.name}")
        for lesson in LESSONS
        for answer in answers.right(lesson)
    ],
)
def test_another_good_answer_passes(lesson: Lesson, answer: Answer) -> None:
    """What counts is what the system does, not how the answer is written."""
    verdict = exercises.judge(lesson, answer.file)
    assert not verdict.failed, verdict.checks[verdict.failed]


@pytest.mark.once
@each_lesson
def test_each_demand_is_judged(lesson: Lesson) -> None:
    """Its demands are numbered, each has a check that names it, and each check names at least one."""
    demands, judged = exercises.demands(lesson), exercises.judged(lesson)
    if not any(judged.values()):
        pytest.skip("its demands are numbered next")
    assert demands
    assert demands == list(range(1, len(demands) + 1))
    assert all(judged.values())
    assert {number for numbers in judged.values() for number in numbers} == set(demands)


@pytest.mark.once
@each_lesson
def test_its_files_are_there(lesson: Lesson) -> None:
    """Blank, checks, solution, at least three wrong answers and another right one, and nothing else."""
    folder = lesson.folder
    assert all((folder / name).is_file() for name in FILES)
    assert len(answers.wrong(lesson)) >= 3
    assert answers.right(lesson)
    assert not [file for file in folder.glob("answers/*/*.*") if file.suffix not in (".py", ".Procfile", ".pyc")]


@pytest.mark.once
@each_lesson
def test_each_answer_differs_from_the_solution_and_says_how(lesson: Lesson) -> None:
    """Learners read these sentences, and the two that say why the solution is good, in `lesson solution`."""
    assert len(re.findall(r"\.(?= |$)", answers.why(lesson))) == 2
    assert docstring(lesson.folder / "solution.py").startswith(docstring(lesson.folder / "exercise.py").split("\n")[0])
    for answer in answers.right(lesson) + answers.wrong(lesson):
        assert answers.difference(lesson, answer), answer.file
        assert re.fullmatch(r"\S.{20,170}\.", answer.sentence), answer.file


def docstring(file: Path) -> str:
    """A file's docstring."""
    return ast.get_docstring(ast.parse(file.read_text())) or ""


@pytest.mark.once
@each_lesson
def test_no_answer_names_what_it_lacks(lesson: Lesson, tmp_path: Path) -> None:
    """A missing import would fail the same check as the mistake, and so prove nothing."""
    for answer in answers.right(lesson) + answers.wrong(lesson):
        whole = answers.composed(lesson, answer.file) or answer.file.read_text()
        (tmp_path / answer.file.name).write_text(whole)
    ruff = ["ruff", "check", "--isolated", "--select=F821,F822,F823", "--output-format=concise", "."]
    checked = subprocess.run(ruff, cwd=tmp_path, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout


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
    assert len(docstring(lesson.folder / "exercise.py").split()) > 30
    assert "TODO" in text or "NotImplementedError" in text or "The ticket: " in text
    assert f'"exercise{lesson.number.replace("/", "-")}' in text
    assert not re.search(rf"lesson{lesson.number}[-.\"']", text)


@pytest.mark.once
@each_lesson
def test_the_readme_leads_there(lesson: Lesson) -> None:
    """Whoever has read the lesson knows what to type, and what its incidents are about."""
    name, _, incident = lesson.name.partition("/")
    section = (catalog.LESSONS / name / "README.md").read_text().partition("## Exercise")[2].partition("\n## ")[0]
    for command in ("start", "check", "hint"):
        assert f"`lesson {command} {lesson.number.partition('/')[0]}`" in section
    assert f"`{incident}`" in section or not incident
