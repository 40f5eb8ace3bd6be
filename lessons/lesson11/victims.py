"""Lesson 11 · Victims: workers that the driver starts in order to end them, each with a queue of its own."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep

import psutil
from celery import Celery
from celery.utils.nodenames import host_format

from global_config import LESSONS_HOME

MODULES = {"lesson11": "lesson11.tasks", "lesson11-redis": "lesson11.tasks_redis"}


@contextmanager
def victim(app: Celery, queue: str, *options: str, **environment: str) -> Iterator[psutil.Popen]:
    """A worker on `queue`, starting up; with the block it ends, whatever happens, and its queue goes too.

    It stays in our process group: what ends us by the group, as Ctrl-C does, ends it as well.
    """
    command = f"{sys.executable} -m celery -A {MODULES[app.main]} worker --loglevel=info --hostname={queue}@%h"
    with app.connection_for_write() as connection:
        app.amqp.queues[queue](connection.default_channel).declare()  # messages may come before the worker does
        connection.default_channel.queue_purge(queue)  # of a driver that was killed in the middle
    with Path(LESSONS_HOME, f"{queue}.log").open("w") as log:
        worker = psutil.Popen(
            [*command.split(), f"--queues={queue}", *options],
            env={**os.environ, "TMPDIR": str(LESSONS_HOME), **environment},  # who is killed tidies nothing up there
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        yield worker
    finally:
        kill(worker)
        forget(app, queue)


def kill(worker: psutil.Popen) -> None:
    """SIGKILL for a whole worker, as when its container or its machine goes down."""
    family: list[psutil.Process] = [worker]
    with suppress(psutil.NoSuchProcess):
        worker.suspend()  # so that it neither sees its children die nor makes new ones
        family += worker.children(recursive=True)
    for process in family:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    worker.wait()


def forget(app: Celery, queue: str) -> None:
    """Leave no queue behind on the broker, nor its exchange."""
    with app.connection_for_write() as connection:
        connection.default_channel.queue_purge(queue)
        connection.default_channel.queue_delete(queue)
        connection.default_channel.exchange_delete(queue)


@contextmanager
def help_with(app: Celery, queue: str) -> Iterator[None]:
    """Meanwhile the lesson's own worker reads that queue as well."""
    helper = [host_format("worker@%h" if app.main == "lesson11" else "worker-redis@%h")]
    app.control.add_consumer(queue, destination=helper, reply=True, timeout=10)
    try:
        yield
    finally:
        app.control.cancel_consumer(queue, destination=helper, reply=True, timeout=10)


def waiting(app: Celery, queue: str) -> int:
    """How many messages lie in the queue: those that no worker has taken, or that came back."""
    with app.connection_for_write() as connection:
        try:
            return int(connection.default_channel.queue_declare(queue, passive=True).message_count)
        except connection.channel_errors:  # Redis knows no empty queues
            return 0


def at_work(app: Celery, queue: str) -> int:
    """How many tasks the victim on that queue says it is at work on; those with early ack are acknowledged by then."""
    replies = app.control.inspect(destination=[host_format(f"{queue}@%h")], timeout=2).active() or {}
    return sum(map(len, replies.values()))


def wait_until(fact: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Return as soon as `fact` is true; TimeoutError says what was waited for."""
    deadline = monotonic() + seconds
    while not fact():
        if monotonic() > deadline:
            raise TimeoutError(f"in {seconds} s this didn't come about: {what}")
        sleep(0.02)
