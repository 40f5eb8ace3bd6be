"""Lesson 13 · A web API in front of a worker: tasks about the text files in data/."""

from pathlib import Path
from time import sleep

from celery import Task

from lesson13.names import TaskName
from lesson13.tasks import app

DATA = Path(__file__).with_name("data")
SECONDS_PER_LINE = 0.1  # stands for real work on a line


def document(name: str) -> Path:
    """The file called `name` in data/; refuses one that lies elsewhere, also at the end of a symbolic link."""
    file = (DATA / name).resolve()
    if not file.is_relative_to(DATA.resolve()):
        raise PermissionError(f"{name} leads out of data/")
    if not file.is_file():
        raise FileNotFoundError(f"there is no {name} in data/")  # the caller reads this: no path of ours
    return file


# Who sends a document and its name at the same time may find that the name is faster: so look three times.
@app.task(name=TaskName.COUNT, bind=True, autoretry_for=(FileNotFoundError,), max_retries=2, default_retry_delay=0.5)
def count(self: Task, name: str) -> dict[str, str | int]:
    lines = document(name).read_text().splitlines()
    words = 0
    for number, line in enumerate(lines, start=1):
        words += len(line.split())
        sleep(SECONDS_PER_LINE)
        self.update_state(state="PROGRESS", meta={"current": number, "total": len(lines)})
    return {"name": name, "lines": len(lines), "words": words}
