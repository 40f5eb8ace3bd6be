"""Exercise 12 · Who waits too long?

An office wants to know when work is left lying. Write the part that decides: Celery's receiver hands every event to
note(), one after the other, and Late reports tasks that wait longer than `limit` seconds.

1. A task waits from its task-sent until its task-started. At the first event that shows that it has waited for more
   than `limit` seconds, call report(uuid, name, seconds), with how long it has waited by then; that event may be its
   own task-started. The name is in task-sent.
2. Each task is reported once at most, however long it goes on waiting.
3. Where no worker reads the queue, the start never comes. But every event brings the time along, as `timestamp`: so at
   each one, look at all tasks that still wait. Each worker sends a worker-heartbeat every two seconds; it has no uuid.
4. The time is that of the events, their `timestamp`. They may reach you late, or out of a recording, so neither your
   own clock nor `local_received`, which is when an event reached the receiver, says anything.
5. A task sent with a countdown isn't late before its time: it waits from its `eta`. In task-sent that is a text, such
   as "2026-11-23T09:00:00.250000+00:00", or None; the offset at its end is the sender's, and may be another.
6. A task that was revoked waits no longer (task-revoked).
7. Events come from several processes, so some arrive in the wrong order: even a task-sent after the task-started or the
   task-revoked. Such a task waits no longer, and needn't be reported, even if it waited for too long.
8. Each Late knows only what it was told itself: two of them may be at work in one process.

To try it by hand, in this file's folder: celery -A exercise worker --loglevel=info, and in another terminal there, in
Python: listen(app, Late(1, print).note), with app and Late from exercise, and listen from the lesson's watch.py.
"""

from collections.abc import Callable
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

    def note(self, event: dict) -> None:
        """Take notice of one event, a dict with at least `type` and `timestamp` (in seconds)."""
        raise NotImplementedError("Late.note() is yours to write")  # TODO: see the wishes above
