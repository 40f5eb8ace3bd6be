"""check_three_links_give_celsius: with .si() a link takes nothing from the one before."""

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
    return chain(subtract.si(fahrenheit, 32), multiply.si(5), divide.si(9))


def steps(receipt: AsyncResult) -> list[float]:
    values = []
    link = receipt
    while link is not None:
        values.insert(0, link.get(timeout=10, interval=0.05))
        link = link.parent
    return values
