"""check_every_row_is_handled_once: begins a page with the last id of the page before, which is then handled twice."""

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
    receipts, last = [], 0
    while len(ids := rows.ids_after(last - 1, size)) > 1:
        last = ids[-1]
        receipts.append(handle.delay(ids[0], last))
    return receipts
