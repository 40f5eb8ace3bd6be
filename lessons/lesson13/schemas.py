"""Lesson 13 · A web API in front of a worker: what travels between the API and its callers."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

LARGEST = 1e15  # up to here a float counts exactly, in any language
ENDED = frozenset({"SUCCESS", "FAILURE", "REVOKED"})

Bounded = Field(ge=-LARGEST, le=LARGEST, allow_inf_nan=False)
Number = Annotated[float, Bounded, Field(strict=True)]  # strict: in JSON, neither "3" nor true is a number
NumberInPath = Annotated[float, Bounded]  # there, all is text
Operation = Literal["add", "subtract", "multiply", "divide"]


class Request(BaseModel):
    """What a caller sends; a field that we don't know is refused."""

    model_config = ConfigDict(extra="forbid")


class Addition(Request):
    x: Annotated[Number, Field(examples=[2])]
    y: Annotated[Number, Field(examples=[5])]


class Calculation(Request):
    """A number, and what to do with it, step by step."""

    start: Annotated[Number, Field(examples=[2])]
    steps: Annotated[
        list[tuple[Operation, Number]],
        Field(min_length=1, max_length=100, examples=[[["add", 3], ["multiply", 4]]]),
    ]


class Numbers(Request):
    numbers: Annotated[list[Number], Field(min_length=1, max_length=100, examples=[[1, 2, 3]])]


class Document(Request):
    """The name of a file in data/: without a slash or a dot at its beginning, so it can't lead out."""

    name: Annotated[str, Field(pattern=r"^\w[\w.-]*$", max_length=100, examples=["walden.txt"])]


class Issued(BaseModel):
    task_id: str


class Accepted(Issued):
    """The work is on its way; ask at `result_url` what became of it."""

    result_url: str


class Progress(BaseModel):
    current: int
    total: int


class Outcome(BaseModel):
    """What became of one task."""

    state: Annotated[str, Field(examples=["SUCCESS"], description="Celery's name for it, or PROGRESS")]
    result: Annotated[Any, Field(description="what it returned, once the state is SUCCESS")] = None
    error: Annotated[str | None, Field(description="why it failed, or has to be tried again")] = None
    progress: Progress | None = None


class Result(Outcome, Issued):
    """What became of the work behind an id."""

    members: Annotated[list[Outcome] | None, Field(description="of a group: its tasks, in order")] = None


class Health(BaseModel):
    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    broker: Literal["ok"] = "ok"
    results: Literal["ok"] = "ok"
    worker: Literal["ok"] = "ok"


class Error(BaseModel):
    code: Annotated[str, Field(examples=["unknown_id"])]
    message: str


class Problem(BaseModel):
    """Every answer that isn't the wanted one looks like this."""

    error: Error
