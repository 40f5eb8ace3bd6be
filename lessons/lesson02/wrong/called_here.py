"""check_nothing_is_sent_yet: calls the first two tasks like functions, so that they run in the caller's process."""

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
    return divide.s(multiply(subtract(fahrenheit, 32), 5), 9)


def steps(receipt: AsyncResult) -> list[float]:
    values = []
    link = receipt
    while link is not None:
        values.insert(0, link.get(timeout=10, interval=0.05))
        link = link.parent
    return values
