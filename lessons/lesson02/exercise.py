"""Exercise 02 · From Fahrenheit to Celsius, step by step.

A weather service is given degrees Fahrenheit and wants degrees Celsius: subtract 32, multiply by 5, divide by 9. The
three tasks for that are there already. What is missing is how they hang together:

1. to_celsius(fahrenheit) writes the three steps down as one chain and returns it. It sends nothing yet: whoever asked
   for it sends it when the time has come, by to_celsius(68).apply_async().
2. Sent, the chain gives the degrees Celsius. Every step is a link of its own, which takes what the one before returned:
   to_celsius(68) subtracts 32 from 68, multiplies 36 by 5, and divides 180 by 9.
3. steps(receipt) returns what each link of a chain gave, from the first to the last: for that one, [36, 180, 20.0]. It
   takes the receipt of any chain that was sent, however many links it has, and sends nothing itself.
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
    raise NotImplementedError("to_celsius() is yours to write")


def steps(receipt: AsyncResult) -> list[float]:
    """What each link of a sent chain gave, from the first to the last."""
    raise NotImplementedError("steps() is yours to write")
