"""Lesson 16 · The shop's own database, and a task that looks into it."""

from sqlalchemy import Column, MetaData, NullPool, String, Table, create_engine, select

from global_config import APP_DATABASE_URL
from lesson16 import book
from lesson16.tasks import app

engine = create_engine(APP_DATABASE_URL, poolclass=NullPool)  # a connection for each use
tables = MetaData()
orders = Table("lesson16_orders", tables, Column("path", String, primary_key=True))


@app.task(name="find")
def find(order: str) -> None:
    """Note whether the order is in the database."""
    with engine.connect() as connection:
        if connection.execute(select(orders).where(orders.c.path == order)).first():
            book.note(order, "found")
    book.note(order, "ended")
