"""Lesson 11 · The experiments with whole workers: killed, too slow, greedy, told to stop, grown fat."""

from collections.abc import Generator
from contextlib import ExitStack
from itertools import chain
from signal import SIGQUIT, SIGTERM
from time import monotonic
from types import ModuleType

import psutil
from celery import Task
from celery.result import AsyncResult

from lesson11 import ledger, tasks, tasks_redis
from lesson11.tasks import app, deliver, deliver_late, which_process
from lesson11.victims import at_work, help_with, kill, victim, wait_until, waiting

FILES = app.conf.broker_url.startswith("filesystem")  # they stand in for both brokers
BROKERS: dict[str, ModuleType] = {"files": tasks} if FILES else {"RabbitMQ": tasks, "Redis": tasks_redis}


def send(task: Task, queue: str, seconds: float, *parcels: str) -> list[AsyncResult]:
    return [task.apply_async((parcel,), {"seconds": seconds}, queue=queue) for parcel in parcels]


def end(*receipts: AsyncResult) -> None:
    for receipt in receipts:
        receipt.get(timeout=30, interval=0.05)


def wait_for_begun(*parcels: str) -> None:
    wait_until(lambda: made("begun", *parcels) == len(parcels), f"begun: {', '.join(parcels)}")


def made(what: str, *parcels: str) -> int:
    """To how many of the parcels that has happened, once or more often."""
    return sum(ledger.count(what, parcel) > 0 for parcel in parcels)


def machine() -> Generator[None]:
    """a whole worker is killed in the middle of four tasks, and another one reads its queue"""
    with ExitStack() as stack:
        workers = {
            broker: stack.enter_context(victim(module.app, f"{module.app.main}-machine", "--concurrency=4"))
            for broker, module in BROKERS.items()
        }
        yield  # the other experiments begin as well, while these workers start
        for broker, worker in workers.items():
            early, late, seconds = lose_a_machine(broker, BROKERS[broker], worker)
            after = "" if FILES else f", ≈ {seconds:.1f} s after the kill"
            print(f"  before: {early} of 2 delivered · {broker}, early ack")
            print(f"  after:  {late} of 2 delivered · {broker}, acks_late{after}")
    if FILES:
        print("  (a message file is gone when it has been read; only a server can give a message to somebody else)")


def lose_a_machine(broker: str, module: ModuleType, worker: psutil.Popen) -> tuple[int, int, float]:
    """How many deliveries with early ack were made in the end, how many with acks_late, and after how many seconds."""
    queue = f"{module.app.main}-machine"
    early, late = ([f"{broker}, {how} {number}" for number in (1, 2)] for how in ("early", "late"))
    send(module.deliver, queue, 60, *early)
    returning = send(module.deliver_late, queue, 60, *late)
    wait_for_begun(*early, *late)
    wait_until(lambda: at_work(module.app, queue) == 4, "the worker knows that it is at work on four tasks")
    kill(worker)
    killed = monotonic()
    with help_with(module.app, queue):
        end(*send(module.deliver, queue, 0, f"{broker}, the next one"))  # now the queue has been read up to here
        if not FILES:
            end(*returning)
    return made("delivered", *early), made("delivered", *late), monotonic() - killed


def overdue() -> Generator[None]:
    """a task with acks_late takes longer than its message is kept for it: on Redis 2 s here, 1 h unless set"""
    names = {broker: f"{broker}, a heavy parcel" for broker in BROKERS}
    receipts = [send(module.deliver_late, module.app.main, 60, names[broker]) for broker, module in BROKERS.items()]
    yield
    if not FILES:
        wait_until(lambda: ledger.count("begun", names["Redis"]) > 1, "Redis gives the message to somebody else")
    for parcel in names.values():
        ledger.note(parcel, "go on")
    end(*chain(*receipts))
    wait_until(lambda: ledger.count("begun", *names.values()) == ledger.count("delivered", *names.values()), "the end")
    done = {broker: ledger.count("delivered", parcel) for broker, parcel in names.items()}
    if FILES:
        print(f"  after:  {done['files']} of 1 delivered · files")
        print("  (of files nobody hands out a message again, however long its task takes; Redis would deliver twice)")
    else:
        print(f"  before: ≈ {done['Redis']} of 1 delivered · Redis")
        print(f"  after:  {done['RabbitMQ']} of 1 delivered · RabbitMQ, which waits for half an hour")


def prefetch() -> Generator[None]:
    """five short tasks behind a slow one, in a worker with one process; then a second worker comes to help"""
    with ExitStack() as stack:
        stack.enter_context(victim(app, "lesson11-many", "--concurrency=1"))
        stack.enter_context(victim(app, "lesson11-one", "--concurrency=1", "--prefetch-multiplier=1"))
        yield
        for when, queue, task, taken, how in (
            ("before", "lesson11-many", deliver, 1 if FILES else 4, "the default"),
            ("still", "lesson11-one", deliver, 1, "--prefetch-multiplier=1"),
            ("after", "lesson11-one", deliver_late, 0, "--prefetch-multiplier=1, and acks_late"),
        ):
            held = hold_hostage(when, queue, task, taken)
            print(f"  {when + ':':8}{held} of 5 waited for the slow one · {how}")
    if FILES:
        print("  (from a server it would have taken 4 by default; of files it takes one more than it has processes)")


def hold_hostage(when: str, queue: str, task: Task, taken: int) -> int:
    """How many of five short tasks a worker keeps to itself while it is at work on a slow one."""
    slow = send(task, queue, 60, f"{when}: slow")
    wait_for_begun(f"{when}: slow")
    short = send(task, queue, 0, *(f"{when}: short {number}" for number in range(5)))
    wait_until(lambda: waiting(app, queue) == 5 - taken, f"{taken} of 5 messages are taken from {queue}")
    with help_with(app, queue):
        end(short[-1])
        ledger.note(f"{when}: slow", "go on")
        end(*slow, *short)
    return sum(receipt.worker.startswith(queue) for receipt in short)


def shutdown() -> Generator[None]:
    """a worker is told to stop in the middle of two tasks, one with early ack and one with acks_late"""
    softly = "--", "worker.soft_shutdown_timeout=5"
    with ExitStack() as stack:
        cold = stack.enter_context(victim(app, "lesson11-cold", "--concurrency=2"))
        warm = stack.enter_context(victim(app, "lesson11-warm", "--concurrency=2"))
        soft = stack.enter_context(victim(app, "lesson11-soft", "--concurrency=2", *softly, REMAP_SIGTERM="SIGQUIT"))
        yield
        print(f"  before: {stop(cold, SIGQUIT, 'lesson11-cold', 60)} · cold, by SIGQUIT: no time for anything")
        print(f"  after:  {stop(warm, SIGTERM, 'lesson11-warm', 1.5)} · warm, by SIGTERM: as long as its tasks take")
        print(f"  after:  {stop(soft, SIGTERM, 'lesson11-soft', 1.5)} · soft, by SIGTERM as SIGQUIT: 5 s, then cold")


def stop(worker: psutil.Popen, number: int, queue: str, seconds: float) -> str:
    """What becomes of two tasks of so many seconds when their worker is sent a signal and another reads its queue."""
    parcels = f"{queue}, early", f"{queue}, late"
    early, late = *send(deliver, queue, seconds, parcels[0]), *send(deliver_late, queue, seconds, parcels[1])
    wait_for_begun(*parcels)
    wait_until(lambda: at_work(app, queue) == 2, "the worker knows that it is at work on two tasks")
    worker.send_signal(number)
    if number == SIGQUIT:
        wait_until(lambda: waiting(app, queue) == 1, "a message is handed back")
    else:
        end(early)
    with help_with(app, queue):
        end(late)
    return f"{ledger.count('delivered', *parcels)} of 2 delivered, {ledger.count('begun', *parcels)} runs"


def recycle() -> Generator[None]:
    """five tasks, then two that never give 100 MB back, in a worker with one process at a time"""
    limits = "--max-tasks-per-child=2", "--max-memory-per-child=150000"  # the second one in KiB
    with ExitStack() as stack:
        stack.enter_context(victim(app, "lesson11-old", "--concurrency=1"))
        stack.enter_context(victim(app, "lesson11-new", "--concurrency=1", *limits))
        yield
        for when, queue, how in ("before", "lesson11-old", "the default"), ("after", "lesson11-new", " ".join(limits)):
            few = [which_process.apply_async(queue=queue) for _ in range(5)]
            fat = [which_process.apply_async((100,), queue=queue) for _ in range(2)]
            print(f"  {when + ':':8}{ordinals(few)}, and {ordinals(fat)} · {how}")


def ordinals(receipts: list[AsyncResult]) -> str:
    """Process ids as 1, 2, 3, in the order of their first appearance."""
    pids = [receipt.get(timeout=30, interval=0.05)[0] for receipt in receipts]
    order = list(dict.fromkeys(pids))
    return " ".join(str(order.index(pid) + 1) for pid in pids)


EXPERIMENTS = (machine, overdue, prefetch, shutdown, recycle)
