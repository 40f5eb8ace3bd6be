"""Exercise NN · What somebody needs.

A small story: who wants what, and why the worker should do it. Then the wishes, numbered, so that a check can be
about each of them:

1. send_sum(x, y) sends add(x, y) to the worker and returns its receipt at once.
"""

from celery import Celery
from celery.result import AsyncResult

from global_config import POSTGRES_URL, RABBITMQ_URL

app = Celery("exercise", broker=RABBITMQ_URL, backend=POSTGRES_URL)
app.config_from_object("global_config")
app.conf.update(
    task_default_queue="exerciseNN",
    control_exchange="exerciseNN",
)


@app.task
def add(x: int, y: int) -> int:
    return x + y


def send_sum(x: int, y: int) -> AsyncResult:
    """Send add(x, y); returns its receipt."""
    return add.delay(x, y)
