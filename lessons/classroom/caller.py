"""What the caller's own process does while a check runs: which tasks it calls, sends and waits for."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest.mock import patch

from celery import Celery
from celery.result import AsyncResult, ResultSet
from celery.signals import before_task_publish

from classroom.evidence import WAITS, Evidence


@contextmanager
def watching(app: Celery, seen: Evidence) -> Iterator[None]:
    """Note in `seen` what this process does in the block: tasks that it runs itself, messages that it sends, waits.

    A wait is a get(), a wait() or a join(), or the second look at a state since the last message was sent.
    """
    looks: Counter[str] = Counter()

    def sent(sender: str, **_: object) -> None:
        looks.clear()
        seen.steps.append(sender)

    def waits(result: object) -> None:
        seen.steps.append(WAITS)

    def looked(result: AsyncResult) -> None:
        looks[result.id] += 1
        if looks[result.id] > 1:
            seen.steps.append(WAITS)

    def ran_here(task: object) -> None:
        seen.here.append(str(getattr(task, "name", task)))

    before_task_publish.connect(sent, weak=False)
    try:
        with (
            noting(app.Task, "__call__", ran_here),
            noting(app.Task, "apply", ran_here),
            noting(AsyncResult, "get", waits),
            noting(AsyncResult, "wait", waits),
            noting(ResultSet, "join", waits),
            noting(ResultSet, "join_native", waits),
            noting(AsyncResult, "_get_task_meta", looked),
        ):
            yield
    finally:
        before_task_publish.disconnect(sent)


@contextmanager
def noting(owner: type, method: str, note: Callable[..., None]) -> Iterator[None]:
    """Call `note` with the object before each call of its method in the block."""
    original = getattr(owner, method)

    def noted(self: object, *args: object, **kwargs: object) -> object:
        note(self)
        return original(self, *args, **kwargs)

    with patch.object(owner, method, noted):
        yield
