"""Lesson 11 · Reliable workers: break them, count what is left, and fix them.

python -m lesson11.call_tasks
python -m lesson11.call_tasks child        only this experiment
"""

import sys

from celery.result import AsyncResult

from classroom.driver import run_driver
from lesson11 import book, money, workers
from lesson11.tasks import app, deliver, deliver_late, deliver_rejecting, deliver_retrying, take_stock, transfer


def outcome(result: AsyncResult) -> str:
    """What the caller gets: the return value of the task, or the name of its exception."""
    value = result.get(timeout=30, propagate=False, interval=0.05)
    return type(value).__name__ if isinstance(value, Exception) else str(value)


def child() -> None:
    """the pool process that runs a task is killed"""
    ways = {
        "parcel 1": (deliver, "before: {} of 1 delivered · early ack, the default: {}"),
        "parcel 2": (deliver_late, "still:  {} of 1 delivered · acks_late: {}"),
        "parcel 3": (deliver_rejecting, "after:  {} of 1 delivered · acks_late and reject_on_worker_lost: {}"),
        "parcel 4": (deliver_retrying, "after:  {} of 1 delivered · retry_on_worker_lost: {}"),
    }
    results = {parcel: task.delay(parcel, deaths=1) for parcel, (task, _) in ways.items()}
    for parcel, (_, line) in ways.items():
        said = outcome(results[parcel])
        print(" ", line.format(book.count(parcel, "delivered"), said))


def twice() -> None:
    """a transfer of 30 is killed once the money has moved, and so it runs again"""
    with money.empty_table():
        results = transfer.delay("order 1", 30, once=False), transfer.delay("order 2", 30, once=True)
        said = [outcome(result) for result in results]
        print(f"  before: money moved: {money.moved('order 1')} (expected 30) · the second run: {said[0]}")
        print(f"  after:  money moved: {money.moved('order 2')} (expected 30) · with a unique key: {said[1]}")


def lock() -> None:
    """two tasks take stock of one shelf at the same time"""
    print(f"  before: {most_at_once('shelf 1', locked=False)} at once")
    print(f"  after:  {most_at_once('shelf 2', locked=True)} at once · a lock that is released when its holder dies")


def most_at_once(shelf: str, locked: bool) -> int:
    """Send two tasks to a shelf; returns how many of them were there at once."""
    results = [take_stock.delay(shelf, locked) for _ in range(2)]
    workers.wait_until(lambda: book.count(shelf, "begun") + book.count(shelf, "left") == 2, f"two came to {shelf}")
    book.note(shelf, "go on")
    return max(result.get(timeout=30, interval=0.05) for result in results)


EXPERIMENTS = {one.__name__: one for one in (child, twice, lock, workers.shutdown, workers.recycle)}


def main(*names: str) -> None:
    book.begin()
    for name in names or EXPERIMENTS:
        print(f"{name}: {EXPERIMENTS[name].__doc__}", flush=True)
        EXPERIMENTS[name]()


if __name__ == "__main__":
    if unknown := set(sys.argv[1:]) - set(EXPERIMENTS):
        there = ", ".join(EXPERIMENTS)
        print(f"There is no experiment {', '.join(sorted(unknown))}; there are: {there}.", file=sys.stderr)
        sys.exit(2)
    run_driver(lambda: main(*sys.argv[1:]), app)
