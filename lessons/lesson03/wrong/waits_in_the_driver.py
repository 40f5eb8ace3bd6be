"""check_a_callback_adds_up: waits for the counts in the caller's process, and then has a worker add up."""

from time import sleep

from celery import Celery, group
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
    counts = group(count_words.s(letter) for letter in letters)().get(timeout=10, propagate=False)
    if any(isinstance(count, Exception) for count in counts):
        return tell_archivist.delay(box)
    return add_up.delay(counts)
