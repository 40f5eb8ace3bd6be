"""The mutants themselves: there are enough, they can be read by Python, and what is listed as equivalent exists."""

import ast
from fnmatch import fnmatchcase

import pytest

from classroom import catalog
from classroom.catalog import Lesson
from tests.mutants import __main__ as command
from tests.mutants.operators import WRONG
from tests.mutants.variants import LEAST, mutants, others

LESSONS = [part for lesson in catalog.lessons() if lesson.has_exercise for part in lesson.parts]
EQUIVALENT = command.equivalents()
pytestmark = pytest.mark.once


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_there_are_enough(lesson: Lesson) -> None:
    """At least 20 for each exercise, none twice, and Python can read each."""
    found = list(mutants(lesson))
    assert len(found) >= LEAST
    assert len({one.text for one in found}) == len(found)
    assert len({one.id for one in found}) == len(found)
    for one in [*found, *others(lesson)]:
        ast.parse(one.text)


def test_each_operator_is_used() -> None:
    """An operator that changes no solution would only look thorough."""
    trees = [ast.parse((lesson.folder / "solution.py").read_text()) for lesson in LESSONS]
    for operator in WRONG:
        assert any(list(operator(node)) for tree in trees for node in ast.walk(tree)), operator


def test_what_is_listed_as_equivalent_exists_and_has_a_reason() -> None:
    """No mutant is forgiven that isn't made any more."""
    numbers = {command.table(lesson) for lesson in LESSONS}
    assert set(EQUIVALENT) - {"every"} <= numbers
    for lesson in LESSONS:
        made = [one.id for one in mutants(lesson)]
        for pattern, reason in EQUIVALENT.get(command.table(lesson), {}).items():
            assert any(command.fits(one, pattern) for one in made), pattern
            assert len(reason.split()) > 3


def test_a_pattern_may_have_brackets() -> None:
    """Only * has a meaning of its own."""
    assert command.fits("a[0] -> b", "a[0] *")
    assert not fnmatchcase("a[0] -> b", "a[0] *")
