"""Server-sent events: each change of a document, in order and without gaps, pushed by PostgreSQL and polled by nobody.

One connection of this process hears of all documents (LISTEN). What it hears is made a frame once, and handed to
everyone who listens. Who was away, or too slow, reads the rest in the database.
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
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnection
from starlette.concurrency import run_in_threadpool

from global_config import VECTOR_DATABASE_URL
from lesson15 import store
from lesson15.database import CONNECT, answer_soon, engine, never_hang
from lesson15.model import DELETED, ENDED, SCHEMA

log = logging.getLogger(__name__)

QUIET = 15.0  # seconds after which a listener who hears nothing is sent a comment: proxies close a silent connection
BACKLOG = 1000  # frames kept for a slow listener; it reads further ones in the database
PAGE = 500  # frames read from the database at once
AGAIN = 0.5  # seconds until the next try to connect
LAST = {*ENDED, DELETED}


class Frame(NamedTuple):
    """An event as it goes over the wire."""

    number: int
    document_id: int
    data: bytes
    last: bool  # nothing follows for this document, unless somebody retries it


def frame(number: int, document_id: int, data: str) -> Frame:
    """Render an event."""
    sent = format_sse_event(id=str(number), data_str=data)
    return Frame(number, document_id, sent, json.loads(data)["status"] in LAST)


class Inbox:
    """What one listener hasn't been sent yet."""

    def __init__(self) -> None:
        self.frames: deque[Frame] = deque()
        self.news = asyncio.Event()
        self.behind = True  # something may stand in the database that was never in here

    def put(self, heard: Frame) -> None:
        if len(self.frames) < BACKLOG:
            self.frames.append(heard)
            self.news.set()
        else:
            self.missed_some()

    def missed_some(self) -> None:
        self.frames.clear()
        self.behind = True
        self.news.set()

    def take(self, number: int) -> list[Frame]:
        """The frames with numbers over that one."""
        taken = [heard for heard in self.frames if heard.number > number]
        self.frames.clear()
        return taken


class Hub:
    """Hands what PostgreSQL tells this process to those who listen."""

    def __init__(self) -> None:
        self.inboxes: dict[Inbox, int | None] = {}  # each with the document that it is about; None: all

    @contextmanager
    def listening(self, document_id: int | None) -> Iterator[Inbox]:
        """An inbox that gets all frames of a document, or of all, from now on."""
        inbox = Inbox()
        self.inboxes[inbox] = document_id
        try:
            yield inbox
        finally:
            del self.inboxes[inbox]

    async def run(self) -> None:
        """Connect, and connect again where the connection is lost, for ever."""
        while True:
            try:
                await self._listen(await run_in_threadpool(connect))
            except Exception as error:  # whatever it was: what is missed stands in the database
                log.warning("events can't be heard, will connect again: %s", str(error).partition("\n")[0])
            await asyncio.sleep(AGAIN)

    async def _listen(self, connection: Connection) -> None:
        readable = asyncio.Event()
        readable.set()  # something may have come together with the answer to LISTEN
        loop = asyncio.get_running_loop()
        line = connection.fileno()  # now: a connection that the server has closed wouldn't tell
        loop.add_reader(line, readable.set)
        try:
            for inbox in self.inboxes:
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
        number, document_id, data = payload.split(" ", 2)
        heard = frame(int(number), int(document_id), data)  # once, for however many
        for inbox, wanted in self.inboxes.items():
            if wanted in (None, heard.document_id):
                inbox.put(heard)


def connect() -> Connection:
    """A connection that hears of every event from now on."""
    _, address = engine().dialect.create_connect_args(make_url(VECTOR_DATABASE_URL))
    never_hang()
    connection = psycopg2.connect(**address, **CONNECT)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f"LISTEN {SCHEMA}_events")
    return connection


def beginning(document_id: int | None, after: int | None) -> int:
    """The number after which a listener is sent events.

    If nothing has reached the number that the client heard last, it is from elsewhere, or from before the database was
    restored: then all events follow.
    """
    last = store.last_event(document_id)
    if after is None:
        return last
    return after if after <= last else 0


async def follow(hub: Hub, document_id: int | None, after: int | None) -> AsyncIterator[bytes]:
    """The frames with numbers over `after` (None: from now on) of a document, until it has ended; or of all, for ever.

    "Now" is before the answer begins: a page that reads the list of documents once the stream is open misses nothing.
    """
    try:
        number = await run_in_threadpool(beginning, document_id, after)
    except (DBAPIError, NoConnection):
        number = None
    return frames(hub, document_id, after, number)


async def frames(hub: Hub, document_id: int | None, after: int | None, number: int | None) -> AsyncIterator[bytes]:
    """The same, after that number. It listens first and reads the past then, so nothing can fall between the two."""
    with hub.listening(document_id) as inbox:
        ended = False
        yield KEEPALIVE_COMMENT  # the answer begins now, and not with the first event
        while True:
            found: list[Frame] = []
            if inbox.behind:
                answer_soon()
                inbox.behind = False  # before reading: whatever is missed from now on sets it again
                try:
                    if number is None:
                        number = await run_in_threadpool(beginning, document_id, after)
                    rows = await run_in_threadpool(store.events_after, number, document_id, PAGE)
                    found = [frame(*row) for row in rows]
                    inbox.behind = inbox.behind or len(found) == PAGE
                except (DBAPIError, NoConnection):
                    inbox.behind = True
                    yield KEEPALIVE_COMMENT
                    await asyncio.sleep(AGAIN)
            elif number is not None:
                found = inbox.take(number)
            if found:
                number, ended = found[-1].number, found[-1].last
                yield b"".join(one.data for one in found)
            elif ended and document_id is not None and not inbox.behind:
                return
            elif not inbox.behind:
                try:
                    async with asyncio.timeout(QUIET):
                        await inbox.news.wait()
                    inbox.news.clear()
                except TimeoutError:
                    yield KEEPALIVE_COMMENT
