"""check_a_callback_adds_up: The caller waits for the counts and adds them up in its own process."""

from celery import group


def count_box(box: int, letters: list[str]) -> AsyncResult:
    """Have the letters of this box counted and added up; returns the receipt of add_up."""
    counts = group(count_words.s(letter) for letter in letters)().get(timeout=10)
    return add_up(counts)
