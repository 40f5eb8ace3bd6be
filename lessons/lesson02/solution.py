"""Exercise 02 · From Fahrenheit to Celsius, step by step.

A chain is only a description until it is sent, and each link made with .s() takes the result of the link before as
its first argument. steps() follows `parent` from the last link to the first, so it works for a chain of any length.
"""

from celery import Celery, chain
from celery.result import AsyncResult

from global_config import POSTGRES_URL, RABBITMQ_URL

app = Celery("exercise", broker=RABBITMQ_URL, backend=POSTGRES_URL)
app.config_from_object("global_config")
app.conf.update(
    task_default_queue="exercise02",
    control_exchange="exercise02",
)


@app.task
def subtract(x: float, y: float) -> float:
    return x - y


@app.task
def multiply(x: float, y: float) -> float:
    return x * y


@app.task
def divide(x: float, y: float) -> float:
    return x / y


def to_celsius(fahrenheit: float) -> chain:
    """The three steps as one chain, not sent yet."""
    return chain(subtract.s(fahrenheit, 32), multiply.s(5), divide.s(9))


def steps(receipt: AsyncResult) -> list[float]:
    """What each link of a sent chain gave, from the first to the last."""
    values: list[float] = []
    link = receipt  # the receipt of the last link; each knows the one before it
    while link is not None:
        values.insert(0, link.get(timeout=10, interval=0.05))
        link = link.parent
    return values
