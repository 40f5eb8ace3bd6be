"""Lesson 07 · Bound tasks: a task that tells what it knows about its call.

celery -A lesson07.tasks worker --loglevel=info --concurrency=2 --hostname=worker@%h
"""

from celery import Celery, Task

from global_config import REDIS_BROKER_URL, REDIS_URL

app = Celery(
    "lesson07",
    broker=REDIS_BROKER_URL,
    backend=REDIS_URL,
    include=["lesson07.reports", "lesson07.payments", "lesson07.prices"],  # the other modules with tasks
)
app.config_from_object("global_config")
app.conf.update(
    task_default_queue="lesson07",  # a queue of its own: no other lesson's mail
    control_exchange="lesson07",  # and its own line for commands to the worker
    worker_timer_precision=0.05,  # seconds between looks at the clock, so that short waits come out short
)

ATTRIBUTES = (
    *("id", "task", "retries", "args", "kwargs", "group", "root_id", "parent_id", "correlation_id"),
    *("delivery_info", "hostname", "time_limit", "soft_time_limit", "called_directly"),
)


@app.task
def choose(drink: str) -> str:
    return drink


@app.task(bind=True, time_limit=20, soft_time_limit=10)  # bind: the task receives itself as first argument
def tell(self: Task, drink: str, cups: int, fail: int = 0) -> dict:
    if self.request.retries < fail:
        raise self.retry(countdown=0.2)
    return {name: getattr(self.request, name, "missing") for name in ATTRIBUTES}
