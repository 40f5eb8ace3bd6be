"""The workers that eat memory.

The picture has no name outside of the task, so its memory is free again when the task returns. There is no cache, so
nothing can grow.
"""

from celery import Celery

from global_config import POSTGRES_URL, RABBITMQ_URL
from lesson16 import exercise_shop as shop

app = Celery("exercise", broker=RABBITMQ_URL, backend=POSTGRES_URL)
app.config_from_object("global_config")
app.conf.update(
    task_default_queue="exercise16-incident3",
    control_exchange="exercise16-incident3",
    worker_concurrency=2,  # processes, however many cores there are
)


@app.task
def thumbnail(name: str) -> int:
    """The size in bytes of a thumbnail: a thousandth of its picture."""
    return len(shop.picture(name)) // 1000
