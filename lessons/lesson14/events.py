"""Server-sent events: each change of a job, in order and without gaps, pushed by PostgreSQL and polled by nobody.

One connection of this process hears of all jobs (LISTEN). What it hears is made a frame once, and handed to everyone
who listens to that job. A listener that misses a number, for whatever reason, reads it in the database.
"""

import asyncio
import json
import logging
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import psycopg2
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from psycopg2.extensions import connection as Connection
from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError, TimeoutError
from starlette.concurrency import run_in_threadpool

from global_config import APP_DATABASE_URL
from lesson14 import store
from lesson14.database import CONNECT, answer_soon, engine, never_hang
from lesson14.model import ENDED, SCHEMA, Job, JobStatus

log = logging.getLogger(__name__)

QUIET = 15.0  # seconds between two comments to a listener who hears nothing else
BACKLOG = 1000  # frames kept for a slow listener; it reads further ones in the database
PAGE = 500  # frames read from the database at once
AGAIN = 0.5  # seconds until the next try to connect


class Frame(NamedTuple):
    """An event as it goes over the wire."""

    number: int
    data: bytes
    last: bool  # the job has ended; nothing follows, unless somebody retries it


def frame(number: int, data: str) -> Frame:
    """Render an event."""
    return Frame(number, format_sse_event(id=str(number), data_str=data), json.loads(data)["status"] in ENDED)


class Inbox:
    """What one listener hasn't been sent yet."""

    def __init__(self) -> None:
        self.frames: deque[Frame] = deque(maxlen=BACKLOG)  # drops the oldest, and the gap is noticed
        self.news = asyncio.Event()
        self.behind = True  # something may stand in the database that was never in here

    def put(self, heard: Frame) -> None:
        self.frames.append(heard)
        self.news.set()

    def missed_some(self) -> None:
        self.behind = True
        self.news.set()

    def take(self, number: int) -> list[Frame]:
        """The frames that follow that number without a gap."""
        taken: list[Frame] = []
        while self.frames and not self.behind:
            heard = self.frames.popleft()
            if heard.number == number + 1:
                taken.append(heard)
                number = heard.number
            elif heard.number > number:
                self.behind = True
        return taken


class Hub:
    """Hands what PostgreSQL tells this process to those who listen."""

    def __init__(self) -> None:
        self.inboxes: dict[int, set[Inbox]] = {}
        self.connected = asyncio.Event()

    @contextmanager
    def listening(self, job_id: int) -> Iterator[Inbox]:
        """An inbox that gets all frames of a job from now on."""
        inbox = Inbox()
        self.inboxes.setdefault(job_id, set()).add(inbox)
        try:
            yield inbox
        finally:
            self.inboxes[job_id].discard(inbox)
            if not self.inboxes[job_id]:
                del self.inboxes[job_id]

    async def run(self) -> None:
        """Listen for ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._hear())
            tasks.create_task(self._wake())

    async def _hear(self) -> None:
        """Connect, and connect again where the connection is lost."""
        while True:
            try:
                await self._listen(await run_in_threadpool(connect))
            except Exception as error:  # whatever it was: what is missed stands in the database
                log.warning("events can't be heard, will connect again: %s", str(error).partition("\n")[0])
            self.connected.clear()
            await asyncio.sleep(AGAIN)

    async def _wake(self) -> None:
        """Have all listeners say that they are there: proxies close a connection on which nothing comes."""
        while True:
            await asyncio.sleep(QUIET)
            for inbox in self._all():
                inbox.news.set()

    def _all(self) -> list[Inbox]:
        return [inbox for inboxes in self.inboxes.values() for inbox in inboxes]

    async def _listen(self, connection: Connection) -> None:
        readable = asyncio.Event()
        readable.set()  # something may have come together with the answer to LISTEN
        loop = asyncio.get_running_loop()
        line = connection.fileno()  # now: a connection that the server has closed wouldn't tell
        loop.add_reader(line, readable.set)
        try:
            self.connected.set()
            for inbox in self._all():
                inbox.missed_some()
            while True:
                await readable.wait()
                readable.clear()
                connection.poll()
                for notify in connection.notifies:
                    self._deliver(notify.payload)
                connection.notifies.clear()
        finally:
            loop.remove_reader(line)
            connection.close()

    def _deliver(self, payload: str) -> None:
        job_id, number, data = payload.split(" ", 2)
        if inboxes := self.inboxes.get(int(job_id)):
            rendered = frame(int(number), data)  # once, for however many
            for inbox in inboxes:
                inbox.put(rendered)


def connect() -> Connection:
    """A connection that hears of every event from now on."""
    _, address = engine().dialect.create_connect_args(make_url(APP_DATABASE_URL))
    never_hang()
    connection = psycopg2.connect(**address, **CONNECT)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f"LISTEN {SCHEMA}_events")
    return connection


def first_frame(job: Job) -> Frame:
    """Event 0, the job's creation: it has no row, because nobody can have listened yet."""
    told = {
        "job_id": job.id,
        "status": JobStatus.PENDING,
        "step_number": None,
        "step_status": None,
        "message": "Job created",
        "at": job.created_at.isoformat(),
    }
    return frame(0, json.dumps(told))


async def follow(hub: Hub, job: Job, after: int) -> AsyncIterator[bytes]:
    """The frames of a job with numbers over `after`, until the job has ended; a comment where nothing happens for long.

    It listens first and reads the past then, so nothing can fall between the two. A number that the job hasn't reached
    is not from this job, or from before the database was restored: then all of its events follow.
    """
    after = after if after <= job.last_event else -1
    with hub.listening(job.id) as inbox:
        if after < 0:
            yield first_frame(job).data
        number, ended = max(after, 0), False
        while True:
            if inbox.behind:
                answer_soon()
                inbox.behind = False  # before reading: whatever is missed from now on sets it again
                try:
                    frames = [frame(*row) for row in await run_in_threadpool(store.events_after, job.id, number, PAGE)]
                    inbox.behind = inbox.behind or len(frames) == PAGE
                except (DBAPIError, TimeoutError):
                    inbox.behind, frames = True, []
                    yield KEEPALIVE_COMMENT
                    await asyncio.sleep(AGAIN)
            else:
                frames = inbox.take(number)
            if frames:
                number, ended = frames[-1].number, frames[-1].last
                yield b"".join(one.data for one in frames)
            elif inbox.behind:
                continue
            elif ended:
                return
            else:
                await inbox.news.wait()
                inbox.news.clear()
                if not inbox.frames and not inbox.behind:
                    yield KEEPALIVE_COMMENT
