"""Lesson 11 · Reliable workers: break them, count what is left, and mend them.

python -m lesson11.call_tasks
python -m lesson11.call_tasks child        one experiment alone
"""

import sys
from collections.abc import Callable, Generator
from contextlib import ExitStack, closing

from celery.result import AsyncResult

from classroom.driver import run_driver
from lesson11 import ledger, tasks_redis, whole_workers
from lesson11.tasks import app, deliver, deliver_late, deliver_rejecting, deliver_retrying, take_stock, transfer
from lesson11.victims import wait_until


def outcome(receipt: AsyncResult) -> str:
    result = receipt.get(timeout=30, propagate=False, interval=0.05)
    return type(result).__name__ if isinstance(result, Exception) else str(result)


def child() -> Generator[None]:
    """the process of a task is killed in the middle of it"""
    ways = {
        deliver: "before: {} of 2 delivered · early ack, the default:",
        deliver_late: "still:  {} of 2 delivered · acks_late:",
        deliver_retrying: "after:  {} of 2 delivered · retry_on_worker_lost:",
    }
    parcels = {deliver: ("parcel 1", "parcel 2"), deliver_late: ("parcel 3", "parcel 4")}
    parcels[deliver_retrying] = "parcel 5", "parcel 6"
    receipts = {task: [task.delay(parcel, deaths=1) for parcel in parcels[task]] for task in ways}
    yield  # the other experiments begin as well
    for task, line in ways.items():
        said = {outcome(receipt) for receipt in receipts[task]}
        print(f"  {line.format(ledger.count('delivered', *parcels[task]))}", *said)


def poison() -> Generator[None]:
    """a task kills every process that runs it, three of them"""
    ways = {
        deliver_rejecting: "before: {} runs · reject_on_worker_lost, which would go on like that for ever:",
        deliver_retrying: f"after:  {{}} runs · retry_on_worker_lost, max_retries={deliver_retrying.max_retries}:",
    }
    parcels = {deliver_rejecting: "poison 1", deliver_retrying: "poison 2"}
    receipts = {task: task.delay(parcels[task], deaths=3) for task in ways}
    yield
    for task, line in ways.items():
        said = outcome(receipts[task])
        print(f"  {line.format(ledger.count('begun', parcels[task]))}", said)


def twice() -> Generator[None]:
    """a transfer of 30 is killed when the money has moved, and so it is run again"""
    receipts = transfer.delay("order 1", 30, once=False), transfer.delay("order 2", 30, once=True)
    yield
    said = [outcome(receipt) for receipt in receipts]
    print(f"  before: {ledger.booked('order 1')} of 30 moved · the second run: {said[0]}")
    print(f"  after:  {ledger.booked('order 2')} of 30 moved · with the order's number as a unique key: {said[1]}")


def lock() -> Generator[None]:
    """two tasks take stock of one shelf at the same time"""
    receipts = {shelf: [take_stock.delay(shelf, shelf == "alone") for _ in range(2)] for shelf in ("together", "alone")}
    yield
    wait_until(lambda: ledger.count("begun", *receipts) + ledger.count("left", *receipts) == 4, "two at each shelf")
    for shelf in receipts:
        ledger.note(shelf, "go on")
    together, alone = (max(outcome(receipt) for receipt in receipts[shelf]) for shelf in receipts)
    print(f"  before: {together} at once")
    print(f"  after:  {alone} at once · a lock that dies with its holder")


EXPERIMENTS: dict[str, Callable[[], Generator[None]]] = {
    one.__name__: one for one in (child, poison, twice, lock, *whole_workers.EXPERIMENTS)
}


def main(*names: str) -> None:
    with ledger.opened(), ExitStack() as stack:
        begun = {name: stack.enter_context(closing(EXPERIMENTS[name]())) for name in names or EXPERIMENTS}
        for experiment in begun.values():
            next(experiment)  # to its yield: workers start and tasks are sent, for all experiments side by side
        for name, experiment in begun.items():
            print(f"{name}: {EXPERIMENTS[name].__doc__}", flush=True)
            next(experiment, None)  # to its end: wait, count and tell


if __name__ == "__main__":
    if unknown := set(sys.argv[1:]) - set(EXPERIMENTS):
        there = ", ".join(EXPERIMENTS)
        print(f"There is no experiment {', '.join(sorted(unknown))}; there are: {there}.", file=sys.stderr)
        sys.exit(2)
    run_driver(lambda: main(*sys.argv[1:]), app, tasks_redis.app)
