"""check_letters_are_read_side_by_side: allow_join_result() lets a task wait for others, and meanwhile it keeps a
process.
"""

from celery import group
from celery.result import allow_join_result


@app.task
def add_up(letters: list[str]) -> str:
    with allow_join_result():
        counts = group(count_words.s(letter) for letter in letters)().get(timeout=10)
    return f"{' + '.join(str(count) for count in counts)} = {sum(counts)}"


def count_box(box: int, letters: list[str]) -> AsyncResult:
    """Have the letters of this box counted and added up; returns the receipt of add_up."""
    return add_up.s(letters).on_error(tell_archivist.si(box)).delay()
