"""check_what_never_starts_is_reported_too: looks at a task only when it starts."""

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
        self.sent: dict[str, tuple[str, float]] = {}

    def note(self, event: dict) -> None:
        """Take notice of one event, a dict with at least `type` and `timestamp` (in seconds)."""
        if event["type"] == "task-sent":
            since = datetime.fromisoformat(event["eta"]).timestamp() if event["eta"] else event["timestamp"]
            self.sent[event["uuid"]] = event["name"], since
        if event["type"] == "task-started" and event["uuid"] in self.sent:
            name, since = self.sent.pop(event["uuid"])
            if event["timestamp"] - since > self.limit:
                self.report(event["uuid"], name, event["timestamp"] - since)
