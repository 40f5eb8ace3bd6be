"""check_a_callback_adds_up: A task waits for others with get(), which Celery refuses: it can block the worker."""

from celery import group


@app.task
def add_up(letters: list[str]) -> str:
    counts = group(count_words.s(letter) for letter in letters)().get(timeout=10)
    return f"{' + '.join(str(count) for count in counts)} = {sum(counts)}"


def count_box(box: int, letters: list[str]) -> AsyncResult:
    """Have the letters of this box counted and added up; returns the receipt of add_up."""
    return add_up.s(letters).on_error(tell_archivist.si(box)).delay()
