"""Lesson 13 · A web API in front of a worker: which ids were issued, and what became of them.

Both stand in Celery's result backend. So a record survives a restart, is seen by each API process, and expires when
its result does (`result_expires`, a day). Celery's own stores nothing about a task until a worker begins it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from celery.exceptions import BackendError
from celery.states import FAILURE, PENDING, STARTED, SUCCESS
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from lesson13.celery_app import client
from lesson13.schemas import ENDED, Outcome, Progress, Result

results = client.backend  # Celery's result backend: made here, so that the first request needn't load it
ISSUED = "ISSUED"  # a state of ours: the id was issued, and no worker has begun


class Unavailable(Exception):
    """A server didn't answer."""


@contextmanager
def reaching(server: str) -> Iterator[None]:
    """Raise Unavailable, naming `server`, for whatever the client libraries raise when it doesn't answer."""
    try:
        yield
    except (OperationalError, BackendError, RedisError, RuntimeError, OSError) as error:
        raise Unavailable(f"The {server} doesn't answer. Try again in a moment.") from error


def issue(task_id: str, members: list[str] | None = None) -> None:
    """Record that a task, or a group of `members`, is about to be sent under this id."""
    with reaching("result store"):
        results.store_result(task_id, members, ISSUED)


def find(task_id: str) -> Result | None:
    """What became of the work behind an id; None if it was never issued, or has expired."""
    with reaching("result store"):
        record = results.get_task_meta(task_id)
        if record["status"] == PENDING:  # Celery's word for an id that it doesn't know
            return None
        if record["status"] == ISSUED and record["result"]:
            return of_group(task_id, [seen(results.get_task_meta(member)) for member in record["result"]])
    return Result(task_id=task_id, **dict(seen(record)))


def seen(record: dict[str, Any]) -> Outcome:
    """A record of the result backend as a caller should see it."""
    state, value = record["status"], record["result"]
    match state:
        case "ISSUED":
            return Outcome(state=PENDING)
        case "PROGRESS":
            return Outcome(state=state, progress=Progress(**value))
        case "SUCCESS":
            return Outcome(state=state, result=value)
        case "RETRY" | "FAILURE" | "REVOKED":
            return Outcome(state=state, error=f"{type(value).__name__}: {value}")
    return Outcome(state=state)


def of_group(task_id: str, members: list[Outcome]) -> Result:
    """What became of a group: of its members one by one, and what can be said of all of them."""
    states = {member.state for member in members}
    ended = sum(member.state in ENDED for member in members)
    if ended == len(members):
        state = SUCCESS if states == {SUCCESS} else FAILURE
    else:
        state = PENDING if states == {PENDING} else STARTED
    return Result(
        task_id=task_id,
        state=state,
        result=[member.result for member in members] if state == SUCCESS else None,
        error=next((member.error for member in members if member.error), None),
        progress=Progress(current=ended, total=len(members)),
        members=members,
    )
