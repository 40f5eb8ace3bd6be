"""check_steps_are_those_of_the_links: sends the same tasks once more to see what they give."""

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
    receipt.get(timeout=10)
    first = receipt.parent.parent
    x, y = first.args
    values = [subtract.delay(x, y).get(timeout=10)]
    values.append(multiply.delay(values[0], 5).get(timeout=10))
    values.append(divide.delay(values[1], 9).get(timeout=10))
    return values
