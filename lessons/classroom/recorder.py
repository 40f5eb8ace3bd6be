"""The task events of one run, heard from any broker."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from time import monotonic
from uuid import uuid4

from celery import Celery

ENDED = {"task-succeeded", "task-failed", "task-rejected", "task-revoked", "task-unknown"}
FENCE = "lesson-fence"  # an event of our own: once it is heard, so is all that was sent before it


@contextmanager
def recording(app: Celery, patience: float = 3.0) -> Iterator[list[dict]]:
    """Collect Celery's task events while the block runs, and then until every task on the app's queues has ended.

    Yields a list that grows, and that afterwards holds the events (dicts as in the Celery user guide, "Events") of
    tasks sent by this process or to the app's own queues, by time. Waits at most `patience` seconds for the last ends.
    """
    queues = set(app.amqp.queues)  # as configured: a misspelled queue is added on sending, and nobody reads it
    recorder = _Recorder(app)
    recorder.fence(patience)
    try:
        yield recorder.events
        recorder.fence(patience)
        recorder.wait_until_ended(queues, patience)
    finally:
        recorder.stop()
        recorder.keep(queues)


class _Recorder:
    def __init__(self, app: Celery) -> None:
        self.app = app
        self.events: list[dict] = []
        self.heard: set[str] = set()  # fences that came back
        self.news, self.stopped = Event(), Event()
        self.thread = Thread(target=self._listen, name="recorder", daemon=True)
        self.thread.start()

    def _listen(self) -> None:
        with self.app.connection_for_read() as connection:
            receiver = self.app.events.Receiver(connection, handlers={"*": self._take, FENCE: self._take_fence})
            with receiver.consumer_context(wakeup=False) as (connection, channel, _consumers):
                while not self.stopped.is_set():
                    try:
                        connection.drain_events(timeout=0.05)
                    except TimeoutError:
                        continue
                if connection.transport.driver_type != "amqp":  # RabbitMQ drops an exclusive queue by itself,
                    queue = receiver.queue(channel)  # files would feed this one for ever
                    queue.purge()
                    queue.delete()

    def _take(self, event: dict) -> None:
        self.events.append(event)
        self.news.set()

    def _take_fence(self, event: dict) -> None:
        self.heard.add(event["fence"])
        self.news.set()

    def fence(self, patience: float) -> None:
        """Return once all events that this process has sent so far were heard."""
        deadline = monotonic() + patience
        sent: set[str] = set()
        with self.app.events.default_dispatcher() as dispatcher:
            while not sent & self.heard:
                if monotonic() > deadline:
                    raise SystemExit("The broker takes messages, but events don't come back. Look at: lesson doctor")
                fence = str(uuid4())
                sent.add(fence)
                dispatcher.send(FENCE, fence=fence)
                self._wait(0.05)

    def wait_until_ended(self, queues: set[str], patience: float) -> None:
        """Return once no task on `queues` is unfinished, or nothing was heard for `patience` seconds."""
        while self._unfinished(queues):
            if not self._wait(patience):
                return

    def _wait(self, seconds: float) -> bool:
        heard = self.news.wait(seconds)
        self.news.clear()
        return heard

    def _unfinished(self, queues: set[str]) -> set[str]:
        events = list(self.events)
        sent = {e["uuid"] for e in events if e["type"] == "task-sent" and e["queue"] in queues}
        return sent - {e["uuid"] for e in events if e["type"] in ENDED}

    def stop(self) -> None:
        self.stopped.set()
        self.thread.join(5)

    def keep(self, queues: set[str]) -> None:
        """Leave out what others did, and put the rest in order."""
        sent = [e for e in self.events if e["type"] == "task-sent"]
        mine = {e["uuid"] for e in sent if e["queue"] in queues or e["pid"] == os.getpid()}
        self.events[:] = sorted((e for e in self.events if e.get("uuid") in mine), key=lambda e: e["timestamp"])
