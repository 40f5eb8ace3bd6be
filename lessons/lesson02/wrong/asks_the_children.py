"""check_steps_are_those_of_the_links: takes the chain's receipt for the first link's, and looks for what came after."""

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
    return chain(subtract.s(fahrenheit, 32), multiply.s(5), divide.s(9))


def steps(receipt: AsyncResult) -> list[float]:
    values = [receipt.get(timeout=10)]
    for child in receipt.children or []:
        values.append(child.get(timeout=10))
    return values
