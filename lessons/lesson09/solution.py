"""Exercise 09 · Ten thousand rows.

The size of a page follows from today's cost of a row, so a task takes about 0.2 seconds on any day. Each page begins
after the last id of the page before, so gaps in the ids don't matter and no row is handled twice.
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
    size = round(0.2 / rows.seconds_per_row())
    receipts: list[AsyncResult] = []
    last = 0
    while ids := rows.ids_after(last, size):  # keyset: each page begins after the last id of the page before
        last = ids[-1]
        receipts.append(handle.delay(ids[0], last))
    return receipts
