"""check_a_process_does_not_grow_with_every_picture: takes a cache that forgets nothing."""

from functools import cache

from celery import Celery

from global_config import POSTGRES_URL, RABBITMQ_URL
from lesson16 import exercise_shop as shop

app = Celery("exercise", broker=RABBITMQ_URL, backend=POSTGRES_URL)
app.config_from_object("global_config")
app.conf.update(task_default_queue="exercise16-incident3", control_exchange="exercise16-incident3")


@cache
def picture(name: str) -> bytes:
    return shop.picture(name)


@app.task
def thumbnail(name: str) -> int:
    """The size in bytes of a thumbnail: a thousandth of its picture."""
    return len(picture(name)) // 1000
