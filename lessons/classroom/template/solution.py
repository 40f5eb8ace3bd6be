"""Exercise NN · What somebody needs.

delay() sends the call to a worker and returns at once. It is called once, so one message is sent.
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
