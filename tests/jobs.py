"""For tests of lesson 14: jobs, and their outcome."""

from typing import Any

import httpx
from sqlalchemy import text

from lesson14.database import engine
from tests.island import eventually

THREE_DONE = [(n, "COMPLETED", f"Step {n} completed successfully") for n in (1, 2, 3)]


def created(http: httpx.Client) -> str:
    """The address of a new job."""
    return http.post("/jobs").headers["Location"]


def ended(http: httpx.Client, job: str, seconds: float = 60) -> dict[str, Any]:
    """A job, once it has ended."""

    def look() -> dict[str, Any] | None:
        found = http.get(job).json()
        return found if found["status"] in ("COMPLETED", "FAILED", "CANCELLED") else None

    return eventually(look, f"{job} doesn't end", seconds)


def steps(job: dict[str, Any]) -> list[tuple[int, str, str]]:
    return [(step["step_number"], step["status"], step["message"]) for step in job["steps"]]


def sql(command: str, **values: Any) -> list[Any]:
    """What PostgreSQL answers."""
    with engine().begin() as connection:
        result = connection.execute(text(command), values)
        return list(result) if result.returns_rows else []
