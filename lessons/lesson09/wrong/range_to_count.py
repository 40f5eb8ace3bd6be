"""check_every_row_is_handled_once: takes a number of rows for a range of ids, and loses the rows beyond it."""

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
    return [handle.delay(start, start + size - 1) for start in range(0, rows.count(), size)]
