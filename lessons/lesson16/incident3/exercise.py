"""The workers that eat memory.

The ticket: «The workers eat memory, until the system kills them. In the morning all is well.»

What is to hold:

1. However many pictures a process has seen, it keeps a few of them in its memory at most.
2. The task still returns the size of a thumbnail: a thousandth of the size of its own picture, in bytes.

See it first, each in a terminal, in this folder:

    celery -A exercise worker --loglevel=info
    python symptom.py
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

pictures: dict[str, bytes] = {}


@app.task
def thumbnail(name: str) -> int:
    """The size in bytes of a thumbnail: a thousandth of its picture."""
    if name not in pictures:
        pictures[name] = shop.picture(name)
    return len(pictures[name]) // 1000
