"""Lesson 11 · The ledger: what really happened, in a database, where it outlives whoever wrote it.

Results say what Celery believes. Who wants to know whether a thing was done, and how often, has to count the things.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic, sleep

from sqlalchemy import CheckConstraint, Column, Integer, MetaData, NullPool, String, Table, create_engine, func, select
from sqlalchemy.dialects.postgresql import insert  # SQLite understands ON CONFLICT, too

from global_config import POSTGRES_URL

# NullPool: a connection for each use. One kept open would be shared by all processes of a pool, which breaks it.
engine = create_engine(POSTGRES_URL.removeprefix("db+"), poolclass=NullPool)
tables = MetaData()
notes = Table("lesson11_notes", tables, Column("parcel", String), Column("what", String))
bookings = Table(
    "lesson11_bookings",
    tables,
    Column("about", String),
    Column("amount", Integer, CheckConstraint("amount > 0")),
    Column("key", String, unique=True),
)


@contextmanager
def opened() -> Iterator[None]:
    """Empty tables while the block runs."""
    tables.drop_all(engine)  # those of a driver that was killed
    tables.create_all(engine)
    yield
    tables.drop_all(engine)


def note(parcel: str, what: str) -> int:
    """Write down what happened to a parcel; returns how often that has happened to it by now."""
    with engine.begin() as transaction:
        transaction.execute(insert(notes).values(parcel=parcel, what=what))
    return count(what, parcel)


def pause(parcel: str, seconds: float) -> None:
    """Return when "go on" is noted for a parcel, or after so many seconds."""
    deadline = monotonic() + seconds
    while monotonic() < deadline and not count("go on", parcel):
        sleep(0.05)


def count(what: str, *parcels: str) -> int:
    """How often that happened to these parcels, all together."""
    noted = select(func.count()).where(notes.c.what == what, notes.c.parcel.in_(parcels))
    with engine.connect() as connection:
        return int(connection.execute(noted).scalar_one())


def book(order: str, amount: int, once: bool) -> str:
    """Book an amount for an order; with `once`, only if that order hasn't been booked before.

    Raises IntegrityError if the database refuses the booking for any other reason, such as an amount of 0.
    """
    key = order if once else None  # any number of rows may have no key
    booking = insert(bookings).values(about=order, amount=amount, key=key)
    with engine.begin() as transaction:  # the effect and its key in one: both are there, or neither is
        # The database writes no second row with this key, even of two that come at once.
        written = transaction.execute(booking.on_conflict_do_nothing(index_elements=["key"])).rowcount
    return "booked" if written else "was booked before"


def booked(order: str) -> int:
    """The sum of what was booked for an order."""
    total = select(func.coalesce(func.sum(bookings.c.amount), 0)).where(bookings.c.about == order)
    with engine.connect() as connection:
        return int(connection.execute(total).scalar_one())
