"""Lesson 16 · Break it: one piece of work, a card to charge, under different promises.

celery -A lesson16.tasks worker --loglevel=info --concurrency=8 --hostname=worker@%h
"""

import os
import signal
from time import sleep

from celery import Celery, current_task

from global_config import POSTGRES_URL, RABBITMQ_URL
from lesson16 import book

app = Celery("lesson16", broker=RABBITMQ_URL, backend=POSTGRES_URL, include=["lesson16.database"])
app.config_from_object("global_config")
app.conf.update(
    task_default_queue="lesson16",  # a queue of its own: no other lesson's mail
    control_exchange="lesson16",  # and its own line for commands to the worker
    worker_timer_precision=0.05,  # the worker looks at its clock every 0.05 seconds: short waits come out exact
    worker_lost_wait=0.5,  # on files: seconds until a dead process's task counts as lost, instead of 10
    result_chord_retry_interval=0.5,  # seconds between two looks whether a chord's header is done, instead of 1
    beat_schedule={  # for the experiment with two beats; no worker reads that queue
        "a rent": {"task": "charge", "args": ("rent",), "schedule": 1, "options": {"queue": "lesson16-two_beats-1"}},
    },
)


def run(order: str, deaths: int = 0, seconds: float = 0, once: bool = False) -> str:
    """Charge the card of an order. The first `deaths` runs are killed; the first run takes `seconds` at most."""
    number = book.note(order, "begun")
    if current_task.request.delivery_info.get("redelivered"):
        book.note(order, "redelivered")
    if number <= deaths:
        sleep(0.8)  # who dies at once may be gone before the worker has heard that the task was begun
        os.kill(os.getpid(), signal.SIGKILL)  # as the system does when memory runs out: no except, no finally
    if number == 1:
        book.pause(order, seconds)  # slow work, until the experiment lets it go on
    (book.note_once if once else book.note)(order, "charged")
    book.note(order, "ended")
    return f"run {number}"


# One function, four tasks: what differs is when its message is acknowledged, and what happens if its process dies.
charge = app.task(name="charge")(run)
charge_late = app.task(name="charge_late", acks_late=True)(run)
charge_rejecting = app.task(name="charge_rejecting", acks_late=True, reject_on_worker_lost=True)(run)
charge_retrying = app.task(name="charge_retrying", retry_on_worker_lost=True, max_retries=2, default_retry_delay=0.1)(
    run
)


@app.task(name="decline")
def decline(order: str) -> None:
    raise ValueError(f"no money for {os.path.basename(order)}")


@app.task(name="send_receipt")
def send_receipt(charged: list[str], order: str) -> None:
    """The callback of a chord."""
    book.note(order, "receipt sent")


@app.task(name="call_back")
def call_back(order: str) -> None:
    """The error callback of a chord: somebody calls the customer."""
    book.note(order, "called back")
