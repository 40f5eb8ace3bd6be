"""Sends jobs to the broker: new ones at once, and again whatever was lost on the way: python -m lesson14.dispatcher

Each API process runs one in a thread. Any number may run, also none for a while: what is to be sent stands in the
database, and PostgreSQL gives each of them other rows (FOR UPDATE SKIP LOCKED).
"""

import logging
from collections.abc import Sequence
from contextlib import suppress
from queue import Empty, Full, Queue
from threading import Event, Thread
from time import monotonic

from lesson14 import store
from lesson14.celery_app import app
from lesson14.names import TaskNames
from lesson14.store import Sending

log = logging.getLogger(__name__)

LOOK = 1.0  # seconds between two looks for jobs that are due
BATCH = 100  # jobs that are sent before they are marked
new: Queue[Sending] = Queue(maxsize=BATCH)  # committed by this process, and to be sent now
at_work = Event()  # set while this process has a dispatcher, and the broker takes what it sends


def hand_over(job: Sending) -> None:
    """Have a job sent now that this process has committed. Can't fail: what isn't sent soon comes due.

    Where the broker is slower than the callers are, they wait here a little, so that jobs don't pile up unsent.
    """
    if at_work.is_set():
        with suppress(Full):
            new.put(job, timeout=0.5)


def start() -> None:
    """Run for as long as this process lives."""
    at_work.set()
    Thread(target=run, args=[Event()], name="dispatcher", daemon=True).start()


def run(stop: Event) -> None:
    """Send what is handed over at once, and look for what is due once a second, until `stop` is set."""
    look_at = monotonic()
    while not stop.is_set():
        try:
            if not at_work.is_set():
                reach_broker()  # or else it would take jobs that another dispatcher could send
                at_work.set()
            send(handed_over(until=look_at))
            if monotonic() >= look_at:
                due = store.take_due(BATCH)
                send(due)
                if len(due) < BATCH:  # else there may be more
                    look_at = monotonic() + LOOK
        except Exception as error:  # the broker's or the database's; neither may end this
            at_work.clear()
            log.warning("jobs can't be sent now, will try again: %s", str(error).partition("\n")[0])
            while handed_over(until=0):  # these will come due, like all others
                pass
            stop.wait(LOOK)
            look_at = monotonic()
    at_work.clear()


def reach_broker() -> None:
    """Raises where the broker doesn't answer."""
    with app.connection_for_write() as connection:
        connection.ensure_connection(max_retries=1, timeout=1)


def handed_over(until: float) -> list[Sending]:
    """What was handed over, as soon as there is something; nothing at `until`, a time.monotonic()."""
    jobs = []
    with suppress(Empty):
        jobs.append(new.get(timeout=max(0.0, until - monotonic())))
        while len(jobs) < BATCH:
            jobs.append(new.get_nowait())
    return jobs


def send(jobs: Sequence[Sending]) -> None:
    """Put the jobs' messages on the queue and mark them; raises where the broker doesn't take them all."""
    if not jobs:
        return
    with app.producer_or_acquire() as producer, producer.batch():  # on Redis: all in one round trip
        for job in jobs:
            # By name, because the task's code belongs to the worker. No retry here: what fails comes due again.
            app.send_task(TaskNames.PROCESS_JOB, args=[job.job_id], task_id=job.task_id, producer=producer, retry=False)
    store.mark_sent(jobs)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    log.info("dispatcher ready.")
    run(Event())
