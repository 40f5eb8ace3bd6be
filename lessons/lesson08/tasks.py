"""Lesson 08 · Progress and failure: a print shop, with results in Redis.

celery -A lesson08.tasks worker --loglevel=info --concurrency=1 --hostname=worker@%h
"""

from pathlib import Path
from time import sleep

from celery import Celery, Task
from celery.app.task import Context
from celery.exceptions import Ignore

from global_config import LESSONS_HOME, REDIS_BROKER_URL, REDIS_URL
from lesson08.errors import OutOfInk, OutOfPaper

app = Celery("lesson08", broker=REDIS_BROKER_URL, backend=REDIS_URL)
app.config_from_object("global_config")
app.conf.update(
    task_default_queue="lesson08",  # a queue of its own: no other lesson's mail
    control_exchange="lesson08",  # and its own line for commands to the worker
    task_track_started=True,  # a running task is STARTED; otherwise it says nothing until its progress or its end
    task_acks_late=True,  # these two: take one message at a time, and leave the others in the queue (lesson 11)
    worker_prefetch_multiplier=1,
)
FAILURES = Path(LESSONS_HOME, "lesson08-failures.txt")


@app.task(bind=True)
def print_pages(self: Task, pages: int, paper: int = 500) -> str:
    sleep(0.4)  # warming up
    for page in range(1, pages + 1):
        if page > paper:
            raise OutOfPaper("A4", pages - paper)
        sleep(0.1)
        progress = {"current": page, "total": pages, "message": f"page {page} of {pages}"}
        self.update_state(state="PROGRESS", meta=progress)  # a state of our own: any name that Celery doesn't use
    return f"{pages} pages"


@app.task
def print_photo() -> str:
    raise OutOfInk("red", 5)


@app.task
def deliver(printed: str) -> str:
    return f"{printed} delivered"


@app.task
def note_failure(request: Context | dict, error: Exception | str, traceback: str | None) -> None:
    # With three parameters an error callback is called on the spot: in the process where the task failed, or in the
    # worker's main process if that one is gone. Quick work only.
    with FAILURES.open("a") as book:
        book.write(f"{request.get('task')}: {error if isinstance(error, str) else type(error).__name__}\n")


@app.task(bind=True)
def mark_failed(self: Task, then: str) -> str:
    # How not to fail. You will meet this in older code.
    self.update_state(state="FAILURE", meta={"error": "the printer is on fire"})
    if then == "raise":
        raise OSError("the printer is on fire")
    if then == "raise Ignore":
        raise Ignore  # to Celery: leave the state as it is
    return "all printed"
