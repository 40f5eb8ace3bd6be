"""Lesson 07 · Bound tasks: a task class of one's own, with hooks and with something to share between runs."""

import os
from functools import cached_property
from time import sleep
from typing import Any

from celery import Task

from lesson07.reports import FOLDER, write_whole
from lesson07.tasks import app


class CatalogueTask(Task):
    openings = 0

    @cached_property  # at first use, and then kept on `self`, which all runs in this process share
    def catalogue(self) -> dict[str, int]:
        self.openings += 1  # stands for opening a connection, loading a model …
        return {"tea": 3, "rice": 2}

    def on_success(self, retval: Any, task_id: str, args: list, kwargs: dict) -> None:
        write_whole(FOLDER / f"ended:{task_id}", f"on_success, for {args}")

    def on_failure(self, exc: Exception, task_id: str, args: list, kwargs: dict, einfo: Any) -> None:
        write_whole(FOLDER / f"ended:{task_id}", f"on_failure, for {args}: {exc!r}")


@app.task(bind=True, base=CatalogueTask, name="price.look_up")
def look_up(self: CatalogueTask, product: str) -> dict[str, int]:
    price = self.catalogue[product]
    sleep(0.2)  # seconds: time for the worker's other process to take the next one
    return {"price": price, "process": os.getpid(), "openings": self.openings}
