"""Lesson 11 · Reliable workers: the same deliveries with Redis as the broker.

celery -A lesson11.tasks_redis worker --loglevel=info --concurrency=4 --hostname=worker-redis@%h
"""

from celery import Celery

import global_config
from global_config import REDIS_BROKER_URL, REDIS_URL
from lesson11 import tasks

app = Celery("lesson11-redis", broker=REDIS_BROKER_URL, backend=REDIS_URL, set_as_current=False)
app.config_from_object("global_config")
app.conf.update(
    task_default_queue="lesson11-redis",
    control_exchange="lesson11-redis",
    broker_transport_options={
        **global_config.broker_transport_options,
        "visibility_timeout": 2,  # seconds until a message that nobody has acknowledged is handed out again, not 3600
        "unacked_restore_interval": 1,  # seconds between two looks for such messages, instead of 10,
        "unacked_restore_throttle": 1,  # and each look is a real one, not each tenth
        "unacked_mutex_expire": 2,  # seconds that a worker killed while it looks keeps others from looking, not 300
        # The shortest timeout of all apps in one Redis database holds for all of them, unless their keys differ.
        "global_keyprefix": "lesson11.",
    },
)

deliver = app.task(name="deliver")(tasks.carry)
deliver_late = app.task(name="deliver_late", acks_late=True)(tasks.carry)
