"""Lesson 14's claims about its parts: what each of them knows, and which ways a job can go."""

import ast
import subprocess
import sys
from collections.abc import Callable

import pytest

from classroom import catalog
from lesson14.model import JOB_MOVES, Job, JobStatus, WrongTransition
from lesson14.names import TaskNames

pytestmark = pytest.mark.once

LESSON = catalog.find("14")


def test_illegal_transitions_are_refused() -> None:
    """Each that the table doesn't name."""
    ways: dict[JobStatus, Callable[[Job], None]] = {
        JobStatus.IN_PROGRESS: lambda job: job.begin_step(1),
        JobStatus.COMPLETED: Job.complete,
        JobStatus.FAILED: lambda job: job.fail(1, "no"),
        JobStatus.CANCELLED: Job.cancel,
        JobStatus.PENDING: lambda job: job.retry("other"),
    }
    for before in JobStatus:
        for after, go in ways.items():
            job = Job(id=1, task_id="one", status=JobStatus.PENDING, last_event=0, sent=0, attempts=0)
            job.begin_step(1)
            if before is JobStatus.FAILED:
                job.fail(1, "no")
            job.status = before
            if after in JOB_MOVES[before] or before is after is JobStatus.IN_PROGRESS:
                go(job)
                assert job.status is after
            else:
                with pytest.raises(WrongTransition):
                    go(job)
                assert (job.status, job.last_event) == (before, 2 if before is JobStatus.FAILED else 1)
    assert {status for status in JobStatus if not JOB_MOVES[status]} == {JobStatus.COMPLETED, JobStatus.CANCELLED}


def test_the_api_never_knows_the_workers_code() -> None:
    """Importing it loads no task, and no work."""
    code = "import sys, lesson14.api; print(*sorted(m for m in sys.modules if m.startswith('lesson14.')))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"lesson14.tasks", "lesson14.work", "lesson14.worker"} & set(loaded)


def test_the_arrows_point_inwards() -> None:
    """api, tasks → service → store → model: nothing knows who stands further out."""
    order = [{"settings", "names"}, {"model"}, {"database"}, {"store"}, {"dispatcher"}, {"service"}, {"api", "tasks"}]
    for at, names in enumerate(order):
        outer = {f"lesson14.{name}" for further in order[at + 1 :] for name in further}
        for name in names:
            known = set()
            for node in ast.walk(ast.parse((LESSON.folder / f"{name}.py").read_text())):
                if isinstance(node, ast.ImportFrom):
                    known |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
            assert not known & outer, name


def test_the_tasks_name_is_its_value_everywhere() -> None:
    """A StrEnum shows as what it is."""
    assert (
        f"{TaskNames.PROCESS_JOB}" == str(TaskNames.PROCESS_JOB) == TaskNames.PROCESS_JOB.value == "tasks.process_job"
    )
