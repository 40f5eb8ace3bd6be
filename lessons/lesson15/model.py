"""Documents, their passages and their events: the tables, and the words for where a document is."""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from pgvector.sqlalchemy import VECTOR
from sqlalchemy import BigInteger, DateTime, Enum, ForeignKey, Index, MetaData, Text, func
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

SCHEMA = "lesson15"  # the database is shared with others; PostgreSQL's schemas keep the tables apart
LARGEST_ID = 2**31 - 1  # of PostgreSQL's integer


class Status(StrEnum):
    STORED = "STORED"  # and nobody has asked for more
    PENDING = "PENDING"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


class Stage(StrEnum):
    STORE = "store"
    EXTRACT = "extract"
    CHUNK = "chunk"
    EMBED = "embed"
    INDEX = "index"


ENDED = {Status.COMPLETED, Status.FAILED}
DELETED = "DELETED"  # of a document that is no more, only its last event says so


class Kind(StrEnum):
    PDF = "pdf"
    DOCX = "docx"
    TEXT = "text"
    MARKDOWN = "markdown"


def named(words: type[StrEnum]) -> Enum:
    """A column type: VARCHAR in the database, a StrEnum in Python."""
    values = lambda words: [word.value for word in words]  # noqa: E731
    return Enum(words, native_enum=False, length=20, create_constraint=False, values_callable=values)


class Base(DeclarativeBase):
    metadata = MetaData(
        schema=SCHEMA,
        naming_convention={  # so that a migration can name what it drops
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        },
    )
    type_annotation_map: ClassVar = {
        str: Text,
        datetime: DateTime(timezone=True),
        Status: named(Status),
        Stage: named(Stage),
        Kind: named(Kind),
    }


class Document(Base):
    """A file and where it is on its way.

    `attempt` is a fence: tasks of an earlier attempt find nothing to do. At `due_at` the document is sent again, unless
    somebody has moved it on by then; None: never. `chunks` is known once the text is cut, and counts passages, of which
    `embedded` have their vector.
    """

    __tablename__ = "documents"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    kind: Mapped[Kind]
    size: Mapped[int]  # bytes
    sha256: Mapped[str] = mapped_column(unique=True)
    file: Mapped[str]  # its name in FILES
    status: Mapped[Status]
    stage: Mapped[Stage] = mapped_column(default=Stage.STORE)
    message: Mapped[str]
    progress: Mapped[int] = mapped_column(default=0)  # percent
    task_id: Mapped[str]
    attempt: Mapped[int] = mapped_column(default=1)
    tries: Mapped[int] = mapped_column(default=0)  # workers that began to extract since somebody asked for it
    sent: Mapped[int] = mapped_column(default=0)  # times again since somebody was heard of
    due_at: Mapped[datetime | None]
    pages: Mapped[int | None]
    chunks: Mapped[int | None]
    embedded: Mapped[int] = mapped_column(default=0)
    embedder: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (Index("ix_documents_due_at", "due_at", postgresql_where="due_at IS NOT NULL"),)


class Chunk(Base):
    """A passage. It has a vector once it is embedded; of how many dimensions is up to the embedder."""

    __tablename__ = "chunks"

    document_id: Mapped[int] = mapped_column(ForeignKey(Document.id, ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    page: Mapped[int]
    text: Mapped[str]
    embedding: Mapped[Any] = mapped_column(VECTOR, nullable=True)


class Event(Base):
    """A change of a document. Its number is given by a trigger, in the order in which changes are committed."""

    __tablename__ = "events"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    document_id: Mapped[int]  # no foreign key: the last event of a document outlives it
    data: Mapped[str]  # JSON, as it is sent to listeners
    at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (Index(None, "document_id", "id"),)
