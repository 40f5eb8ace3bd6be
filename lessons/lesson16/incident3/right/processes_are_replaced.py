"""Processes end before their cache has grown."""

from celery import Celery

from global_config import POSTGRES_URL, RABBITMQ_URL
from lesson16 import exercise_shop as shop

app = Celery("exercise", broker=RABBITMQ_URL, backend=POSTGRES_URL)
app.config_from_object("global_config")
app.conf.update(
    task_default_queue="exercise16-incident3", control_exchange="exercise16-incident3", worker_max_tasks_per_child=2
)

pictures: dict[str, bytes] = {}


@app.task
def thumbnail(name: str) -> int:
    """The size in bytes of a thumbnail: a thousandth of its picture."""
    if name not in pictures:
        pictures[name] = shop.picture(name)
    return len(pictures[name]) // 1000
