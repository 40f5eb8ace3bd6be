"""A second beat of the same app, as somebody starts it by mistake: by a second copy of a container, say."""

import shelve
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from global_config import LESSONS_HOME

FILE = f"{LESSONS_HOME}/lesson10-second-beat"  # a schedule file of its own, as in a container of its own
COMMAND = "-m celery -A lesson10.tasks beat --no-enable-remote-control --schedule"


@contextmanager
def second_beat() -> Iterator[None]:
    """It runs while the block does, however the block ends."""
    quiet = subprocess.DEVNULL
    beat = subprocess.Popen([sys.executable, *COMMAND.split(), FILE], stdin=quiet, stdout=quiet, stderr=quiet)
    try:
        yield
    finally:
        beat.terminate()  # SIGTERM: beat saves its file, and ends
        try:
            beat.wait(10)
        finally:
            beat.kill()  # does nothing to what has ended


def times_sent(entry: str) -> int:
    """How often the second beat has sent this entry, as its schedule file remembers."""
    with shelve.open(FILE, flag="r") as file:
        return int(file["entries"][entry].total_run_count)
