"""Another good answer: Celery's own State puts the events together, in whichever order they come."""

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
        self.state = app.events.State()
        self.reported: set[str] = set()
        self.now = 0.0

    def note(self, event: dict) -> None:
        """Take notice of one event, a dict with at least `type` and `timestamp` (in seconds)."""
        self.state.event(event)
        self.now = max(self.now, event["timestamp"])
        for uuid, task in self.state.tasks.items():
            if not task.sent or uuid in self.reported:
                continue
            since = datetime.fromisoformat(task.eta).timestamp() if task.eta else task.sent
            waited = (task.started or task.revoked or self.now) - since
            if waited > self.limit and not task.revoked:
                self.reported.add(uuid)
                self.report(uuid, task.name, waited)
