"""Lesson 13 · A web API in front of a worker: tasks that calculate."""

from lesson13.names import TaskNames
from lesson13.schemas import LARGEST
from lesson13.tasks import app


def bounded(number: float) -> float:
    """`number`, if it can be counted exactly and written as JSON; a chain of products soon leaves both behind."""
    if not -LARGEST <= number <= LARGEST:
        raise OverflowError(f"the result is beyond {LARGEST:.0e}")
    return number


@app.task(name=TaskNames.ADD)
def add(x: float, y: float) -> float:
    return bounded(x + y)


@app.task(name=TaskNames.SUBTRACT)
def subtract(x: float, y: float) -> float:
    return bounded(x - y)


@app.task(name=TaskNames.MULTIPLY)
def multiply(x: float, y: float) -> float:
    return bounded(x * y)


@app.task(name=TaskNames.DIVIDE)
def divide(x: float, y: float) -> float:
    return bounded(x / y)


@app.task(name=TaskNames.SQUARE)
def square(x: float) -> float:
    return bounded(x * x)


@app.task(name=TaskNames.TOTAL)
def total(numbers: list[float]) -> float:
    return bounded(sum(numbers))
