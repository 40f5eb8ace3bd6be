"""check_a_task_has_about_a_fifth_of_a_second: has measured once, and written the number of rows down."""

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

SIZE = 1000


@app.task
def handle(first: int, last: int) -> int:
    """Handle the rows with the ids from `first` to `last`, both included; returns how many these were."""
    return rows.handle(first, last)


def handle_all() -> list[AsyncResult]:
    """Have every row handled once, in tasks of about 0.2 seconds; returns the receipts."""
    receipts, last = [], 0
    while ids := rows.ids_after(last, SIZE):
        last = ids[-1]
        receipts.append(handle.delay(ids[0], last))
    return receipts
