"""Lesson 11 · The book: what really happened, in files that survive the process that wrote them.

Results say what Celery believes. To know whether a parcel was delivered, and how often, count the deliveries.
"""

from shutil import rmtree
from time import monotonic, sleep

from global_config import LESSONS_HOME

PAGES = LESSONS_HOME / "lesson11-book"


def begin() -> None:
    """Start with an empty book."""
    rmtree(PAGES, ignore_errors=True)
    PAGES.mkdir()


def note(about: str, what: str) -> int:
    """Write down that this happened to a parcel, a shelf or a transfer; returns how often it has happened by now."""
    with open(PAGES / f"{about}.{what}", "ab") as page:
        page.write(b".")
        page.flush()
        return page.tell()


def count(about: str, what: str) -> int:
    """How often that happened to it."""
    page = PAGES / f"{about}.{what}"
    return page.stat().st_size if page.exists() else 0


def pause(about: str, seconds: float) -> None:
    """Return when "go on" is noted for it, or after that many seconds."""
    deadline = monotonic() + seconds
    while monotonic() < deadline and not count(about, "go on"):
        sleep(0.05)
