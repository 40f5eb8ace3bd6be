"""Exercise 03 · How many words are in the box?

An archive is given boxes full of letters. Each letter is to be read by a task of its own, several side by side; one
more task adds up. Nobody sits and waits for that: whoever sends a box goes home. Now and then a letter can't be read.
Then there is no sum, and the archivist must hear of it.

count_words and tell_archivist are finished. What is missing:

1. Each letter is read by a task of its own, count_words. All of a box are sent together, so that they are read side by
   side.
2. add_up(counts) is called once for a box, with the number of words of each letter, in the order of the letters. It
   shows its working: add_up([7, 2, 5]) returns "7 + 2 + 5 = 14". There is at least one letter in a box.
3. count_box(box, letters) sends a box and comes back at once, with the receipt of add_up. Neither it nor a task waits
   for other tasks: many boxes may be on their way together, and no process is kept waiting.
4. If letters of a box can't be read, tell_archivist(box) runs on a worker: once for the box, however many they are, and
   sent by a worker. If all can be read, it isn't called.
"""

from time import sleep

from celery import Celery
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
    raise NotImplementedError("add_up() is yours to write")


def count_box(box: int, letters: list[str]) -> AsyncResult:
    """Have the letters of this box counted and added up; returns the receipt of add_up."""
    raise NotImplementedError("count_box() is yours to write")  # TODO: see the wishes above
