"""Lesson 13 · A web API in front of a worker: tasks about the text files in data/."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import sleep

from celery import Task
from celery.utils.log import get_task_logger

from lesson13.names import TaskNames
from lesson13.tasks import app

log = get_task_logger(__name__)
DATA = Path(__file__).with_name("data")
SECONDS_PER_LINE = 0.1  # stands for real work on a line


def document(name: str) -> Path:
    """The file called `name` in data/; refuses one that lies elsewhere, also at the end of a symbolic link."""
    with without_our_paths(name):
        file = (DATA / name).resolve()
        found = file.is_file()
    if not file.is_relative_to(DATA.resolve()):
        raise PermissionError(f"{name} leads out of data/")
    if not found:
        raise FileNotFoundError(f"there is no {name} in data/")
    return file


@contextmanager
def without_our_paths(name: str) -> Iterator[None]:
    """Raise PermissionError for whatever keeps a file from being read: callers read it, so it has no path of ours."""
    try:
        yield
    except (OSError, RuntimeError) as error:  # RuntimeError: a link that leads to itself, up to Python 3.12
        log.warning("%s can't be read: %s", name, error)
        raise PermissionError(f"{name} can't be read") from None


# Who sends a document and its name at the same time may find that the name is faster: so look three times.
@app.task(name=TaskNames.COUNT, bind=True, autoretry_for=(FileNotFoundError,), max_retries=2, default_retry_delay=0.5)
def count(self: Task, name: str) -> dict[str, str | int]:
    file = document(name)
    with without_our_paths(name):
        lines = file.read_text().splitlines()
    words = 0
    for number, line in enumerate(lines, start=1):
        words += len(line.split())
        sleep(SECONDS_PER_LINE)
        self.update_state(state="PROGRESS", meta={"current": number, "total": len(lines)})
    return {"name": name, "lines": len(lines), "words": words}
