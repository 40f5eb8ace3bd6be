"""Lesson 09 · Task size: work of a known length, item by item or many at once.

celery -A lesson09.tasks worker --loglevel=info --concurrency=2
"""

from time import sleep

from celery import Celery

from global_config import REDIS_BROKER_URL, REDIS_URL

app = Celery(
    "lesson09",
    broker=REDIS_BROKER_URL,
    backend=REDIS_URL,
    include=["lesson09.batches", "lesson09.stages", "lesson09.watched"],  # more modules with tasks, for the worker
)
app.config_from_object("global_config")
app.conf.update(
    task_default_queue="lesson09",  # a queue of its own: no other lesson's mail
    control_exchange="lesson09",  # and its own line for commands to the worker
)


@app.task
def work(item: int, seconds: float) -> int:
    sleep(seconds)  # the length of the work is known, so that what is more than that is the price of the task
    return item


@app.task
def work_through(first: int, last: int, seconds: float) -> int:
    items = last - first + 1
    sleep(items * seconds)
    return items
