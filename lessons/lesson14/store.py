"""Jobs in PostgreSQL: which rows are read, written and locked. Knows no rules; those are the model's and the service's.

What one statement can do is done with AUTOCOMMIT: one round trip, and it is committed when it returns.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, bindparam, func, insert, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as insert_or_not
from sqlalchemy.orm import Session, joinedload

from lesson14.database import autocommit_engine, engine
from lesson14.model import Job, JobEvent, JobStatus
from lesson14.settings import LEASE_SECONDS, SENDING_SECONDS


class Sending(NamedTuple):
    """A job to be sent, as it was when somebody took that on."""

    job_id: int
    task_id: str
    last_event: int


def in_seconds(seconds: float) -> ColumnElement:
    """A time by the database's clock, the one that all processes share."""
    return func.now() + timedelta(seconds=seconds)


@contextmanager
def transaction() -> Iterator[Session]:
    """A session whose work is committed at the end, or not at all; what it has read can be used afterwards."""
    with Session(engine(), expire_on_commit=False) as session, session.begin():
        yield session


def autocommit() -> Connection:
    """A connection on which each statement is a transaction of its own."""
    return autocommit_engine().connect()


# Made once: SQLAlchemy then has their SQL ready.
ADD = insert(Job).values(due_at=in_seconds(SENDING_SECONDS)).returning(Job.id)
ADD_UNLESS_KNOWN = (
    insert_or_not(Job)
    .values(due_at=in_seconds(SENDING_SECONDS))
    .on_conflict_do_nothing(index_elements=[Job.idempotency_key])
    .returning(Job.id)
)


def add(task_id: str) -> int:
    """Commit a new job; returns its id."""
    with autocommit() as connection:
        return connection.execute(ADD, {"task_id": task_id}).scalar_one()


def add_unless_known(task_id: str, key: str) -> int | None:
    """Commit a new job; None where there is one with this idempotency key."""
    with autocommit() as connection:
        return connection.execute(ADD_UNLESS_KNOWN, {"task_id": task_id, "idempotency_key": key}).scalar()


def find(job_id: int) -> Job | None:
    """A job with its steps: one statement, so they belong together."""
    with Session(autocommit_engine()) as session:
        return session.get(Job, job_id, options=[joinedload(Job.steps)])


def find_by_key(key: str) -> Job | None:
    """The job that was created with this idempotency key, without its steps."""
    with Session(autocommit_engine()) as session:
        return session.scalar(select(Job).where(Job.idempotency_key == key))


def search(status: JobStatus | None, limit: int, offset: int) -> Sequence[Job]:
    """Jobs with their steps, the latest first."""
    chosen = select(Job).options(joinedload(Job.steps)).order_by(Job.id.desc()).limit(limit).offset(offset)
    if status:
        chosen = chosen.where(Job.status == status)
    with Session(autocommit_engine()) as session:
        return session.scalars(chosen).unique().all()


def locked(session: Session, job_id: int) -> Job | None:
    """A job that nobody else can change until the transaction ends."""
    return session.get(Job, job_id, with_for_update=True)


def locked_with_lease(session: Session, job_id: int) -> tuple[Job, bool] | None:
    """The same, and whether its lease still runs."""
    found = select(Job, Job.leased_until > func.clock_timestamp()).where(Job.id == job_id).with_for_update(of=Job)
    row = session.execute(found).one_or_none()
    return (row[0], bool(row[1])) if row else None


def lease(job: Job) -> None:
    """A worker has the job, and will say so again before the lease ends."""
    job.due_at = job.leased_until = in_seconds(LEASE_SECONDS)
    job.sent = 0


def extend_lease(job_id: int, last_event: int) -> None:
    """The worker still has the job; nothing happens if it has lost it."""
    extend = update(Job).where(Job.id == job_id, Job.last_event == last_event, Job.due_at.is_not(None))
    with autocommit() as connection:
        until = in_seconds(LEASE_SECONDS)
        connection.execute(extend.values(due_at=until, leased_until=until))


def to_be_sent(job: Job) -> None:
    """The caller takes on to send the job; if it can't, another will soon."""
    job.due_at = in_seconds(SENDING_SECONDS)


def take_due(limit: int) -> list[Sending]:
    """Take on to send the jobs whose time has come. Others asking at the same moment are given other jobs."""
    due = (
        select(Job.id)
        .where(Job.due_at <= func.now())
        .order_by(Job.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")  # looked for once: within the UPDATE, it could be looked for again, and LIMIT would count anew
    )
    take = update(Job).where(Job.id == due.c.id).values(due_at=in_seconds(SENDING_SECONDS))
    with autocommit() as connection:
        rows = connection.execute(take.returning(Job.id, Job.task_id, Job.last_event))
        return sorted(Sending(*row) for row in rows)


def mark_sent(sent: Sequence[Sending]) -> None:
    """The broker has these; each is due again later, and each time twice as late, in case the broker loses it.

    What a worker has taken up meanwhile has another number, and is left alone.
    """
    unchanged = tuple_(Job.id, Job.last_event).in_([(one.job_id, one.last_event) for one in sent])
    wait = func.make_interval(0, 0, 0, 0, 0, 0, LEASE_SECONDS * func.power(2, func.least(Job.sent, 6)))
    with autocommit() as connection:
        connection.execute(
            update(Job).where(unchanged, Job.due_at.is_not(None)).values(sent=Job.sent + 1, due_at=func.now() + wait)
        )


PAST = (
    select(JobEvent.number, JobEvent.data)
    .where(JobEvent.job_id == bindparam("job_id"), JobEvent.number > bindparam("after"))
    .order_by(JobEvent.number)
    .limit(bindparam("most"))
)


def events_after(job_id: int, number: int, most: int = 500) -> list[tuple[int, str]]:
    """The numbers and data of the job's events after that one."""
    with autocommit() as connection:
        return [(row[0], row[1]) for row in connection.execute(PAST, {"job_id": job_id, "after": number, "most": most})]
