"""Lesson 16 · The laboratory: what an experiment is, workers to break, and facts to wait for."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from inspect import cleandoc
from itertools import count
from pathlib import Path
from threading import Event
from time import monotonic, sleep
from types import ModuleType
from typing import Any, TypeVar

import psutil
from celery import Task
from celery.result import AsyncResult
from celery.utils.nodenames import host_format
from kombu import Message

from global_config import LESSONS_HOME
from lesson16 import book, tasks, tasks_redis

FILES = tasks.app.conf.broker_url.startswith("filesystem")  # they stand in for both brokers
BROKERS: dict[str, ModuleType] = {"files": tasks} if FILES else {"RabbitMQ": tasks, "Redis": tasks_redis}
T = TypeVar("T")
INTERRUPTED = Event()  # somebody pressed Ctrl-C: whoever waits gives up


class Worker(psutil.Popen):
    """A process of an experiment, with its children: a worker with its pool, or a beat."""

    def family(self) -> list[psutil.Process]:
        """Parent and children, all of them stopped by SIGSTOP: none sees another die, none makes new ones."""
        found: list[psutil.Process] = []
        with suppress(psutil.NoSuchProcess):
            self.suspend()
            found = [self, *self.children(recursive=True)]
            for process in found:
                process.suspend()
        return found

    def kill_all(self) -> None:
        """SIGKILL for all of it, as when its container or its machine goes down."""
        for process in self.family():
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.wait()

    def ended(self) -> bool:
        """Whether it has ended by itself."""
        return self.poll() is not None


@dataclass(frozen=True)
class Order:
    """An order in the book, and the receipt of the task that was sent for it."""

    path: str
    receipt: AsyncResult

    def count(self, what: str) -> int:
        """How often that happened to it."""
        return book.count(self.path, what)

    def go_on(self) -> None:
        """Let the task that is at work on it go on."""
        book.note(self.path, "go on")


class Lab:
    """Where one experiment is made, on one broker. With the block end all processes it started, and its queues go."""

    def __init__(self, name: str, broker: str) -> None:
        self.name, self.broker, self.module = name, broker, BROKERS[broker]
        self.app = self.module.app
        self.numbers = count(1)
        self.stack = ExitStack()

    def __enter__(self) -> "Lab":
        self.folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory(prefix="book-", dir=LESSONS_HOME)))
        self.channel = self.stack.enter_context(self.app.connection_for_write()).default_channel
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.close()

    def queue(self, max_priority: int | None = None) -> str:
        """A new queue, which nobody reads."""
        name = f"{self.app.main}-{self.name}-{next(self.numbers)}"
        self.forget(name)  # what a run left that was killed
        self.app.amqp.queues[name].max_priority = max_priority
        self.app.amqp.queues[name](self.channel).declare()
        self.stack.callback(self.forget, name)
        return name

    def forget(self, queue: str) -> None:
        """Leave no queue behind on the broker, nor its exchange, nor on Redis what a killed worker took from it."""
        self.channel.queue_delete(queue)
        self.channel.exchange_delete(queue)
        if self.broker == "Redis":
            with self.channel.conn_or_acquire() as redis:
                for tag in redis.zrange(self.channel.unacked_index_key, 0, -1):
                    taken = redis.hget(self.channel.unacked_key, tag)
                    if taken and json.loads(taken)[-1] == queue:  # message, exchange, routing key
                        redis.zrem(self.channel.unacked_index_key, tag)
                        redis.hdel(self.channel.unacked_key, tag)

    def worker(self, queue: str, *options: str, **environment: str) -> Worker:
        """A worker that starts to read the queue; its node name is the queue's."""
        command = f"-m celery -A {self.module.__name__} worker --loglevel=info --queues={queue} --hostname={queue}@%h"
        return self.process(queue, *command.split(), *options, **environment)

    def process(self, log: str, *arguments: str, **environment: str) -> Worker:
        """Start Python; it stays in our process group, so what ends us by the group, as Ctrl-C does, ends it too."""
        with self.log(log).open("w") as file:
            started = Worker(
                [sys.executable, *arguments],
                env={**os.environ, "TMPDIR": str(LESSONS_HOME), **environment},  # who is killed tidies nothing up there
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )
        self.stack.callback(started.kill_all)
        return started

    def log(self, name: str) -> Path:
        """What such a process writes."""
        return Path(LESSONS_HOME, f"{name}.log")

    def node(self, queue: str) -> str:
        """The node name of the worker of that queue."""
        return str(host_format(f"{queue}@%h"))

    def rescue(self, queue: str) -> None:
        """From now on the lesson's own worker reads that queue as well."""
        own = [host_format("worker@%h" if self.module is tasks else "worker-redis@%h")]
        self.app.control.add_consumer(queue, destination=own, reply=True, limit=1, timeout=10)
        self.stack.callback(self.app.control.cancel_consumer, queue, destination=own, reply=True, limit=1, timeout=10)

    def path(self) -> str:
        """Where the book tells of a new order."""
        return str(self.folder / f"order-{next(self.numbers)}")

    def send(
        self,
        task: Task | str,
        path: str = "",
        *,
        queue: str | None = None,
        options: dict[str, Any] | None = None,
        **arguments: object,
    ) -> Order:
        """Have a new order, or that of the path, worked on, through the lesson's own queue or another."""
        path = path or self.path()
        shown = f"({Path(path).name!r},)"  # in logs and pictures
        name = getattr(task, "name", task)
        receipt = self.app.send_task(name, (path,), arguments, queue=queue, argsrepr=shown, **options or {})
        return Order(path, receipt)

    def take(self, queue: str) -> Message | None:
        """The next message of the queue, if there is one; it leaves the queue."""
        return self.channel.basic_get(queue, no_ack=True)

    def read_up_to_here(self, queue: str | None = None) -> None:
        """Return when all messages sent so far have left the queue, for a worker."""
        wait_for(self.send(tasks.charge, queue=queue), "ended")

    def waiting(self, queue: str) -> int:
        """How many messages lie in the queue: those that no worker has taken, or that came back."""
        return int(self.channel.queue_declare(queue, durable=True, auto_delete=False).message_count)

    def ask(self, queue: str, question: str) -> list[dict]:
        """What the worker of that queue answers to `celery inspect`: active, scheduled …"""
        to = [self.node(queue)]
        replies = self.app.control.broadcast(question, destination=to, reply=True, limit=1, timeout=2) or []
        return [one for reply in replies for one in reply[to[0]]]

    def wait_until_at_work(self, queue: str, number: int = 1) -> None:
        """Return when the worker knows that it is; messages with early ack have been acknowledged by then."""
        until(lambda: len(self.ask(queue, "active")) == number, f"{queue} is at work")


def until(fact: Callable[[], T], what: str, seconds: float = 30, every: float = 0.02) -> T:
    """What `fact` returns as soon as it is true; TimeoutError says what was waited for."""
    deadline = monotonic() + seconds
    while not (found := fact()):
        if monotonic() > deadline or INTERRUPTED.is_set():
            raise TimeoutError(f"in {seconds} s this didn't come about: {what}")
        sleep(every)
    return found


def wait_for(order: Order, what: str, times: int = 1) -> None:
    """Return when that has happened to the order so often."""
    until(lambda: order.count(what) >= times, f"{what}, {times} times")


def wait_for_end(*orders: Order) -> None:
    """Return when each has a result, or has failed."""
    for order in orders:
        until(order.receipt.ready, "the task has ended", every=0.05)


@dataclass(frozen=True)
class Experiment:
    """A fault, the number that one can predict, and a cure. What `perform` does is written to be read."""

    perform: Callable[[Lab], tuple[int, int]]
    brokers: tuple[str, ...]  # where it can be made
    cure: str

    def __call__(self, broker: str | None = None) -> tuple[int, int]:
        """Make it, on the broker or the first that is there: the number after the fault, and with the cure."""
        with Lab(self.perform.__name__, broker or self.broker or "") as lab:
            return self.perform(lab)

    @property
    def broker(self) -> str | None:
        """The first of its brokers that is there."""
        return next((broker for broker in self.brokers if broker in BROKERS), None)

    @property
    def question(self) -> str:
        """What one predicts."""
        return " ".join(cleandoc(self.perform.__doc__ or "").partition("\n\n")[0].split())

    @property
    def why(self) -> str:
        """What is behind it."""
        return cleandoc(self.perform.__doc__ or "").partition("\n\n")[2]


def experiment(*brokers: str, cure: str) -> Callable[[Callable[[Lab], tuple[int, int]]], Experiment]:
    """Make an experiment of a function, whose docstring is the question, and then why it is like that."""
    return lambda perform: Experiment(perform, brokers, cure)
