"""Lesson 14 · A job pipeline: the worker's task, which delegates.

STEP_SECONDS=0.3 python -m lesson14.worker --loglevel=info --concurrency=4
"""

from celery import Task

from lesson14 import service
from lesson14.celery_app import app
from lesson14.names import TaskNames
from lesson14.settings import JOB_SECONDS
from lesson14.work import do_step


@app.task(name=TaskNames.PROCESS_JOB, bind=True, soft_time_limit=JOB_SECONDS, time_limit=JOB_SECONDS + 60)
def process_job(self: Task, job_id: int) -> str:
    # The message is acknowledged before this runs (Celery's default), so a killed worker has lost it. That is fine:
    # it was only a nudge. The job stands in the database, and is sent again when its lease has ended.
    return service.process(job_id, self.request.id, do_step)
