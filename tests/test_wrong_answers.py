"""The judge on trial: each wrong answer fails, at the check that its first line names."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from classroom import catalog, exercises
from classroom.catalog import Lesson

LESSONS = [part for lesson in catalog.lessons() if lesson.has_exercise for part in lesson.parts]
pytestmark = pytest.mark.usefixtures("own_progress", "own_queues")


def mistake(answer: Path) -> tuple[str, str]:
    """The check that a wrong answer names in its first line, and the mistake that it stands for."""
    docstring = ast.get_docstring(ast.parse(answer.read_text())) or ""
    name, _, why = docstring.partition(":")
    return name, why.strip()


def wrong_answers() -> Iterator[Any]:
    """All of them; on services some are enough to see that the judge works there."""
    for place, lesson in enumerate(LESSONS):
        for number, answer in enumerate(sorted(lesson.folder.glob("wrong/*.py"))):
            marks = [pytest.mark.once] if number or place % 3 else []
            yield pytest.param(lesson, answer, id=f"{lesson.name}-{answer.stem}", marks=marks)


@pytest.mark.parametrize(("lesson", "answer"), list(wrong_answers()))
def test_a_wrong_answer_fails_for_its_own_reason(lesson: Lesson, answer: Path) -> None:
    """It fails at the check that its first line names, with a message that says what it may have misunderstood."""
    meant = mistake(answer)[0]
    verdict = exercises.judge(lesson, answer, only=meant)  # the others would cost minutes, and say nothing new
    assert verdict.failed == meant
    assert len(verdict.checks[meant].splitlines()[0].split()) > 3
    assert "Traceback" not in verdict.checks[meant]


@pytest.mark.once
@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_each_wrong_answer_names_its_check_and_each_check_has_one(lesson: Lesson) -> None:
    """The first line names a check that exists, and a mistake; a check that catches nothing would prove nothing."""
    checks = set(exercises.hints(lesson))
    mistakes = [mistake(answer) for answer in lesson.folder.glob("wrong/*.py")]
    assert {name for name, _ in mistakes} == checks
    assert all(len(why.split()) >= 3 for _, why in mistakes)
