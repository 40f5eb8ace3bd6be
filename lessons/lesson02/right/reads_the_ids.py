"""The chain is made of a list, and the values are fetched by the links' ids."""

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
    links = [subtract.s(fahrenheit, 32)]
    for task, number in (multiply, 5), (divide, 9):
        links.append(task.s(number))
    return chain(*links)


def steps(receipt: AsyncResult) -> list[float]:
    receipt.get(timeout=10)  # once the last link has ended, all have
    ids = []
    while receipt:
        ids.append(receipt.id)
        receipt = receipt.parent
    return [AsyncResult(each, app=app).result for each in reversed(ids)]
