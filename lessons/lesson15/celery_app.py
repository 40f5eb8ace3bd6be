"""The Celery app, without a single task: what callers, workers, beat and Flower share."""

import os

from celery import Celery
from celery.schedules import crontab
from kombu import Queue
from tzlocal import get_localzone_name

from global_config import REDIS_BROKER_URL, REDIS_URL, broker_transport_options
from lesson15.names import CHAT, DOCUMENTS, HOUSEKEEPING, TaskNames
from lesson15.settings import LOOK_SECONDS

app = Celery("lesson15", broker=REDIS_BROKER_URL, backend=REDIS_URL)
app.config_from_object("global_config")
app.conf.update(
    control_exchange="lesson15",
    task_queues=[Queue(name, routing_key=name) for name in (DOCUMENTS, CHAT, HOUSEKEEPING)],
    task_default_queue=HOUSEKEEPING,
    task_routes={"documents.*": {"queue": DOCUMENTS}, "chat.*": {"queue": CHAT}},
    task_ignore_result=True,  # the truth about a document is its row; an answer asks for the exception
    # A waiting task stays in the queue, where any worker can take it: none is reserved but for a process that is free
    # (Redis). A worker that holds an unacknowledged message when Redis dies ends with exit status 1, in kombu 5.7.
    worker_prefetch_multiplier=1,
    worker_disable_prefetch=REDIS_BROKER_URL.startswith("redis"),
    broker_connection_timeout=2,  # seconds
    # On RabbitMQ, sent means kept; on files, a pool process may be killed without the others waiting for its lock.
    broker_transport_options=broker_transport_options | {"confirm_publish": True, "event_loop": True},
    # With the defaults, 120 s and 20 tries, a question would wait that long for a Redis that hangs or is down.
    redis_socket_timeout=2,  # seconds
    redis_socket_connect_timeout=2,
    result_backend_transport_options={"retry_policy": {"max_retries": 0}},
    timezone=os.environ.get("TIMEZONE") or get_localzone_name() or "UTC",  # unless it is set, midnight is UTC's
    beat_schedule={
        "find the stuck": {
            "task": TaskNames.FIND_STUCK,
            "schedule": LOOK_SECONDS,
            "options": {"expires": LOOK_SECONDS, "ignore_result": True},  # the next look sees what this one would have
        },
        "clean up at midnight": {
            "task": TaskNames.CLEAN_UP,
            "schedule": crontab(hour=0, minute=0),
            "options": {"ignore_result": True},
        },
    },
)
