"""Lesson 11 · Two experiments with workers of their own: one is told to stop, one replaces its processes."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from signal import SIGQUIT, SIGTERM
from time import monotonic, sleep

import psutil
from celery.result import AsyncResult
from celery.utils.nodenames import host_format

from global_config import LESSONS_HOME
from lesson11 import book
from lesson11.tasks import app, deliver, deliver_late, which_process


def shutdown() -> None:
    """a worker is told to stop while it runs two tasks, one with early ack and one with acks_late"""
    with worker("lesson11-cold", "--concurrency=2") as cold:
        early, late = two_tasks("lesson11-cold")
        cold.send_signal(SIGQUIT)
        with worker("lesson11-warm", "--concurrency=2", "--queues=lesson11-cold,lesson11-warm") as warm:
            tell("before", "lesson11-cold", early, late, "cold, by SIGQUIT")
            early, late = two_tasks("lesson11-warm")
            warm.send_signal(SIGTERM)
            for how in "early", "late":
                book.note(f"lesson11-warm, {how}", "go on")
            warm.wait(timeout=30)  # for the end of its tasks, and then its own
            tell("after", "lesson11-warm", early, late, "warm, by SIGTERM")


def two_tasks(queue: str) -> list[AsyncResult]:
    """Have the worker of that queue run two long tasks, and return once it knows that it does."""
    ways = {"early": deliver, "late": deliver_late}
    results = [task.apply_async((f"{queue}, {how}",), {"seconds": 60}, queue=queue) for how, task in ways.items()]
    wait_until(lambda: all(book.count(f"{queue}, {how}", "begun") for how in ways), "both tasks have begun")
    wait_until(lambda: running_tasks(queue) == 2, "the worker knows, and has acknowledged the one with early ack")
    return results


def tell(when: str, queue: str, early: AsyncResult, late: AsyncResult, how: str) -> None:
    """Print what happened to the two tasks."""
    late.get(timeout=30, interval=0.05)
    wait_until(lambda: early.state in ("SUCCESS", "RETRY"), "the worker has stored the state of the other task")
    delivered = sum(book.count(f"{queue}, {way}", "delivered") for way in ("early", "late"))
    said = early.result if early.successful() else early.state
    print(f"  {when + ':':8}{delivered} of 2 delivered · {how}; early ack: {said}, acks_late: {late.result}")


def recycle() -> None:
    """five tasks, then two that never give 100 MB back, in a worker with one process at a time"""
    limits = "--max-tasks-per-child=2", "--max-memory-per-child=150000"  # the second one in KiB
    with worker("lesson11-old", "--concurrency=1"), worker("lesson11-new", "--concurrency=1", *limits):
        for when, queue, how in ("before", "lesson11-old", "the default"), ("after", "lesson11-new", " ".join(limits)):
            few = [which_process.apply_async(queue=queue) for _ in range(5)]
            fat = [which_process.apply_async((100,), queue=queue) for _ in range(2)]
            print(f"  {when + ':':8}processes {ordinals(few)}, and {ordinals(fat)} · {how}")


def ordinals(results: list[AsyncResult]) -> str:
    """Process ids as 1, 2, 3, in the order of their first appearance."""
    pids = [result.get(timeout=30, interval=0.05) for result in results]
    order = list(dict.fromkeys(pids))
    return " ".join(str(order.index(pid) + 1) for pid in pids)


@contextmanager
def worker(queue: str, *options: str) -> Iterator[psutil.Popen]:
    """Start a worker that reads `queue`. Leaving the block kills it and deletes the queue.

    The worker stays in our process group, so Ctrl-C ends it as well.
    """
    command = f"{sys.executable} -m celery -A lesson11.tasks worker --loglevel=info --hostname={queue}@%h"
    with app.connection_for_write() as connection:
        app.amqp.queues[queue](connection.default_channel).declare()  # messages may come before the worker does
        connection.default_channel.queue_purge(queue)  # those of a driver that was killed
    with open(LESSONS_HOME / f"{queue}.log", "w") as log:
        process = psutil.Popen(
            [*command.split(), f"--queues={queue}", *options],
            env={**os.environ, "TMPDIR": str(LESSONS_HOME)},  # a killed worker leaves its temporary files there
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        yield process
    finally:
        kill(process)
        with app.connection_for_write() as connection:
            connection.default_channel.queue_delete(queue)
            connection.default_channel.exchange_delete(queue)


def kill(process: psutil.Popen) -> None:
    """SIGKILL for a whole worker, as when its container or its machine goes down."""
    family: list[psutil.Process] = [process]
    with suppress(psutil.NoSuchProcess):
        process.suspend()  # so that it neither sees its children die nor makes new ones
        family += process.children(recursive=True)
    for one in family:
        with suppress(psutil.NoSuchProcess):
            one.kill()
    process.wait()


def running_tasks(queue: str) -> int:
    """How many tasks the worker of that queue says it is running."""
    replies = app.control.inspect(destination=[host_format(f"{queue}@%h")], timeout=2).active() or {}
    return sum(map(len, replies.values()))


def wait_until(fact: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Return as soon as `fact` is true; TimeoutError says what was waited for."""
    deadline = monotonic() + seconds
    while not fact():
        if monotonic() > deadline:
            raise TimeoutError(f"in {seconds} s this didn't come about: {what}")
        sleep(0.02)
