"""Lesson NN · TITLE: what the worker can do.

celery -A lessonNN.tasks worker --loglevel=info
"""

from celery import Celery

from global_config import POSTGRES_URL, RABBITMQ_URL

app = Celery("lessonNN", broker=RABBITMQ_URL, backend=POSTGRES_URL)
app.config_from_object("global_config")
app.conf.update(
    task_default_queue="lessonNN",  # a queue of its own: no other lesson's mail
    control_exchange="lessonNN",  # and its own line for commands to the worker
)


@app.task
def add(x: int, y: int) -> int:
    return x + y
