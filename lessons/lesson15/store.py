"""Documents in PostgreSQL: which rows are read, written and locked. Knows no rules; those are the service's.

Whoever changes a document updates its row first, which locks it, and tells of it last: so numbers of events are given
while nothing else is still to be done, and two transactions can't wait for each other.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, bindparam, delete, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as insert_or_not

from lesson15.database import engine
from lesson15.model import DELETED, ENDED, SCHEMA, Chunk, Document, Event, Status
from lesson15.settings import LEASE_SECONDS

LAST_EVENT = select(func.max(Event.id)).where(Event.document_id == Document.id).scalar_subquery()
VIEW = select(Document, func.coalesce(LAST_EVENT, 0).label("last_event"))


@contextmanager
def transaction() -> Iterator[Connection]:
    """BEGIN, and in the end COMMIT, or ROLLBACK where something was raised."""
    with engine().begin() as connection:
        yield connection


def lease() -> ColumnElement:
    """When a document is due that somebody has just been heard of; by PostgreSQL's clock, the one that all share."""
    return func.now() + timedelta(seconds=LEASE_SECONDS)


def add(connection: Connection, values: Mapping[str, Any]) -> Row | None:
    """A new document's row; None where there is one of the same content."""
    new = insert_or_not(Document).values(values).on_conflict_do_nothing(index_elements=[Document.sha256])
    return connection.execute(new.returning(Document)).one_or_none()


def change(connection: Connection, document_id: int, *where: ColumnElement, **values: Any) -> Row | None:
    """The document's row with these values, locked until the end; None where it isn't there, or not as `where` says."""
    if values.get("status") in ENDED:
        values["due_at"] = None  # an ended document is never sent again
    changed = update(Document).where(Document.id == document_id, *where).values(updated_at=func.now(), **values)
    return connection.execute(changed.returning(Document)).one_or_none()


def hold(connection: Connection, document_id: int, *where: ColumnElement) -> bool:
    """Keep the document from being deleted until the end, though not from being changed; False where it isn't there."""
    held = select(Document.id).where(Document.id == document_id, *where).with_for_update(read=True, key_share=True)
    return connection.execute(held).one_or_none() is not None


def lock(connection: Connection, document_id: int, *where: ColumnElement) -> bool:
    """Have the document, and through it its passages, to ourselves until the end; False where it isn't there."""
    return (
        connection.execute(
            select(Document.id).where(Document.id == document_id, *where).with_for_update()
        ).one_or_none()
        is not None
    )


def tell(connection: Connection, document: Row) -> None:
    """Record where a document is now as the next event; the last thing that a transaction does."""
    told = {name: getattr(document, name) for name in ("status", "stage", "message", "progress")}
    _tell(connection, document.id, told)


def tell_deleted(connection: Connection, document_id: int) -> None:
    """The last event of a document."""
    _tell(connection, document_id, {"status": DELETED, "stage": None, "message": "Deleted", "progress": 0})


def _tell(connection: Connection, document_id: int, told: Mapping[str, Any]) -> None:
    data = json.dumps({"document_id": document_id, **told})
    connection.execute(insert(Event).values(id=0, document_id=document_id, data=data))  # the trigger numbers it


def find(document_id: int) -> Row | None:
    """A document, with the number of its last event."""
    with transaction() as connection:
        return connection.execute(VIEW.where(Document.id == document_id)).one_or_none()


def find_by_content(sha256: str) -> Row | None:
    """The document that was made of the same bytes."""
    with transaction() as connection:
        return connection.execute(VIEW.where(Document.sha256 == sha256)).one_or_none()


def search(status: Status | None, limit: int, offset: int) -> Sequence[Row]:
    """Documents with the numbers of their last events, the latest first."""
    chosen = VIEW.order_by(Document.id.desc()).limit(limit).offset(offset)
    if status:
        chosen = chosen.where(Document.status == status)
    with transaction() as connection:
        return connection.execute(chosen).all()


def remove(connection: Connection, *where: ColumnElement) -> list[Row]:
    """Delete documents with their passages; returns their ids and files."""
    return list(connection.execute(delete(Document).where(*where).returning(Document.id, Document.file)))


def take_due(connection: Connection, limit: int) -> list[Row]:
    """Documents whose time has come, each due again later, and each time twice as late. Others asking get others."""
    due = (
        select(Document.id)
        .where(Document.due_at <= func.now())
        .order_by(Document.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")  # looked for once: within the UPDATE, it could be looked for again, and LIMIT would count anew
    )
    wait = func.make_interval(0, 0, 0, 0, 0, 0, LEASE_SECONDS * func.power(2, func.least(Document.sent, 6)))
    take = update(Document).where(Document.id == due.c.id).values(due_at=func.now() + wait, sent=Document.sent + 1)
    return list(connection.execute(take.returning(Document)))


# Passages.


def add_chunks(connection: Connection, document_id: int, first: int, passages: Sequence[tuple[int, str]]) -> None:
    """Passages (page, text) of a document, numbered from `first`."""
    numbered = enumerate(passages, start=first)
    rows = [{"document_id": document_id, "number": n, "page": page, "text": words} for n, (page, words) in numbered]
    connection.execute(insert(Chunk), rows)


def drop_chunks(connection: Connection, document_id: int) -> None:
    """All passages of a document."""
    connection.execute(delete(Chunk).where(Chunk.document_id == document_id))


def chunks_without_vector(connection: Connection, document_id: int, first: int, count: int) -> Sequence[Row]:
    """Number and text of those, locked: a second copy of the message waits, and then finds none."""
    wanted = Chunk.document_id == document_id, Chunk.number >= first, Chunk.number < first + count
    rows = select(Chunk.number, Chunk.text).where(*wanted, Chunk.embedding.is_(None))
    return connection.execute(rows.order_by(Chunk.number).with_for_update()).all()


SET_VECTORS = text(f"""
    UPDATE {SCHEMA}.chunks SET embedding = new.vector::vector
    FROM unnest(CAST(:numbers AS integer[]), CAST(:vectors AS text[])) AS new(number, vector)
    WHERE document_id = :document_id AND chunks.number = new.number
""")


def set_vectors(connection: Connection, document_id: int, numbers: list[int], vectors: list[list[float]]) -> None:
    """The vectors of passages, all in one statement."""
    texts = ["[" + ",".join(f"{value:.6g}" if value else "0" for value in vector) + "]" for vector in vectors]
    connection.execute(SET_VECTORS, {"document_id": document_id, "numbers": numbers, "vectors": texts})


def nearest(vector: list[float], embedder: str, documents: Sequence[int] | None, limit: int) -> Sequence[Row]:
    """The passages most like `vector` in all completed documents, or in `documents`: the best first, with distances.

    Compares with every one of them. For more than some ten thousand, the README has an index.
    """
    distance = Chunk.embedding.cosine_distance(vector).label("distance")
    found = (
        select(Document.id, Document.name, Chunk.page, Chunk.text, distance)
        .join(Document, Document.id == Chunk.document_id)
        .where(Document.status == Status.COMPLETED, Document.embedder == embedder)  # others' vectors mean another thing
        .order_by("distance", Document.name, Chunk.number)  # by its name: worked out once
        .limit(limit)
    )
    with transaction() as connection:
        chosen = found if documents is None else found.where(Document.id.in_(documents))
        return connection.execute(chosen).all()


# Events.

PAST = (
    select(Event.id, Event.document_id, Event.data)
    .where(Event.id > bindparam("after"))
    .order_by(Event.id)
    .limit(bindparam("most"))
)
PAST_OF_ONE = PAST.where(Event.document_id == bindparam("document_id"))


def events_after(number: int, document_id: int | None, most: int) -> list[tuple[int, int, str]]:
    """Number, document and data of events after that one: of one document, or of all."""
    with transaction() as connection:
        rows = connection.execute(
            PAST if document_id is None else PAST_OF_ONE, {"after": number, "document_id": document_id, "most": most}
        )
        return [(row[0], row[1], row[2]) for row in rows]


def last_event(document_id: int | None = None) -> int:
    """The number of the last event of a document, or of all."""
    last = select(func.coalesce(func.max(Event.id), 0))
    if document_id is not None:
        last = last.where(Event.document_id == document_id)
    with transaction() as connection:
        return connection.execute(last).scalar_one()


def forget_events(connection: Connection, before: datetime) -> None:
    """Events that nobody will ask for any more."""
    connection.execute(delete(Event).where(Event.at < before))


def files_in_use() -> set[str]:
    """The names of the files that documents have."""
    with transaction() as connection:
        return set(connection.execute(select(Document.file)).scalars())
