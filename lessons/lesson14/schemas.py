"""What goes over the wire: the bodies of requests and responses."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from lesson14.model import LARGEST_ID, JobStatus, StepStatus

Id = Annotated[int, Field(ge=1, le=LARGEST_ID)]


class Strict(BaseModel):
    """Refuses what it doesn't know: a misspelled name would be ignored silently."""

    model_config = ConfigDict(extra="forbid")


class NewJob(Strict):
    """Nothing can be chosen yet: {} or no body at all. What your jobs need goes here."""


class JobFilter(Strict):
    """The query of GET /jobs."""

    status: JobStatus | None = None
    limit: int = Field(100, ge=1, le=1000)
    offset: int = Field(0, ge=0, le=LARGEST_ID)


class Health(BaseModel):
    status: str = Field(examples=["ok"])


class JobCreated(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    job_id: Id
    task_id: str = Field(examples=["6f1c2f0e-0f0b-4a56-9d3c-0d9a4b0f6a51"])
    status: JobStatus
    message: str = Field(examples=["Job created and submitted successfully"])


class StepView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: Id
    step_number: int
    status: StepStatus
    message: str | None = Field(examples=["Step 1 completed successfully"])
    started_at: datetime | None
    completed_at: datetime | None


class JobView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: Id
    task_id: str
    status: JobStatus
    created_at: datetime
    updated_at: datetime
    steps: list[StepView] = Field(description="Those that have begun, by number")


class Error(BaseModel):
    code: str = Field(examples=["not_found"])
    message: str = Field(examples=["There is no job 7."])


class Problem(BaseModel):
    """The one shape of every error."""

    error: Error
