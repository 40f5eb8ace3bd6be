"""Exercise 12 · Who waits too long?

It remembers since when each task has waited and checks all of them at every event, heartbeats included, so it also
reports a task that never starts. It relies on the events' timestamps only, and it remembers which tasks are over,
because events can arrive in the wrong order.
"""

from collections.abc import Callable
from datetime import datetime
from time import sleep

from celery import Celery

from global_config import POSTGRES_URL, RABBITMQ_URL

app = Celery("exercise", broker=RABBITMQ_URL, backend=POSTGRES_URL)
app.config_from_object("global_config")
app.conf.update(
    task_default_queue="exercise12",
    control_exchange="exercise12",
    worker_timer_precision=0.05,  # seconds between the worker's looks at its clock
)


@app.task
def answer_phone(seconds: float) -> None:
    sleep(seconds)


@app.task
def open_letter() -> None: ...


@app.task
def water_flowers() -> None: ...


class Late:
    """Reports tasks that wait for more than `limit` seconds to be started."""

    def __init__(self, limit: float, report: Callable[[str, str, float], None]) -> None:
        self.limit = limit
        self.report = report
        self.waiting: dict[str, tuple[str, float]] = {}  # uuid → name, and since when
        self.over: set[str] = set()  # those that wait no longer, or have been reported

    def note(self, event: dict) -> None:
        """Take notice of one event, a dict with at least `type` and `timestamp` (in seconds)."""
        uuid, now = event.get("uuid", ""), event["timestamp"]
        if event["type"] == "task-sent" and uuid not in self.over:
            since = datetime.fromisoformat(event["eta"]).timestamp() if event["eta"] else now
            self.waiting[uuid] = event["name"], since
        for late, (name, since) in list(self.waiting.items()):
            if now - since > self.limit:
                self.report(late, name, now - since)
                self.leave(late)
        if event["type"] in ("task-started", "task-revoked"):
            self.leave(uuid)

    def leave(self, uuid: str) -> None:
        self.waiting.pop(uuid, None)
        self.over.add(uuid)
