"""Lesson 08 · Progress and failure: the same tasks with results in PostgreSQL, and without task_track_started.

celery -A lesson08.tasks_postgres worker --loglevel=info --concurrency=1 --hostname=postgres@%h
"""

from celery import Celery

from global_config import POSTGRES_URL, REDIS_BROKER_URL
from lesson08 import tasks

app = Celery("lesson08-postgres", broker=REDIS_BROKER_URL, backend=POSTGRES_URL, set_as_current=False)
app.config_from_object("global_config")
app.conf.update(
    task_default_queue="lesson08-postgres",  # its worker stores in PostgreSQL, so its messages must not go elsewhere
    control_exchange="lesson08-postgres",
)

print_pages = app.tasks[tasks.print_pages.name]  # all apps of a process share their tasks: this is the app's own copy
mark_failed = app.tasks[tasks.mark_failed.name]
