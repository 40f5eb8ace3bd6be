"""check_a_callback_adds_up: The caller waits for the counts before it sends add_up, instead of returning at once."""

from celery import group


def count_box(box: int, letters: list[str]) -> AsyncResult:
    """Have the letters of this box counted and added up; returns the receipt of add_up."""
    counts = group(count_words.s(letter) for letter in letters)().get(timeout=10, propagate=False)
    if any(isinstance(count, Exception) for count in counts):
        return tell_archivist.delay(box)
    return add_up.delay(counts)
