"""Lesson 11 · The money: transfers in a database, where a unique key lets an order move its money only once."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import CheckConstraint, Column, Integer, MetaData, NullPool, String, Table, create_engine, func, select
from sqlalchemy.dialects.postgresql import insert  # SQLite understands ON CONFLICT, too

from global_config import POSTGRES_URL

# NullPool: a connection for each use. One kept open would be shared by all processes of a pool, which breaks it.
engine = create_engine(POSTGRES_URL.removeprefix("db+"), poolclass=NullPool)
tables = MetaData()
transfers = Table(
    "lesson11_transfers",
    tables,
    Column("about", String),
    Column("amount", Integer, CheckConstraint("amount > 0")),
    Column("key", String, unique=True),
)


@contextmanager
def empty_table() -> Iterator[None]:
    """Keep the table while the block runs."""
    tables.drop_all(engine)  # that of a driver that was killed
    tables.create_all(engine)
    yield
    tables.drop_all(engine)


def move(order: str, amount: int, once: bool) -> str:
    """Move the amount of an order; with `once`, only if the order hasn't been moved before.

    Raises IntegrityError if the database refuses the transfer for any other reason, such as an amount of 0.
    """
    key = order if once else None  # any number of rows may have no key
    row = insert(transfers).values(about=order, amount=amount, key=key)
    with engine.begin() as transaction:  # the effect and its key in one: both are there, or neither is
        # The database writes no second row with this key, even if two come at the same moment.
        written = transaction.execute(row.on_conflict_do_nothing(index_elements=["key"])).rowcount
    return "moved" if written else "was moved before"


def moved(order: str) -> int:
    """The sum of what was moved for an order."""
    total = select(func.coalesce(func.sum(transfers.c.amount), 0)).where(transfers.c.about == order)
    with engine.connect() as connection:
        return int(connection.execute(total).scalar_one())
