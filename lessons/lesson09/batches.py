"""Lesson 09: tasks that each take a batch, and the splitting into batches that none is too large for."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from celery.result import AsyncResult
from sqlalchemy import update

from global_config import LESSONS_HOME
from lesson09 import rows
from lesson09.tasks import app

FOLDER = Path(LESSONS_HOME, "lesson09")  # on several hosts: a store that all of them reach, and keys instead of names
MOST_BYTES = 50_000_000  # of all files of a batch
MOST_ADDRESSES = 100


@app.task(name="orders.handle")  # by topic, not by module (lesson 06)
def handle_orders(first: int, last: int) -> int:
    """The orders with these ids and all between them: two numbers travel, and the worker fetches the rows."""
    with rows.engine.begin() as connection:
        orders = update(rows.orders).where(rows.orders.c.id.between(first, last))
        return connection.execute(orders.values(handled=rows.orders.c.handled + 1)).rowcount


@app.task(name="orders.handle_next")
def handle_next_orders(after: int) -> tuple[int, int]:
    """The next orders after the id `after`, as many as the setting says now; returns the last id, and how many."""
    page = rows.bounds_after(after, rows.batch_size())
    if not page:
        return after, 0
    first, last, _ = page
    return last, handle_orders(first, last)  # called as a plain function, here and now


@app.task(name="files.read")
def read_files(names: list[str]) -> int:
    """How many bytes there were; read by the megabyte, so that the largest file needs no more memory than that."""
    total = 0
    for name in names:
        with open(FOLDER / name, "rb") as file:
            while block := file.read(1_000_000):
                total += len(block)
    return total


def send_files(batches: Iterable[Sequence[Path]]) -> list[AsyncResult]:
    """Send a task for each batch; ValueError before the first is sent if any of them is over MOST_BYTES."""
    checked = [list(batch) for batch in batches]
    for batch in checked:
        if (total := sum(path.stat().st_size for path in batch)) > MOST_BYTES:
            raise ValueError(
                f"{' + '.join(path.name for path in batch)}: {total / 1e6:.0f} MB, and a task takes at most "
                f"{MOST_BYTES / 1e6:.0f} MB"
            )
    return [read_files.delay([path.name for path in batch]) for batch in checked]


def pack(paths: Iterable[Path]) -> list[list[Path]]:
    """The files in batches, each filled until the next file would be too much; a file that is larger comes alone."""
    batches: list[list[Path]] = []
    room = 0
    for path in paths:
        size = path.stat().st_size
        if not batches or size > room:
            batches.append([])
            room = MOST_BYTES
        batches[-1].append(path)
        room -= size
    return batches


@app.task(name="mail.send")
def send_mail(address: str) -> str:
    if "@" not in address:
        raise ValueError(f"{address!r} is no address")
    return address


@app.task(name="mail.send_all")
def send_mails(addresses: list[str]) -> tuple[int, dict[str, str]]:
    """How many were sent, and which weren't, with the reason: one bad address doesn't take the others along."""
    failed = {}
    for address in addresses:
        try:
            send_mail(address)
        except ValueError as error:  # what is known to go wrong with one item; all else is a bug, and fails the task
            failed[address] = str(error)
    return len(addresses) - len(failed), failed


def mail(addresses: list[str]) -> AsyncResult:
    """Send a task for these addresses; ValueError if they are more than MOST_ADDRESSES."""
    if len(addresses) > MOST_ADDRESSES:
        raise ValueError(f"{len(addresses)} addresses, and a task takes at most {MOST_ADDRESSES}")
    return send_mails.delay(addresses)
