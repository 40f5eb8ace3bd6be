"""Exercise 03 · How many words are in the box?

A chord sends all letters at once and calls add_up when the last one is counted, so no process waits for another. The
error callback belongs to add_up, so it runs once for a box, however many letters fail.
"""

from time import sleep

from celery import Celery, chord
from celery.result import AsyncResult

from global_config import RABBITMQ_URL, REDIS_URL

app = Celery("exercise", broker=RABBITMQ_URL, backend=REDIS_URL)
app.config_from_object("global_config")
app.conf.update(
    task_default_queue="exercise03",
    control_exchange="exercise03",
)


@app.task
def count_words(letter: str) -> int:
    if "???" in letter:
        raise ValueError(f"can't read {letter!r}")
    words = len(letter.split())
    sleep(words / 20)  # reading takes its time
    return words


@app.task
def tell_archivist(box: int) -> str:
    return f"look at box {box}"


@app.task
def add_up(counts: list[int]) -> str:
    return f"{' + '.join(str(count) for count in counts)} = {sum(counts)}"


def count_box(box: int, letters: list[str]) -> AsyncResult:
    """Have the letters of this box counted and added up; returns the receipt of add_up."""
    # .si(): with .s() the error callback would be given an id in front of the box, and it takes but one argument.
    total = add_up.s().on_error(tell_archivist.si(box))
    return chord([count_words.s(letter) for letter in letters])(total)
