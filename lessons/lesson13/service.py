"""Lesson 13 · A web API in front of a worker: what can be asked of the worker. Nothing here knows of HTTP.

Each function records an id, sends the work under it, and returns it; it raises Unavailable where a server is down.
Recorded first: an id that was sent and isn't known could never be asked for.
"""

from typing import Any

from celery import Signature, chain, chord, group, uuid

from lesson13 import store
from lesson13.celery_app import PATIENCE, client
from lesson13.names import TaskNames
from lesson13.schemas import Operation, Result
from lesson13.store import Unavailable, reaching


def call(name: TaskNames, *args: Any, **kwargs: Any) -> Signature:
    """A task written down by its name: the API has none of the worker's code."""
    return client.signature(name.value, args=args, kwargs=kwargs)  # .value: Celery would take the member's own .name


def send(work: Signature) -> str:
    """Send a task, a chain or a chord; of the last two, the id is that of the last task."""
    task_id = uuid()
    store.issue(task_id)
    with reaching("broker"):
        work.apply_async(task_id=task_id)
    return task_id


def add(x: float, y: float) -> str:
    return send(call(TaskNames.ADD, x, y))


def request_info() -> str:
    return send(call(TaskNames.INFO, 1, 2, sent_by="the API"))


def count_document(name: str) -> str:
    return send(call(TaskNames.COUNT, name))


def calculate(start: float, steps: list[tuple[Operation, float]]) -> str:
    """Do one step after the other, each with what the one before gave."""
    (first, number), *rest = steps
    links = [call(TaskNames[first.upper()], start, number)]
    links += [call(TaskNames[operation.upper()], number) for operation, number in rest]
    return send(chain(links))


def square_each(numbers: list[float]) -> str:
    """Square the numbers side by side. The id is that of the group."""
    group_id, members = uuid(), [uuid() for _ in numbers]
    squares = [
        call(TaskNames.SQUARE, number).set(task_id=member) for number, member in zip(numbers, members, strict=True)
    ]
    store.issue(group_id, members)
    with reaching("broker"):
        group(squares).apply_async(task_id=group_id)
    return group_id


def sum_of_squares(numbers: list[float]) -> str:
    """Square the numbers side by side, then add up the squares."""
    return send(chord([call(TaskNames.SQUARE, number) for number in numbers], call(TaskNames.TOTAL)))


def look_up(task_id: str) -> Result | None:
    """What became of the work behind an id; None if it was never issued, or has expired."""
    return store.find(task_id)


def check() -> None:
    """Return if broker, result store and a worker answer; raise Unavailable, naming the first that doesn't."""
    store.find(uuid())
    with reaching("broker"), client.connection_for_write() as connection:
        if not client.control.ping(limit=1, timeout=PATIENCE, connection=connection):
            raise Unavailable("No worker answers. Start one: celery -A lesson13.tasks worker")
