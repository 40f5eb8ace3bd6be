"""Lesson 00 · Basic calls: what the worker can do.

celery -A lesson00.tasks worker --loglevel=info
"""

from celery import Celery

from global_config import POSTGRES_URL, RABBITMQ_URL

app = Celery("lesson00", broker=RABBITMQ_URL, backend=POSTGRES_URL)
app.config_from_object("global_config")
app.conf.update(
    task_default_queue="lesson00",  # a queue of its own: no other lesson's mail
    control_exchange="lesson00",  # and its own line for commands to the worker
)


@app.task
def add(x: int, y: int) -> int:
    return x + y


@app.task
def divide(x: int, y: int) -> float:
    # With y = 0 this raises on the worker; the caller sees it only when it asks.
    return x / y


@app.task
def describe(value: object) -> str:
    return f"a {type(value).__name__}: {value}"
