"""A group piped into a task is a chord, too, and the error callback is passed when the chord is sent."""

from celery import group


@app.task
def add_up(counts: list[int]) -> str:
    return " + ".join(map(str, counts)) + f" = {sum(counts)}"


def count_box(box: int, letters: list[str]) -> AsyncResult:
    """Have the letters of this box counted and added up; returns the receipt of add_up."""
    counting = group(count_words.s(letter) for letter in letters) | add_up.s()
    return counting.apply_async(link_error=tell_archivist.signature(args=[box], immutable=True))
