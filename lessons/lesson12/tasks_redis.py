"""Lesson 12 · Monitoring: a second application, on Redis, because queues are counted another way there.

celery -A lesson12.tasks_redis worker --loglevel=info --concurrency=1 --hostname=redis@%h
"""

from celery import Celery

from global_config import REDIS_BROKER_URL, REDIS_URL

app = Celery("lesson12-redis", broker=REDIS_BROKER_URL, backend=REDIS_URL, set_as_current=False)
app.config_from_object("global_config")
app.conf.update(
    task_default_queue="lesson12-redis",
    control_exchange="lesson12-redis",
)


@app.task(name="lesson12.stamp")
def stamp(letter: str) -> str:
    return f"{letter} is stamped"
