"""Lesson 13 · A web API in front of a worker: the worker's Celery app. The tasks stand in modules by topic.

celery -A lesson13.tasks worker --loglevel=info --concurrency=2
"""

from celery import Celery

from global_config import REDIS_BROKER_URL, REDIS_URL

app = Celery(
    "lesson13",
    broker=REDIS_BROKER_URL,
    backend=REDIS_URL,
    include=["lesson13.arithmetic", "lesson13.documents", "lesson13.requests"],  # another topic is another name here
)
app.config_from_object("global_config")
app.conf.update(
    task_default_queue="lesson13",  # a queue of its own: no other lesson's mail
    control_exchange="lesson13",  # and its own line for commands to the worker
    task_track_started=True,  # or else a running task says PENDING, like one that waits
    task_soft_time_limit=300,  # seconds: none takes so long, and one that hangs would keep its process forever
    task_time_limit=330,
)
