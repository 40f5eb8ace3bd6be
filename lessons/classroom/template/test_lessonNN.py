"""Lesson NN's claims, on a live worker."""

import pytest
from lessonNN.tasks import add

pytestmark = pytest.mark.usefixtures("workers")


def test_a_call_comes_back() -> None:
    """delay() sends, get() brings the value home."""
    assert add.delay(2, 3).get(timeout=10) == 5
