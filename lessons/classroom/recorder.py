"""The task events of one run, from any broker."""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from time import monotonic
from uuid import uuid4

from celery import Celery
from kombu import Connection, Consumer
from kombu.utils.functional import maybe_list

from classroom.evidence import ENDED
from classroom.refusal import Refusal

FENCE = "lesson-fence"  # an event of our own: once it is heard, so is all that was sent before it
LATEST = 3  # times the patience: a worker may be gone, or run a task that never ends
LONG = 3600.0  # seconds that unread events are kept; Celery's own 5 (event_queue_ttl) would lose the beginning


@contextmanager
def recording(app: Celery, *more: Celery, patience: float = 3.0) -> Iterator[list[dict]]:
    """Have the broker collect Celery's task events while the block runs, and read them when all tasks have ended.

    Yields a list that afterwards holds the events (dicts as in the Celery user guide, "Events") of tasks sent by this
    process or to the apps' own queues, by time. Nothing is read while the block runs, so it isn't slowed down; then
    every task on the apps' queues may end. A task that doesn't end is given up after `patience` seconds without news
    of any, once its worker has said in two heartbeats that it runs nothing; otherwise after LATEST times as many.
    If the block raises, `patience` seconds without news are enough.
    """
    apps = (app, *more)
    # As configured: a misspelled queue is added on sending, and nobody reads it.
    queues = {queue for one in apps for queue in one.amqp.queues}
    brokers = {files_or(one.conf.broker_url): one for one in reversed(apps)}
    events: list[dict] = []
    heard: list[list[dict]] = []
    try:
        with ExitStack() as stack:
            for one in brokers.values():
                heard.append(stack.enter_context(_recording_one(one, queues, patience)))
            yield events
    finally:
        events += in_order([event for each in heard for event in each])


def in_order(events: list[dict]) -> list[dict]:
    """`events` by time, and nothing of a task before its sending.

    The caller writes task-sent after the message has left. On a busy machine, a worker may have begun by then.
    """
    first: dict[str, float] = {}
    for event in events:
        if event["type"] != "task-sent":
            first[event["uuid"]] = min(event["timestamp"], first.get(event["uuid"], event["timestamp"]))
    for event in sorted(events, key=lambda event: event["timestamp"]):
        if event["type"] == "task-sent" and event["uuid"] in first:
            event["timestamp"] = min(event["timestamp"], first.pop(event["uuid"]))
    return sorted(events, key=lambda event: (event["timestamp"], event["type"] != "task-sent"))


def files_or(url: str) -> str:
    """What tells brokers apart: all addresses of files lead to the same folder."""
    scheme = url.partition("://")[0]
    return scheme if scheme == "filesystem" else url


@contextmanager
def _recording_one(app: Celery, queues: set[str], patience: float) -> Iterator[list[dict]]:
    """What `recording` does, at the broker of `app`."""
    events: list[dict] = []
    with app.connection_for_read(heartbeat=0) as connection:
        recorder = _Recorder(app, connection)
        try:
            with Consumer(recorder.channel, [recorder.queue], no_ack=True, accept=["json"], callbacks=[recorder.take]):
                recorder.fence(patience)
                longest = patience  # after an error: the judge, for one, may have stopped the block
                try:
                    yield events
                    longest = LATEST * patience
                finally:
                    recorder.fence(patience)
                    recorder.wait_until_ended(queues, patience, longest)
        finally:
            recorder.queue.delete()  # files would feed it for ever
            events += recorder.kept(queues)


class _Recorder:
    def __init__(self, app: Celery, connection: Connection) -> None:
        self.app, self.connection, self.channel = app, connection, connection.default_channel
        self.events: list[dict] = []
        self.fences: set[str] = set()  # those that came back
        self.idle: Counter[str] = Counter()  # heartbeats of workers that ran nothing, since the last news
        self.receiver = app.events.Receiver(connection, queue_ttl=LONG, queue_expires=LONG)
        self.queue = self.receiver.queue(self.channel)

    def fence(self, patience: float) -> None:
        """Return once an event of our own came back: then all are collected that this process sent before, or will."""
        deadline, known, again = monotonic() + patience, len(self.events), 0.0
        sent: set[str] = set()
        with self.app.events.default_dispatcher() as dispatcher:
            while not sent & self.fences:
                now = monotonic()
                if len(self.events) > known:  # there is much to read before it
                    deadline, known = now + patience, len(self.events)
                if now > deadline:
                    raise Refusal("The broker takes messages, but events don't come back. Look at: lesson doctor")
                if now >= again:  # again and again: Redis forgets what is sent before it has subscribed us
                    fence, again = str(uuid4()), now + 0.1
                    sent.add(fence)
                    dispatcher.send(FENCE, fence=fence)
                self._listen(0.1)

    def wait_until_ended(self, queues: set[str], patience: float, longest: float) -> None:
        """Return once no task on `queues` is unfinished, or none of ours is heard of any more, as `recording` says."""
        since, known = monotonic(), 0
        while self._unfinished(queues):
            self._listen(0.2)
            ours = self.kept(queues)
            if len(ours) > known:  # what others do on this broker is no news
                since, known, self.idle = monotonic(), len(ours), Counter()
            workers = {event["hostname"] for event in ours if event["type"] != "task-sent"}
            idle = max((self.idle[worker] for worker in workers or self.idle), default=0)
            if monotonic() > since + (patience if idle > 1 else longest):
                break

    def _listen(self, seconds: float) -> None:
        with suppress(TimeoutError):
            self.connection.drain_events(timeout=seconds)

    def take(self, body: dict | list[dict], _message: object) -> None:
        for event in maybe_list(body):  # workers send several in one message
            kind, event = self.receiver.event_from_message(event)
            if kind == FENCE:
                self.fences.add(event["fence"])
            elif kind == "worker-heartbeat" and not event.get("active"):
                self.idle[event["hostname"]] += 1
            elif "uuid" in event:
                self.events.append(event)

    def _unfinished(self, queues: set[str]) -> set[str]:
        sent = {e["uuid"] for e in self.events if e["type"] == "task-sent" and e["queue"] in queues}
        return sent - {e["uuid"] for e in self.events if e["type"] in ENDED}

    def kept(self, queues: set[str]) -> list[dict]:
        """The events of our own tasks."""
        sent = [e for e in self.events if e["type"] == "task-sent"]
        mine = {e["uuid"] for e in sent if e["queue"] in queues or e["pid"] == os.getpid()}
        return [e for e in self.events if e["uuid"] in mine]
