"""A task replaces itself with the chord, so the workers send the letters. The chord's callback keeps that task's id."""

from celery import Task


@app.task(bind=True)
def open_box(self: Task, box: int, letters: list[str]) -> str:
    total = add_up.s().on_error(tell_archivist.si(box))
    raise self.replace(chord([count_words.s(letter) for letter in letters], total))


def count_box(box: int, letters: list[str]) -> AsyncResult:
    """Have the letters of this box counted and added up; returns the receipt of add_up."""
    return open_box.delay(box, letters)
