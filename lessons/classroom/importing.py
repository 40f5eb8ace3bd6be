"""Import an answer, and name a line of it that must not run then: workers import the file too."""

import importlib
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

GUARD = 'if __name__ == "__main__":'


class AtImport(BaseException):
    """The answer does at import what would only work later; no Exception, so that Celery lets it through."""


def import_answer() -> ModuleType:
    """The module `exercise`; raises AtImport if it sends a task or starts a worker meanwhile."""
    with refused_at_import():
        return importlib.import_module("exercise")


@contextmanager
def refused_at_import() -> Iterator[None]:
    """Refuse in the block to send a task, which no worker would take yet, and to start a worker."""
    from celery.signals import before_task_publish, celeryd_init

    def sends(**_: object) -> None:
        raise AtImport("The answer sends a task while it is imported.")

    def starts(**_: object) -> None:
        raise AtImport("The answer starts a worker while it is imported.")

    before_task_publish.connect(sends, weak=False)
    celeryd_init.connect(starts, weak=False)
    try:
        yield
    finally:
        before_task_publish.disconnect(sends)
        celeryd_init.disconnect(starts)


def advice(error: BaseException, file: Path) -> str:
    """Name the line of the answer's top level at which a call of it failed, and the guard; "" for any other error."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
    if not frames or (first := frames[0]).name != "<module>":
        return ""
    line = first.line or ""
    ends_all, types = not isinstance(error, Exception), "reading from stdin" in str(error)
    if not (ends_all or types or len(frames) > 1 or "worker_main" in line):
        return ""
    return (
        f"at exercise.py, line {first.lineno}: {line}\n"
        f"This line runs whenever the file is imported, and each worker imports it. If it is there to try your "
        f"answer, put it below {GUARD}"
    )
