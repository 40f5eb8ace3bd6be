"""Lesson 07 · Bound tasks: what can be named after the id of the call."""

from pathlib import Path

from celery import Task
from celery.utils.log import get_task_logger

from global_config import LESSONS_HOME
from lesson07.tasks import app

FOLDER = Path(LESSONS_HOME, "lesson07")  # reports, and a cache with one file for each key: in a project, use Redis
FOLDER.mkdir(parents=True, exist_ok=True)
log = get_task_logger(__name__)  # writes the task's name and id before each message


def write_whole(file: Path, text: str) -> None:
    """Write a file so that its name appears when all of it is there, even if this process is killed before that."""
    unfinished = file.with_name(f"unfinished:{file.name}")
    unfinished.write_text(text)
    unfinished.replace(file)


@app.task(bind=True, max_retries=3, name="report.make")
def make_report(self: Task, month: int, jams: int) -> tuple[str, str]:
    figures = FOLDER / f"result:{self.request.id}"  # a cache key
    progress = FOLDER / f"progress:{self.request.id}"  # another one, for whoever knows the id
    report = FOLDER / f"output_{self.request.id[:8]}.txt"  # a name short enough to read out

    how = "found in the cache" if figures.exists() else "worked out"
    if how == "worked out":
        write_whole(figures, f"sales of month {month}")  # stands for the expensive part
    write_whole(progress, "1 of 2 steps")
    log.info("run %s, figures %s", self.request.retries + 1, how)

    if self.request.retries < jams:
        raise self.retry(exc=OSError("the printer is jammed"), countdown=0.2)
    write_whole(report, figures.read_text())
    write_whole(progress, "2 of 2 steps")
    return how, report.name
