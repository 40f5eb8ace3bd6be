"""Lesson 12 · Monitoring: questions and commands to a worker."""

import time
from collections.abc import Callable
from typing import Any

from celery import Celery


def until(fact: Callable[[], Any], seconds: float = 15) -> Any:
    """Look again and again until `fact()` is something; returns it, or raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while not (found := fact()):
        if time.monotonic() > deadline:
            raise TimeoutError("what was waited for didn't happen")
        time.sleep(0.05)
    return found


def ask(app: Celery, question: str) -> Any:
    """What the worker of `app` answers, as soon as it does: without limit or destination, inspect takes a second."""
    answers = until(getattr(app.control.inspect(limit=1), question))
    return next(iter(answers.values()))


def command(app: Celery, what: str, *args: Any, **kwargs: Any) -> str:
    """Have the worker of `app` do something; returns its answer."""
    answers = getattr(app.control, what)(*args, **kwargs, reply=True, limit=1, timeout=10)
    return next(iter(answers[0].values()))["ok"]
