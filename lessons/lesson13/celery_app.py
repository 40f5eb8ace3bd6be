"""Lesson 13 · A web API in front of a worker: the API's own Celery app. It has no tasks, and no patience."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from celery import Celery
from celery.result import denied_join_result

from global_config import REDIS_BROKER_URL, REDIS_URL

PATIENCE = 0.4  # seconds that a server may take to answer; by Celery's defaults a request could hang for hours

client = Celery("lesson13", broker=REDIS_BROKER_URL, backend=REDIS_URL, set_as_current=False)
client.config_from_object("global_config")
client.conf.update(
    task_default_queue="lesson13",  # the queue that the worker reads
    control_exchange="lesson13",  # and the line for commands to it
    # How often the API itself tries to reach the servers; retries of tasks are another thing.
    task_publish_retry_policy={"max_retries": 0},  # a second try after a timeout could send twice
    result_backend_transport_options={"retry_policy": {"max_retries": 1, "interval_start": 0}},
    redis_socket_timeout=PATIENCE,
    redis_socket_connect_timeout=PATIENCE,
    broker_transport_options={
        **client.conf.broker_transport_options,
        "socket_timeout": PATIENCE,
        "socket_connect_timeout": PATIENCE,
        "max_retries": 0,  # to connect
    },
    broker_pool_limit=40,  # one for each thread in which FastAPI runs endpoints
    result_backend_thread_safe=True,  # they share one result backend
)


@asynccontextmanager
async def never_waiting(_: object) -> AsyncIterator[None]:
    """While the API runs, nobody in it may call `get()`; so Celery needn't subscribe to the results of what it sends.

    With Redis, subscribing takes a lock that all threads share, and unread messages pile up on its connection.
    """
    with denied_join_result():
        yield
