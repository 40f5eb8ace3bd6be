"""Another good answer: a heap of deadlines; who has left is skipped when its deadline comes."""

from collections.abc import Callable
from datetime import datetime
from heapq import heappop, heappush
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
        self.deadlines: list[tuple[float, str, str]] = []
        self.gone: set[str] = set()

    def note(self, event: dict) -> None:
        """Take notice of one event, a dict with at least `type` and `timestamp` (in seconds)."""
        match event:
            case {"type": "task-sent", "uuid": uuid, "name": name, "eta": eta, "timestamp": sent}:
                since = datetime.fromisoformat(eta).timestamp() if eta else sent
                heappush(self.deadlines, (since + self.limit, uuid, name))
        while self.deadlines and self.deadlines[0][0] < event["timestamp"]:
            deadline, uuid, name = heappop(self.deadlines)
            if uuid not in self.gone:
                self.report(uuid, name, event["timestamp"] - deadline + self.limit)
        if event["type"].startswith("task-") and event["type"] not in ("task-sent", "task-received"):
            self.gone.add(event["uuid"])
