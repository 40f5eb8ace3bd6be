"""What the caller's own process does while a check runs: which tasks it calls, sends and waits for."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from unittest.mock import patch

from celery import Celery, Task
from celery.result import AsyncResult, ResultSet
from celery.signals import before_task_publish

from classroom.evidence import WAITS, Evidence


@contextmanager
def watching(app: Celery, seen: Evidence) -> Iterator[None]:
    """Note in `seen` what this process does in the block: tasks that it runs itself, messages, waits, and results.

    A wait is a get(), a wait() or a join(), or the second look at a state since the last message was sent.
    """
    looks: Counter[str] = Counter()
    running: list[str] = []  # names of tasks, of which the last is the innermost

    def sent(sender: str, **_: object) -> None:
        looks.clear()
        seen.steps.append(sender)

    @contextmanager
    def waits(result: object) -> Iterator[None]:
        seen.steps.append(WAITS)
        yield

    @contextmanager
    def looked(result: AsyncResult) -> Iterator[None]:
        looks[result.id] += 1
        if looks[result.id] > 1:
            seen.steps.append(WAITS)
        yield

    @contextmanager
    def ran_here(task: object) -> Iterator[None]:
        name = str(getattr(task, "name", task))
        if name not in running[-1:]:  # apply() calls __call__(), and that run()
            seen.here.append(name)
        running.append(name)
        try:
            yield
        finally:
            running.pop()

    @contextmanager
    def stores(backend: object) -> Iterator[None]:
        if not running:
            seen.stored_here += 1
        yield

    before_task_publish.connect(sent, weak=False)
    try:
        with ExitStack() as stack:
            for owner, method, note in (
                (app.Task, "__call__", ran_here),
                (app.Task, "apply", ran_here),
                (AsyncResult, "get", waits),
                (AsyncResult, "wait", waits),
                (ResultSet, "join", waits),
                (ResultSet, "join_native", waits),
                (AsyncResult, "_get_task_meta", looked),
                (type(app.backend), "store_result", stores),
            ):
                stack.enter_context(noting(owner, method, note))
            for task in app.tasks.values():
                if not task.name.startswith("celery."):
                    stack.enter_context(noting_run(task, ran_here))
            yield
    finally:
        before_task_publish.disconnect(sent)


@contextmanager
def noting(owner: type, method: str, note: Callable[..., AbstractContextManager[None]]) -> Iterator[None]:
    """Enter `note(object)` around each call of an object's method in the block."""
    original = getattr(owner, method)

    def noted(self: object, *args: object, **kwargs: object) -> object:
        with note(self):
            return original(self, *args, **kwargs)

    with patch.object(owner, method, noted):
        yield


@contextmanager
def noting_run(task: Task, note: Callable[..., AbstractContextManager[None]]) -> Iterator[None]:
    """Enter `note(task)` around each call of task.run(), which is the task's own function."""
    original = task.run

    def noted(*args: object, **kwargs: object) -> object:
        with note(task):
            return original(*args, **kwargs)

    with patch.object(task, "run", noted):
        yield
