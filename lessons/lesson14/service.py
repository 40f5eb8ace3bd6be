"""What can be done with jobs: the one place where the rules of jobs, queue and lease meet.

Callers create and steer jobs; a worker takes turns at them, one turn for each step.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Thread
from typing import NamedTuple
from uuid import uuid4

from sqlalchemy.exc import SQLAlchemyError

from lesson14 import dispatcher, store
from lesson14.model import ENDED, Job, JobStatus, StepStatus
from lesson14.settings import ATTEMPTS, LEASE_SECONDS, STEPS

log = logging.getLogger(__name__)


class NotFound(Exception):
    """There is no such job."""


class Created(NamedTuple):
    """What a caller learns of a job that it has created, or had created before."""

    job_id: int
    task_id: str
    status: JobStatus
    message: str


def create(key: str | None = None) -> Created:
    """Create a job and have it sent. With the idempotency key of an earlier one: return that one.

    The task's id comes first, then the row is committed, then the message is sent: a worker never looks for a row that
    isn't there yet. The message is sent by the dispatcher, so a broker that is down holds up nobody.
    """
    task_id = str(uuid4())
    job_id = store.add_unless_known(task_id, key) if key else store.add(task_id)
    if job_id is None and key:
        known = store.find_by_key(key)
        if known is None:
            raise NotFound("The job of this Idempotency-Key was deleted just now.")
        return Created(known.id, known.task_id, known.status, "Job was created before with this Idempotency-Key")
    assert job_id is not None
    dispatcher.hand_over(store.Sending(job_id, task_id, last_event=0))
    return Created(job_id, task_id, JobStatus.PENDING, "Job created and submitted successfully")


def find(job_id: int) -> Job:
    """The job with its steps; NotFound."""
    if job := store.find(job_id):
        return job
    raise NotFound(f"There is no job {job_id}.")


def search(status: JobStatus | None, limit: int, offset: int) -> Sequence[Job]:
    """Jobs with their steps, the latest first."""
    return store.search(status, limit, offset)


def retry(job_id: int) -> Created:
    """Have a failed job worked on again, as a new task; completed steps stay. NotFound, WrongTransition."""
    task_id = str(uuid4())
    with store.transaction() as session:
        job = _locked(session, job_id)
        job.retry(task_id)
        store.to_be_sent(job)
    dispatcher.hand_over(store.Sending(job_id, task_id, job.last_event))
    return Created(job_id, task_id, job.status, "Job submitted again")


def cancel(job_id: int) -> Job:
    """End a job that hasn't ended; what a worker is doing for it comes to nothing. NotFound, WrongTransition."""
    with store.transaction() as session:
        job = _locked(session, job_id)
        job.cancel()
    return find(job_id)


def _locked(session: store.Session, job_id: int) -> Job:
    if job := store.locked(session, job_id):
        return job
    raise NotFound(f"There is no job {job_id}.")


# The worker's side.


class Turn(NamedTuple):
    """A worker's right to do one step. It holds as long as `last_event` is the job's."""

    job_id: int
    step_number: int
    last_event: int


def process(job_id: int, task_id: str, do_step: Callable[[int, int], None]) -> str:
    """Do what is left of a job, calling do_step(job_id, step_number); returns what became of it, for the log.

    May be called any number of times for the same job, also at the same time: each step's completion is committed
    once. Errors of the database are raised: then the lease ends, and the job is sent again.
    """
    turn = begin(job_id, task_id)
    if not turn:
        return "nothing to do"
    while turn:
        try:
            with kept(turn):
                do_step(turn.job_id, turn.step_number)
        except Exception as error:  # whatever a step may raise: it has failed, and the job says why
            log.exception("job %s failed in step %s", job_id, turn.step_number)
            fail(turn, str(error) or type(error).__name__)
            return "failed"
        turn = advance(turn)
    return "nothing more to do"


def begin(job_id: int, task_id: str) -> Turn | None:
    """Take the job and begin its first step that isn't completed; None where there is nothing to do, or not for us."""
    with store.transaction() as session:
        found = store.locked_with_lease(session, job_id)
        if not found:
            return None
        job, leased = found
        held = job.status is JobStatus.IN_PROGRESS and leased  # by a worker that lives: this message is a second copy
        if job.task_id != task_id or job.status in ENDED or held:
            return None
        completed = {step.step_number for step in job.steps if step.status is StepStatus.COMPLETED}
        number = min(set(range(1, STEPS + 1)) - completed, default=None)
        if number is None:  # STEPS was more when it began
            job.complete()
            return None
        job.attempts += 1
        job.begin_step(number)
        if job.attempts > ATTEMPTS:
            job.fail(number, f"{ATTEMPTS} workers ended in the middle of it")
            return None
        store.lease(job)
        return Turn(job_id, number, job.last_event)


def advance(turn: Turn) -> Turn | None:
    """Commit the step as completed and begin the next; None where it was the last, or the job isn't ours any more.

    A step's effects on this database belong into this transaction: then they are there once, like its completion.
    """
    with store.transaction() as session:
        job = _still_held(session, turn)
        if not job:
            return None
        job.complete_step(turn.step_number)
        if turn.step_number >= STEPS:
            job.complete()
            return None
        job.begin_step(turn.step_number + 1)
        store.lease(job)
        job.attempts = 1
        return Turn(job.id, turn.step_number + 1, job.last_event)


def fail(turn: Turn, reason: str) -> None:
    """Commit the step, and so the job, as failed, if it is still ours."""
    with store.transaction() as session:
        if job := _still_held(session, turn):
            job.fail(turn.step_number, reason)


def _still_held(session: store.Session, turn: Turn) -> Job | None:
    job = store.locked(session, turn.job_id)
    return job if job and job.last_event == turn.last_event else None


@contextmanager
def kept(turn: Turn) -> Iterator[None]:
    """While the block runs, the lease doesn't end, however long that takes."""
    stop = Event()

    def keep() -> None:
        while not stop.wait(LEASE_SECONDS / 3):
            try:
                store.extend_lease(turn.job_id, turn.last_event)
            except SQLAlchemyError as error:
                log.warning("can't extend the lease of job %s, will try again: %s", turn.job_id, error)

    Thread(target=keep, daemon=True).start()
    try:
        yield
    finally:
        stop.set()
