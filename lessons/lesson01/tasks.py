"""Lesson 01 · Time limits: tasks that take longer than they may.

celery -A lesson01.tasks worker --concurrency=1 --loglevel=info
"""

import os
from time import sleep

from celery import Celery
from celery.exceptions import SoftTimeLimitExceeded

from global_config import LESSONS_HOME, POSTGRES_URL, RABBITMQ_URL

app = Celery("lesson01", broker=RABBITMQ_URL, backend=POSTGRES_URL)
app.config_from_object("global_config")
app.conf.update(
    task_default_queue="lesson01",  # a queue of its own: no other lesson's mail
    control_exchange="lesson01",  # and its own line for commands to the worker
)

DRAFT = LESSONS_HOME / "lesson01-draft.txt"


@app.task(soft_time_limit=0.5, time_limit=2)  # seconds from the start of the run; waiting in the queue doesn't count
def export(seconds: float) -> str:
    DRAFT.write_text("the first half")
    try:
        sleep(seconds)
    except SoftTimeLimitExceeded:  # raised right here, in the middle of the work
        DRAFT.unlink()
        raise  # so that the task's state tells the truth
    return "exported"


@app.task
def export_and_tidy(seconds: float) -> str:
    DRAFT.write_text("the first half")
    try:
        sleep(seconds)
    finally:
        sleep(1)  # tidying takes a moment, and a hard limit doesn't wait that long
        DRAFT.unlink()
    return "exported"


@app.task
def export_carelessly(pages: int) -> str:
    skipped = 0
    for _ in range(pages):
        try:
            sleep(0.4)  # one page
        except Exception:  # meant for a page that can't be read; it catches the soft limit as well
            skipped += 1
    return f"{pages} pages, {skipped} skipped"


@app.task
def look() -> dict:
    # The worker's processes share the disk, so any task can see what another one left.
    return {"draft": DRAFT.exists(), "process": os.getpid()}
