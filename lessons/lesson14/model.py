"""Jobs, their steps and their events: which changes are legal. Knows tables, but neither sessions nor queues."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import ClassVar, TypeVar

from sqlalchemy import DateTime, Enum, ForeignKey, Index, Integer, MetaData, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, WriteOnlyMapped, mapped_column, relationship

from lesson14.settings import MESSAGE_LENGTH

SCHEMA = "lesson14"  # the database is shared with others; PostgreSQL's schemas keep the tables apart
LARGEST_ID = 2**31 - 1  # of PostgreSQL's integer


class JobStatus(StrEnum):
    PENDING = "PENDING"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class StepStatus(StrEnum):
    """A step that hasn't begun has no row."""

    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


J, S = JobStatus, StepStatus
JOB_MOVES: Mapping[JobStatus, set[JobStatus]] = {
    J.PENDING: {J.IN_PROGRESS, J.CANCELLED},
    J.IN_PROGRESS: {J.COMPLETED, J.FAILED, J.CANCELLED},
    J.COMPLETED: set(),
    J.FAILED: {J.PENDING},  # a retry
    J.CANCELLED: set(),
}
STEP_MOVES: Mapping[StepStatus, set[StepStatus]] = {
    S.IN_PROGRESS: {S.IN_PROGRESS, S.COMPLETED, S.FAILED, S.CANCELLED},  # begun again, where a worker died over it
    S.COMPLETED: set(),
    S.FAILED: {S.IN_PROGRESS},  # a retry
    S.CANCELLED: set(),
}
ENDED = {status for status in JobStatus if status not in (J.PENDING, J.IN_PROGRESS)}


class WrongTransition(Exception):
    """A job or step can't go from where it is to where somebody wants it."""


Status = TypeVar("Status", JobStatus, StepStatus)


def moved(what: str, moves: Mapping[Status, set[Status]], before: Status, after: Status) -> Status:
    """`after`, if one can get there from `before`; WrongTransition if not."""
    if after not in moves[before]:
        raise WrongTransition(f"{what} is {before}, and can't become {after}.")
    return after


def utcnow() -> datetime:
    """Now, aware, in UTC: a naive time means something else in each time zone."""
    return datetime.now(UTC)


def named(statuses: type[StrEnum]) -> Enum:
    """A column type: VARCHAR in the database, a StrEnum in Python."""
    return Enum(statuses, native_enum=False, length=20, create_constraint=False)


class Base(DeclarativeBase):
    metadata = MetaData(
        schema=SCHEMA,
        naming_convention={  # so that a migration can name what it drops
            "ix": "ix_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        },
    )
    type_annotation_map: ClassVar = {
        datetime: DateTime(timezone=True),
        JobStatus: named(JobStatus),
        StepStatus: named(StepStatus),
    }


class Job(Base):
    """A job. Whoever changes it holds its row's lock: the store's `locked` takes it.

    `last_event` numbers the job's events, and so its changes: who finds another number than the one that it left has
    lost the job to somebody else. At `due_at` the dispatcher sends the job, again if need be; None: never. A worker has
    it until `leased_until`, and moves both as long as it lives.
    """

    __tablename__ = "jobs"

    id: Mapped[int] = mapped_column(primary_key=True)
    task_id: Mapped[str] = mapped_column(String, unique=True)
    status: Mapped[JobStatus] = mapped_column(index=True, default=JobStatus.PENDING)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    updated_at: Mapped[datetime] = mapped_column(default=utcnow)
    idempotency_key: Mapped[str | None] = mapped_column(String, unique=True)
    last_event: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    due_at: Mapped[datetime | None]
    leased_until: Mapped[datetime | None]
    sent: Mapped[int] = mapped_column(Integer, default=0, server_default="0")  # times since a worker last had it
    attempts: Mapped[int] = mapped_column(Integer, default=0, server_default="0")  # workers that began this step

    steps: Mapped[list["JobStep"]] = relationship(order_by="JobStep.step_number", cascade="save-update, merge")
    events: WriteOnlyMapped["JobEvent"] = relationship(cascade="save-update, merge", passive_deletes=True)

    __table_args__ = (
        Index("ix_jobs_due_at", "due_at", postgresql_where="due_at IS NOT NULL"),  # holds the unfinished alone
    )

    def step(self, number: int) -> "JobStep | None":
        """The step of this number, if it has ever begun."""
        return next((step for step in self.steps if step.step_number == number), None)

    def begin_step(self, number: int) -> None:
        """A worker begins a step, for the first time or again; with the first one the job is in progress."""
        if self.status is not JobStatus.IN_PROGRESS:
            self._move(JobStatus.IN_PROGRESS)
        step = self.step(number)
        if step is None:
            step = JobStep(step_number=number, status=StepStatus.IN_PROGRESS)
            self.steps.append(step)
        step.start()
        self._tell(step)

    def complete_step(self, number: int) -> None:
        """The step's work is done."""
        step = self._begun(number)
        step.complete()
        self._tell(step)

    def complete(self) -> None:
        """All its steps are done."""
        self._move(JobStatus.COMPLETED)
        self._tell()

    def fail(self, number: int, reason: str) -> None:
        """A step failed, and so the job."""
        self._move(JobStatus.FAILED)
        step = self._begun(number)
        step.fail(reason)
        self._tell(step)

    def cancel(self) -> None:
        """Nobody wants it any more, and neither the step that is being worked on."""
        self._move(JobStatus.CANCELLED)
        running = next((step for step in self.steps if step.status is StepStatus.IN_PROGRESS), None)
        if running:
            running.cancel()
        self._tell(running)

    def retry(self, task_id: str) -> None:
        """To be worked on again, as a new task; what is completed stays so."""
        self._move(JobStatus.PENDING)
        self.task_id = task_id
        self.sent = self.attempts = 0
        self._tell()

    def _begun(self, number: int) -> "JobStep":
        step = self.step(number)
        if step is None:
            raise WrongTransition(f"Step {number} of job {self.id} hasn't begun.")
        return step

    def _move(self, status: JobStatus) -> None:
        self.status = moved(f"Job {self.id}", JOB_MOVES, self.status, status)
        if status in ENDED:
            self.due_at = None  # an ended job is never sent again

    def _tell(self, step: "JobStep | None" = None) -> None:
        """Record what has just changed as the next event."""
        self.updated_at = utcnow()
        self.last_event += 1
        told = {
            "job_id": self.id,
            "status": self.status,
            "step_number": step and step.step_number,
            "step_status": step and step.status,
            "message": step and step.message,
            "at": self.updated_at.isoformat(),
        }
        self.events.add(JobEvent(number=self.last_event, data=json.dumps(told)))


class JobStep(Base):
    """One step of a job, from when it first began. Changed by its job, under the job's lock."""

    __tablename__ = "job_steps"

    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey(Job.id, ondelete="CASCADE"), index=True)
    step_number: Mapped[int]
    status: Mapped[StepStatus]
    message: Mapped[str | None] = mapped_column(Text)
    started_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]

    __table_args__ = (UniqueConstraint("job_id", "step_number"),)

    def start(self) -> None:
        self._move(StepStatus.IN_PROGRESS, f"Processing step {self.step_number}")
        self.started_at, self.completed_at = utcnow(), None

    def complete(self) -> None:
        self._move(StepStatus.COMPLETED, f"Step {self.step_number} completed successfully")
        self.completed_at = utcnow()

    def fail(self, reason: str) -> None:
        self._move(StepStatus.FAILED, f"Step {self.step_number} failed: {reason}")
        self.completed_at = utcnow()

    def cancel(self) -> None:
        self._move(StepStatus.CANCELLED, f"Step {self.step_number} cancelled")
        self.completed_at = utcnow()

    def _move(self, status: StepStatus, message: str) -> None:
        self.status = moved(f"Step {self.step_number}", STEP_MOVES, self.status, status)
        storable = message.replace("\0", "").encode("utf-8", "replace").decode()  # what PostgreSQL's text can hold
        self.message = storable[:MESSAGE_LENGTH]


class JobEvent(Base):
    """A change of a job that listeners are told about, numbered from 1. A trigger notifies them at COMMIT."""

    __tablename__ = "job_events"

    job_id: Mapped[int] = mapped_column(ForeignKey(Job.id, ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    data: Mapped[str] = mapped_column(Text)  # JSON, as it is sent to them
