"""Lesson 11 · Reliable workers: the same delivery with different promises.

celery -A lesson11.tasks worker --loglevel=info --concurrency=4
"""

import os
import signal
from fcntl import LOCK_EX, LOCK_NB, flock
from time import sleep

from celery import Celery

from global_config import LESSONS_HOME, POSTGRES_URL, RABBITMQ_URL
from lesson11 import book, money

app = Celery("lesson11", broker=RABBITMQ_URL, backend=POSTGRES_URL)
app.config_from_object("global_config")
app.conf.update(
    task_default_queue="lesson11",  # this lesson's own queue
    control_exchange="lesson11",  # and its own exchange for commands to the worker
    worker_timer_precision=0.05,  # the worker looks at its clock every 0.05 seconds: short waits come out exact
    worker_lost_wait=0.5,  # on files: seconds until a dead process's task counts as lost, instead of 10
)


def carry(parcel: str, deaths: int = 0, seconds: float = 0) -> str:
    """Deliver a parcel. The first `deaths` runs are killed on the way; the first run takes `seconds` at most."""
    run = book.note(parcel, "begun")
    if run <= deaths:
        sleep(0.5)  # a process that dies at once may be gone before the worker knows that the task has begun
        os.kill(os.getpid(), signal.SIGKILL)  # as the system does when memory runs out: no except, no finally
    if run == 1:
        book.pause(parcel, seconds)  # slow work, until the driver lets it go on
    book.note(parcel, "delivered")
    return f"run {run}"


# One function, four tasks: what differs is when its message is acknowledged, and what happens if its process dies.
deliver = app.task(name="deliver")(carry)
deliver_late = app.task(name="deliver_late", acks_late=True)(carry)
deliver_rejecting = app.task(name="deliver_rejecting", acks_late=True, reject_on_worker_lost=True)(carry)
deliver_retrying = app.task(
    name="deliver_retrying", acks_late=True, retry_on_worker_lost=True, max_retries=2, default_retry_delay=0.5
)(carry)  # the worker sends the retry first and stores RETRY afterwards: a shorter delay is too short on a busy machine


@app.task(name="transfer", acks_late=True, retry_on_worker_lost=True, default_retry_delay=0.5)
def transfer(order: str, amount: int, once: bool) -> str:
    said = money.move(order, amount, once)
    if book.note(order, "transferred") == 1:
        sleep(0.5)
        os.kill(os.getpid(), signal.SIGKILL)  # the money has moved, and Celery doesn't know
    return said


@app.task(name="take_stock")
def take_stock(shelf: str, locked: bool) -> int:
    """Return how many tasks are at the shelf, with this one; 0 if another one has the lock."""
    with open(LESSONS_HOME / f"{shelf}.lock", "w") as file:
        if locked:
            try:
                flock(file, LOCK_EX | LOCK_NB)  # held until the file is closed: by us, or by our death
            except BlockingIOError:
                book.note(shelf, "left")
                return 0
        here = book.note(shelf, "begun") - book.count(shelf, "ended")
        book.pause(shelf, 60)
        book.note(shelf, "ended")
    return here


kept: list[bytes] = []  # what a leak would hold on to


@app.task(name="which_process")
def which_process(megabytes: int = 0) -> int:
    kept.append(b"x" * megabytes * 1_000_000)
    return os.getpid()
