"""check_a_process_does_not_grow_with_every_picture: collects garbage, and what a name still holds isn't any."""

import gc

from celery import Celery

from global_config import POSTGRES_URL, RABBITMQ_URL
from lesson16 import exercise_shop as shop

app = Celery("exercise", broker=RABBITMQ_URL, backend=POSTGRES_URL)
app.config_from_object("global_config")
app.conf.update(task_default_queue="exercise16-incident3", control_exchange="exercise16-incident3")

pictures: dict[str, bytes] = {}


@app.task
def thumbnail(name: str) -> int:
    """The size in bytes of a thumbnail: a thousandth of its picture."""
    if name not in pictures:
        pictures[name] = shop.picture(name)
    gc.collect()
    return len(pictures[name]) // 1000
