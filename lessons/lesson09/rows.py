"""Lesson 09: a table of orders whose ids have gaps, and a setting that may change while the worker runs.

Both live where POSTGRES_URL leads. Worker and caller import this; each process makes connections of its own.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Column, Integer, MetaData, Table, create_engine, func, insert, select, true, update

from global_config import POSTGRES_URL

engine = create_engine(POSTGRES_URL.removeprefix("db+"))  # connects at first use: after the worker has forked
tables = MetaData()
orders = Table("lesson09_orders", tables, Column("id", Integer, primary_key=True), Column("handled", Integer))
settings = Table("lesson09_settings", tables, Column("batch_size", Integer))


@contextmanager
def made() -> Iterator[None]:
    """There are 1000 orders while the block runs; no id is below 502, and every third one is missing."""
    tables.drop_all(engine)  # what a run that was stopped has left
    tables.create_all(engine)
    with engine.begin() as connection:
        connection.execute(insert(orders), [{"id": id, "handled": 0} for id in range(502, 2002) if id % 3])
        connection.execute(insert(settings), {"batch_size": 300})
    try:
        yield
    finally:
        tables.drop_all(engine)


def count(handled: int | None = None) -> int:
    """How many orders there are; with `handled`, how many of them were handled so often."""
    with engine.connect() as connection:
        which = true() if handled is None else orders.c.handled == handled
        return connection.scalar(select(func.count()).where(which).select_from(orders)) or 0


def forget() -> None:
    """No order was ever handled."""
    with engine.begin() as connection:
        connection.execute(update(orders).values(handled=0))


def bounds_after(last: int, size: int) -> tuple[int, int, int] | None:
    """First id, last id and number of the next `size` orders after the id `last`; None after the last one."""
    page = select(orders.c.id).where(orders.c.id > last).order_by(orders.c.id).limit(size).subquery()
    with engine.connect() as connection:
        first, last, found = connection.execute(select(func.min(page.c.id), func.max(page.c.id), func.count())).one()
    return (first, last, found) if found else None


def id_ranges(size: int) -> Iterator[tuple[int, int]]:
    """Keyset pagination: each page begins after the last id of the page before, whatever ids there are."""
    last = -1
    while page := bounds_after(last, size):
        first, last, _ = page
        yield first, last


def batch_size(new: int | None = None) -> int:
    """The setting, asked for each time; with `new` it is changed before."""
    with engine.begin() as connection:
        if new:
            connection.execute(update(settings).values(batch_size=new))
        return connection.scalars(select(settings.c.batch_size)).one()
