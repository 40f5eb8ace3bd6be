"""Lesson 16 · The book: what really happened to an order, in files that survive the process that wrote them.

Results say what Celery believes. To know how often a card was charged, count the charges.
An order is the path that its files begin with, so it can travel in a message.
"""

from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep


def note(order: str, what: str) -> int:
    """Write down that this happened to the order; returns how often it has happened by now."""
    with open(f"{order}.{what}", "ab") as page:
        page.write(b".")
        page.flush()
        return page.tell()


def note_once(order: str, what: str) -> None:
    """Write it down unless somebody has: the file system refuses a second file of one name, as a unique key does."""
    with suppress(FileExistsError), open(f"{order}.{what}", "xb") as page:
        page.write(b".")


def count(order: str, what: str) -> int:
    """How often that happened to the order."""
    page = Path(f"{order}.{what}")
    return page.stat().st_size if page.exists() else 0


def pause(order: str, seconds: float) -> None:
    """Return when "go on" is noted for the order, or after that many seconds."""
    deadline = monotonic() + seconds
    while monotonic() < deadline and not count(order, "go on"):
        sleep(0.05)
