"""What goes over the wire: the bodies of requests and responses."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from lesson15.model import LARGEST_ID, Kind, Stage, Status

Id = Annotated[int, Field(ge=1, le=LARGEST_ID)]


class Strict(BaseModel):
    """Refuses what it doesn't know: a misspelled name would be ignored silently."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class DocumentFilter(Strict):
    """The query of GET /documents."""

    status: Status | None = None
    limit: int = Field(100, ge=1, le=1000)
    offset: int = Field(0, ge=0, le=LARGEST_ID)


class Question(Strict):
    """A question about all documents, or about some."""

    question: str = Field(min_length=1, max_length=1000, examples=["How long are documents kept?"])
    documents: list[Id] | None = Field(None, min_length=1, max_length=100, description="Only these")


class Health(BaseModel):
    status: str = Field(examples=["ok"])


class Uploaded(BaseModel):
    document_id: Id
    status: Status
    message: str = Field(examples=["Upload accepted"])


class Started(BaseModel):
    """The words of the older system: there, a document was called an upload."""

    message: str = Field(examples=["Processing started"])
    upload_id: Id
    task_id: str


class DocumentView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: Id
    name: str = Field(examples=["handbook.pdf"])
    kind: Kind
    size: int = Field(description="bytes")
    status: Status
    stage: Stage
    message: str
    progress: int = Field(ge=0, le=100, description="percent")
    attempt: int
    pages: int | None
    chunks: int | None = Field(description="passages, once they are known")
    last_event: int = Field(description="An event with this number, or a lower one, is old news")
    created_at: datetime
    updated_at: datetime


class Passage(BaseModel):
    document_id: Id
    document: str
    page: int
    score: float = Field(description="How much alike question and passage are: 1 at most")
    text: str


class Answer(BaseModel):
    question: str
    answer: str | None = Field(description="None where nothing was found")
    passages: list[Passage]


class Error(BaseModel):
    code: str = Field(examples=["not_found"])
    message: str = Field(examples=["There is no document 7."])


class Problem(BaseModel):
    """The one shape of every error."""

    error: Error
