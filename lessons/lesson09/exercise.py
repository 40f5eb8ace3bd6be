"""Exercise 09 · Ten thousand rows.

A table of rows is to be worked through, by a worker with two processes. Its ids begin somewhere, at 1 or later, and
have gaps, because rows were deleted over the years. What a row costs changes from day to day; rows.seconds_per_row()
tells it: a fraction of a millisecond, or many of them. (Ten thousand rows are 2 seconds of work.) The task
handle(first, last) is finished, and so is lessons/lesson09/exercise_rows.py, here called rows: it tells what else there
is to ask.

What is missing is handle_all(), which splits the work into tasks:

1. Every row is handled, however many there are, and none twice.
2. A task has about 0.2 seconds of work, now and on any other day: not less than 0.12 nor more than 0.3. Only one task
   may have less: the one with the rows that remain.
3. handle_all() sends all tasks before it returns, and waits for none of them.
4. It returns the receipts of these tasks and no others, as a list or as what a group returns.
"""

from celery import Celery
from celery.result import AsyncResult

from global_config import REDIS_BROKER_URL, REDIS_URL
from lesson09 import exercise_rows as rows

app = Celery("exercise", broker=REDIS_BROKER_URL, backend=REDIS_URL)
app.config_from_object("global_config")
app.conf.update(
    task_default_queue="exercise09",
    control_exchange="exercise09",
)


@app.task
def handle(first: int, last: int) -> int:
    """Handle the rows with the ids from `first` to `last`, both included; returns how many these were."""
    return rows.handle(first, last)


def handle_all() -> list[AsyncResult]:
    """Have every row handled once, in tasks of about 0.2 seconds; returns the receipts."""
    raise NotImplementedError("handle_all() is yours to write")  # TODO: see the wishes above
