"""What workers do: a document's stages, and keeping house. Each may be called any number of times, and counts once.

A task names a document and an attempt. Whoever writes asks for both, so that what an old attempt still does, or a
worker that was thought dead, comes to nothing.
"""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from time import monotonic, time
from uuid import uuid4

from celery.exceptions import SoftTimeLimitExceeded
from sqlalchemy import Connection, Row, func
from sqlalchemy.exc import DBAPIError

from lesson15 import store
from lesson15.chunking import passages
from lesson15.embedding import embed
from lesson15.extraction import Page, ReaderLost, Unreadable, pages
from lesson15.model import Document, Stage, Status
from lesson15.sending import send_next
from lesson15.settings import BATCH, EMBEDDER, FILES, KEEP_DAYS, MAX_PASSAGES, TRIES

log = logging.getLogger(__name__)

REPORT = 0.25  # seconds between two events of an extraction
DUE = 100  # documents that are sent again at once
ORPHAN = 3600  # seconds after which a file without a document isn't one that is just being uploaded
WORKING = Document.status.in_([Status.PENDING, Status.IN_PROGRESS])


class Superseded(Exception):
    """The document is gone, or another attempt has it."""


def extract(document_id: int, attempt: int) -> str:
    """Read a document's file and cut it into passages; then have them embedded, batch by batch."""
    ours = Document.attempt == attempt
    with store.transaction() as connection:
        free = Document.status == Status.PENDING  # and not a second copy of the message, while another has the first
        begun = {
            "status": Status.IN_PROGRESS,
            "stage": Stage.EXTRACT,
            "message": "Reading",
            "progress": 5,
            "tries": Document.tries + 1,
            "sent": 0,
            "due_at": store.lease(),
        }
        document = store.change(connection, document_id, ours, free, Document.chunks.is_(None), **begun)
        if not document:
            return "nothing to do"
        store.drop_chunks(connection, document_id)  # of a worker that ended in the middle
        store.tell(connection, document)
    try:
        if document.tries > TRIES:
            raise Unreadable(f"Reading it was interrupted {TRIES} times.")
        reading = Reading(document)
        found = passages(reading.pages())
        while batch := list(islice(found, BATCH)):
            reading.keep(batch)
        document = reading.finish()
    except Superseded:
        return "another has it"
    except SoftTimeLimitExceeded:
        return fail(document_id, attempt, "Reading it took too long.")
    except Unreadable as why:
        return fail(document_id, attempt, str(why))
    except ReaderLost as why:
        log.warning("document %s will be read again: %s", document_id, why)
        with store.transaction() as connection:
            store.change(connection, document_id, ours, Document.status == Status.IN_PROGRESS, due_at=func.now())
        return "to be read again"
    send_next(document)
    return f"{document.chunks} passages"


class Reading:
    """An extraction on its way: what it has kept so far, and how far it has told."""

    def __init__(self, document: Row) -> None:
        self.document, self.chunks, self.page, self.last, self.told = document, 0, Page(1, None, ""), 1, monotonic()

    def pages(self) -> Iterator[Page]:
        """The pages of the file. Where the document is gets told every REPORT seconds, not for each page."""
        for page in pages(FILES / self.document.file, self.document.kind, self.still_here):
            self.page, self.last = page, max(self.last, page.number)
            yield page
            if monotonic() - self.told > REPORT:
                self.told = monotonic()
                number, total, _ = self.page
                done = number / total if total else 0.5
                self.move(progress=5 + int(40 * done), message=f"Page {number:,}" + (f" of {total:,}" if total else ""))

    def keep(self, batch: list[tuple[int, str]]) -> None:
        """Commit these passages."""
        with store.transaction() as connection:
            if not self._changed(connection):
                raise Superseded
            store.add_chunks(connection, self.document.id, self.chunks, batch)
        self.chunks += len(batch)
        if self.chunks > MAX_PASSAGES:
            raise Unreadable(f"It has more than {MAX_PASSAGES:,} passages, which is the limit.")

    def still_here(self) -> None:
        """Keep the document from being sent again while one page of it takes long."""
        with store.transaction() as connection:
            if not self._changed(connection):
                raise Superseded

    def move(self, **values: object) -> Row:
        """Commit where the document is now, and tell of it; that also keeps it from being sent again."""
        with store.transaction() as connection:
            document = self._changed(connection, **values)
            if not document:
                raise Superseded
            store.tell(connection, document)
        return document

    def finish(self) -> Row:
        """Commit that all passages are there."""
        if not self.chunks:
            raise Unreadable("There is no text in it. If it is a scan, have it recognised first (OCR).")
        said = f"Cut into {self.chunks:,} passage{'s' if self.chunks > 1 else ''}"
        return self.move(
            stage=Stage.CHUNK, chunks=self.chunks, pages=self.last, progress=50, message=said, embedder=EMBEDDER
        )

    def _changed(self, connection: Connection, **values: object) -> Row | None:
        ours = Document.attempt == self.document.attempt, Document.status == Status.IN_PROGRESS
        return store.change(connection, self.document.id, *ours, due_at=store.lease(), sent=0, **values)


def embed_batch(document_id: int, attempt: int, first: int) -> str:
    """Give the passages from number `first` on their vectors. Whoever finds them to be the last sends the next stage.

    The count is the database's (UPDATE … RETURNING): of two workers that end at the same moment exactly one reads that
    all are done. A chord would do the same with the result backend, and where that isn't Redis, ask it once a second.
    """
    ours = Document.attempt == attempt, WORKING
    try:
        with store.transaction() as connection:
            held = store.hold(connection, document_id, *ours)
            rows = store.chunks_without_vector(connection, document_id, first, BATCH) if held else []
            if not rows:
                return "nothing to do"
            store.set_vectors(connection, document_id, [row.number for row in rows], embed([row.text for row in rows]))
            so_far = Document.embedded + len(rows)
            done = {
                "embedded": so_far,
                "status": Status.IN_PROGRESS,
                "stage": Stage.EMBED,
                "due_at": store.lease(),
                "sent": 0,
                "progress": 50 + 45 * so_far // Document.chunks,
                "message": func.concat(so_far, " of ", Document.chunks, " passages embedded"),
            }
            document = store.change(connection, document_id, *ours, **done)
            if not document:
                raise Superseded  # which also takes back the vectors: they are counted, or they aren't there
            store.tell(connection, document)
    except Superseded:
        return "another has it"
    except SoftTimeLimitExceeded:
        return fail(document_id, attempt, "Embedding it took too long.")
    except DBAPIError:  # it will be sent again
        raise
    except Exception as error:  # the embedder's
        log.exception("document %s can't be embedded", document_id)
        return fail(document_id, attempt, f"It can't be embedded: {str(error)[:200] or type(error).__name__}.")
    if document.embedded == document.chunks:
        send_next(document)
    return document.message


def index(document_id: int, attempt: int) -> str:
    """Let a document be found: all its passages at once, and not before each has its vector."""
    whole = Document.attempt == attempt, WORKING, Document.embedded == Document.chunks
    with store.transaction() as connection:
        done = {
            "status": Status.COMPLETED,
            "stage": Stage.INDEX,
            "progress": 100,
            "message": "Ready to be searched",
        }
        document = store.change(connection, document_id, *whole, **done)
        if not document:
            return "nothing to do"
        store.tell(connection, document)
    return document.message


def fail(document_id: int, attempt: int, why: str) -> str:
    """Mark a document as failed, for the reason `why`, and drop what was read of it; a retry begins again."""
    with store.transaction() as connection:
        if not store.lock(connection, document_id, Document.attempt == attempt, WORKING):
            return why
        store.drop_chunks(connection, document_id)
        failed = {"status": Status.FAILED, "message": why, "chunks": None, "embedded": 0}
        if document := store.change(connection, document_id, **failed):
            store.tell(connection, document)
    return why


# Housekeeping.


def find_stuck() -> int:
    """Send again what hasn't moved for long: its message, or its worker, is lost. Returns how many."""
    with store.transaction() as connection:
        due = store.take_due(connection, DUE)
        lost = [document for document in due if document.status is Status.IN_PROGRESS and document.chunks is None]
        again = []
        for document in lost:  # a worker was reading it: if that one lives, the new attempt keeps it out
            new = {
                "status": Status.PENDING,
                "attempt": document.attempt + 1,
                "task_id": str(uuid4()),
                "message": "Waiting for a worker, again",
            }
            again.append(store.change(connection, document.id, **new))
        for changed in filter(None, again):
            store.tell(connection, changed)
    for document in [document for document in due if document not in lost] + [one for one in again if one]:
        send_next(document)
    return len(due)


def clean_up() -> int:
    """Delete documents older than KEEP_DAYS, old events, and files that no document has; returns how many documents."""
    old = datetime.now(UTC) - timedelta(days=KEEP_DAYS)
    with store.transaction() as connection:
        gone = store.remove(connection, Document.created_at < old)
        store.forget_events(connection, old)
        for document in gone:
            store.tell_deleted(connection, document.id)
    used = store.files_in_use()
    for file in FILES.glob("*"):
        if file.name not in used and file.stat().st_mtime < time() - ORPHAN:
            file.unlink(missing_ok=True)
    return len(gone)
