"""Lesson 03 · Chord: the same tasks with results in PostgreSQL, for comparison.

celery -A lesson03.tasks_postgres worker --loglevel=info --concurrency=3 --hostname=postgres@%h
"""

from celery import Celery

from global_config import POSTGRES_URL, RABBITMQ_URL
from lesson03 import tasks

app = Celery("lesson03-postgres", broker=RABBITMQ_URL, backend=POSTGRES_URL, set_as_current=False)
app.config_from_object("global_config")
app.conf.update(
    task_default_queue="lesson03-postgres",  # its worker stores in PostgreSQL, so its messages must not go elsewhere
    control_exchange="lesson03-postgres",
)

cook = app.task(tasks.cook.run)  # .run is the plain function: here it becomes a task of this app as well
serve = app.task(tasks.serve.run)
