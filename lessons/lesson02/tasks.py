"""Lesson 02 · Chain: what the worker can do.

celery -A lesson02.tasks worker --loglevel=info
"""

from celery import Celery

from global_config import POSTGRES_URL, RABBITMQ_URL

app = Celery("lesson02", broker=RABBITMQ_URL, backend=POSTGRES_URL)
app.config_from_object("global_config")
app.conf.update(
    task_default_queue="lesson02",  # a queue of its own: no other lesson's mail
    control_exchange="lesson02",  # and its own line for commands to the worker
)


@app.task
def add(x: float, y: float) -> float:
    return float(x + y)


@app.task
def multiply(x: float, y: float) -> float:
    # In a chain, x is what the link before returned, and y is what .s() wrote down.
    return x * y


@app.task
def divide(x: float, y: float) -> float:
    return x / y


@app.task
def subtract(x: float, y: float) -> float:
    return x - y


@app.task
def add_and_multiply(x: float, y: float, z: float) -> float:
    # Not like this: one task waiting for another. get() refuses; the chain add.s(x, y) | multiply.s(z) does it.
    return add.delay(x, y).get(timeout=10) * z
