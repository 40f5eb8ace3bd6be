"""The judge on trial: each wrong answer fails, at the check that its first line names."""

from collections.abc import Iterator
from typing import Any

import pytest

from classroom import answers, catalog, exercises
from classroom.answers import Answer
from classroom.catalog import Lesson

LESSONS = [part for lesson in catalog.lessons() if lesson.has_exercise for part in lesson.parts]
pytestmark = pytest.mark.usefixtures("own_progress", "own_queues")


def wrong_answers() -> Iterator[Any]:
    """All of them; on services some are enough to see that the judge works there."""
    for place, lesson in enumerate(LESSONS):
        for number, answer in enumerate(answers.wrong(lesson)):
            marks = [pytest.mark.once] if number or place % 3 else []
            yield pytest.param(lesson, answer, id=f"{lesson.name}-{answer.name}", marks=marks)


@pytest.mark.parametrize(("lesson", "answer"), list(wrong_answers()))
def test_a_wrong_answer_fails_for_its_own_reason(lesson: Lesson, answer: Answer) -> None:
    """It fails at the check that its first line names, with a message that says what it may have misunderstood."""
    meant = answer.check
    verdict = exercises.judge(lesson, answer.file, only=meant)  # the others would cost minutes, and say nothing new
    assert verdict.failed == meant
    assert len(verdict.checks[meant].splitlines()[0].split()) > 3
    assert "Traceback" not in verdict.checks[meant]


@pytest.mark.once
@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_each_wrong_answer_names_its_check_and_each_check_has_one(lesson: Lesson) -> None:
    """The docstring names a check that exists; a check that catches no mistake would prove nothing."""
    assert {answer.check for answer in answers.wrong(lesson)} == set(exercises.hints(lesson))
