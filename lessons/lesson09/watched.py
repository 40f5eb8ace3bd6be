"""Lesson 09: a task that logs how long it took, and warns while there is still time."""

from time import monotonic, sleep

from celery import Task
from celery.utils.log import get_task_logger

from lesson09.tasks import app

logger = get_task_logger(__name__)  # puts the task's name and id before each line
WARN_AT = 0.5  # of the soft limit


@app.task(name="watched.work", bind=True, soft_time_limit=2, time_limit=3)
def work_watched(self: Task, items: int) -> dict[str, float]:
    limit = self.request.soft_time_limit or self.soft_time_limit  # in seconds: what the call says, or the one above
    started = monotonic()
    told: dict[str, float] = {}
    try:
        for item in range(1, items + 1):
            sleep(0.1)
            took = monotonic() - started
            if "warned" not in told and took > WARN_AT * limit:  # at the limit it would be too late
                told["warned"] = took
                logger.warning("%d of %d items took %.1f s, and the limit is %d s", item, items, took, limit)
        return told
    finally:  # also when the soft limit ends it, but not when the process is killed
        logger.info("took %.1f s", monotonic() - started)
