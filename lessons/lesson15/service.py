"""What callers can do with documents: upload, start, retry, delete, ask. What workers do is in pipeline.py."""

import hashlib
import logging
from collections.abc import Sequence
from contextlib import suppress
from pathlib import PurePosixPath
from threading import Event
from time import monotonic
from typing import Any, BinaryIO, NamedTuple
from uuid import uuid4

from celery.exceptions import TimeoutError as NotYet
from redis.exceptions import RedisError
from sqlalchemy import Row

from lesson15 import store
from lesson15.celery_app import app
from lesson15.model import Document, Kind, Status
from lesson15.names import TaskNames
from lesson15.sending import UNSENT, send_next
from lesson15.settings import ANSWER_SECONDS, FILES, MAX_BYTES

log = logging.getLogger(__name__)

KINDS = {".pdf": Kind.PDF, ".docx": Kind.DOCX, ".txt": Kind.TEXT, ".md": Kind.MARKDOWN}
NAME_LENGTH = 200  # characters of a file's name that are kept
ASK_AGAIN = 0.25  # seconds between two checks whether somebody still waits for an answer
UNREACHABLE = (*UNSENT, RedisError, RuntimeError)  # RuntimeError: Celery lost the results' Redis while it waited


class Refused(Exception):
    """Why a file can't be taken, in one sentence; `status` is HTTP's."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class NotFound(Exception):
    """There is no such document."""


class WrongState(Exception):
    """The document's status doesn't allow it."""


class Busy(Exception):
    """Nobody can answer just now."""


class Accepted(NamedTuple):
    """What a caller learns of a document that is going to be worked on."""

    document: Row
    message: str
    known: bool = False  # the same bytes were uploaded before


def shown_name(name: str) -> str:
    """A file's name as it is kept: text that is shown, never a path, and never too long."""
    last = PurePosixPath(name.replace("\\", "/")).name
    clean = "".join(letter if letter.isprintable() else " " for letter in last).strip() or "unnamed"
    stem, dot, ending = clean.rpartition(".")
    ending = f"{dot}{ending}"[:10] if stem else ""
    return clean if len(clean) <= NAME_LENGTH else f"{clean[: NAME_LENGTH - len(ending) - 1]}…{ending}"


def kind_of(name: str, head: bytes) -> Kind:
    """What a file is, by its name, and whether it begins like that. Refused."""
    kind = KINDS.get(PurePosixPath(name.lower()).suffix)
    if not kind:
        raise Refused(415, f"{name} isn't called {', '.join(KINDS)}, and nothing else can be read.")
    if (kind is Kind.PDF and b"%PDF-" not in head) or (kind is Kind.DOCX and not head.startswith(b"PK")):
        raise Refused(415, f"{name} is called {kind.upper()}, and isn't one.")
    return kind


def upload(name: str, source: BinaryIO, start: bool = True) -> Accepted:
    """Keep a file and, unless `start` is False, have it worked on. Refused; OSError where the disk won't take it.

    First the file, then its row: a document always has its file. A file without a row is nobody's, and is cleaned up.
    """
    name = shown_name(name)
    head = source.read(1024)
    source.seek(0)
    if not head:
        raise Refused(422, f"{name} is empty.")
    kind = kind_of(name, head)
    FILES.mkdir(parents=True, exist_ok=True)
    file = FILES / str(uuid4())
    kept = False
    try:
        size, sha256 = copy(source, file)
        if size > MAX_BYTES:
            raise Refused(413, f"{name} is over {MAX_BYTES:,} bytes.")
        first = {
            "name": name,
            "kind": kind,
            "size": size,
            "sha256": sha256,
            "file": file.name,
            "progress": 0,
            "status": Status.PENDING if start else Status.STORED,
            "message": "Uploaded",
            "task_id": str(uuid4()),
            "due_at": store.lease() if start else None,
        }
        with store.transaction() as connection:
            if document := store.add(connection, first):
                store.tell(connection, document)
        kept = document is not None
    finally:
        if not kept:
            file.unlink(missing_ok=True)
    if document is None:
        if not (document := store.find_by_content(sha256)):
            raise WrongState("The same file was deleted just now. Upload it again.")
        return Accepted(document, "This file was uploaded before", known=True)
    if start:
        send_next(document)
    return Accepted(document, "Upload accepted")


def copy(source: BinaryIO, file: Any) -> tuple[int, str]:
    """Copy to `file`, no further than one block over MAX_BYTES; returns the bytes' number and SHA-256."""
    size, digest = 0, hashlib.sha256()
    with file.open("xb") as target:
        while size <= MAX_BYTES and (block := source.read(1 << 18)):
            target.write(block)
            digest.update(block)
            size += len(block)
    return size, digest.hexdigest()


def start(document_id: int) -> Accepted:
    """Have a document worked on that is only stored. NotFound, WrongState."""
    with store.transaction() as connection:
        waiting = {"status": Status.PENDING, "due_at": store.lease(), "message": "Waiting for a worker"}
        if document := store.change(connection, document_id, Document.status == Status.STORED, **waiting):
            store.tell(connection, document)
    if not document:  # only now: inside the transaction, find() would need a second connection
        raise wrong(find(document_id), "be started")
    send_next(document)
    return Accepted(document, "Processing started")


def retry(document_id: int) -> Accepted:
    """Have a document worked on again that failed, or that hangs. NotFound, WrongState.

    Tasks of the attempt before are revoked, which spares the workers some work; that they can do no harm any more is
    the attempt's number in their arguments. What is extracted and embedded stays.
    """
    before = find(document_id)
    with store.transaction() as connection:
        again = {
            "status": Status.PENDING,
            "attempt": Document.attempt + 1,
            "task_id": str(uuid4()),
            "tries": 0,
            "sent": 0,
            "due_at": store.lease(),
            "message": "Waiting for a worker, again",
        }
        may = Document.status.in_([Status.FAILED, Status.PENDING, Status.IN_PROGRESS])
        if document := store.change(connection, document_id, may, Document.attempt == before.attempt, **again):
            store.tell(connection, document)
    if not document:
        raise wrong(find(document_id), "be retried")
    try:
        app.control.revoke(before.task_id)
    except UNREACHABLE as error:
        log.warning("can't revoke %s: %s", before.task_id, error)
    send_next(document)
    return Accepted(document, "Processing started again")


def delete(document_id: int) -> None:
    """Forget a document, its passages and its file; tasks of it find nothing to do. NotFound."""
    with store.transaction() as connection:
        if not (gone := store.remove(connection, Document.id == document_id)):
            raise NotFound(f"There is no document {document_id}.")
        store.tell_deleted(connection, document_id)
    (FILES / gone[0].file).unlink(missing_ok=True)


def find(document_id: int) -> Row:
    """The document; NotFound."""
    if document := store.find(document_id):
        return document
    raise NotFound(f"There is no document {document_id}.")


def search(status: Status | None, limit: int, offset: int) -> Sequence[Row]:
    """Documents, the latest first."""
    return store.search(status, limit, offset)


def wrong(document: Row, what: str) -> WrongState:
    """Why that can't be done with it."""
    return WrongState(f"Document {document.id} is {document.status}, and can't {what}.")


def ask(question: str, documents: list[int] | None, given_up: Event) -> dict[str, Any]:
    """Have a chat worker answer, and wait for it until `given_up` is set. Busy if no answer comes in time.

    `expires` and `revoke` keep workers from answering questions whose clients no longer wait.
    """
    asked, until = app.AsyncResult(str(uuid4())), monotonic() + ANSWER_SECONDS
    answer = None
    try:
        app.send_task(
            TaskNames.ANSWER,
            args=[question, documents],
            task_id=asked.id,
            expires=ANSWER_SECONDS,
            ignore_result=False,
            retry=False,
        )
        while answer is None:
            try:
                answer = asked.get(timeout=ASK_AGAIN, interval=0.01, propagate=False)
            except NotYet:
                if given_up.is_set() or monotonic() > until:
                    raise no_answer() from None
    except UNREACHABLE as error:
        log.warning("a question can't be answered: %s", str(error).strip().partition("\n")[0])
        raise Busy("Questions can't be answered now. Try again in a moment.") from None
    finally:
        with suppress(*UNREACHABLE):
            if given_up.is_set():
                asked.revoke()
            asked.forget()
    if isinstance(answer, Exception):
        log.warning("a question failed: %r", answer)
        raise Busy("The question couldn't be answered. Try again in a moment.")
    return answer


def no_answer() -> Busy:
    """Why a client has waited in vain."""
    return Busy(f"No answer came within {ANSWER_SECONDS:g} seconds. Check that the chat worker is running.")
