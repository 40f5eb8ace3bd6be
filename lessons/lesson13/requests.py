"""Lesson 13 · A web API in front of a worker: a task about the call that it is working on."""

from typing import Any

from celery import Task

from lesson13.names import TaskNames
from lesson13.tasks import app


@app.task(name=TaskNames.INFO, bind=True)
def info(self: Task, *args: Any, **kwargs: Any) -> dict[str, Any]:
    return {
        "task_id": self.request.id,
        "task_name": self.name,
        "retries": self.request.retries,
        "args": self.request.args,
        "kwargs": self.request.kwargs,
        "group": self.request.group,
        "root_id": self.request.root_id,
        "parent_id": self.request.parent_id,
    }
