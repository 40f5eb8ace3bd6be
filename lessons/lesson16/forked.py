"""Lesson 16 · Two engines that were used before the worker forked its processes; one is begun anew in each.

celery -A lesson16.tasks worker --include=lesson16.forked
"""

from fcntl import LOCK_EX, flock

from celery.signals import worker_init, worker_process_init
from sqlalchemy import create_engine, text

from global_config import APP_DATABASE_URL
from lesson16 import book
from lesson16.tasks import app

inherited, renewed = create_engine(APP_DATABASE_URL), create_engine(APP_DATABASE_URL)


@worker_init.connect
def look_at_the_database(**_: object) -> None:
    """In the parent: each engine now keeps an open connection, which the processes will inherit."""
    for engine in inherited, renewed:
        engine.connect().close()


@worker_process_init.connect
def begin_anew(**_: object) -> None:
    """In each process: forget the inherited connection, and leave it open for the parent, whose it is."""
    renewed.dispose(close=False)


@app.task(name="connection_of")
def connection_of(order: str, anew: bool) -> int:
    """Which connection this process uses, by the number of the process that serves it in PostgreSQL."""
    book.note(order, "begun")
    book.pause(order, 60)  # until all processes have one of these tasks
    with open(f"{order}.turn", "w") as turn, (renewed if anew else inherited).connect() as connection:
        flock(turn, LOCK_EX)  # one after the other; two at once on one connection read each other's answers
        return int(connection.scalar(text("SELECT pg_backend_pid()")) or 0)
