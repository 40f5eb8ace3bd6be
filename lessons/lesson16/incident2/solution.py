"""The report that never comes.

A chord needs the results of the tasks it waits for, so count has to store them, although no caller reads them. All
other tasks still keep no results, as the team wanted.
"""

from celery import Celery, chord
from celery.result import AsyncResult

from global_config import POSTGRES_URL, RABBITMQ_URL

app = Celery("exercise", broker=RABBITMQ_URL, backend=POSTGRES_URL)
app.config_from_object("global_config")
app.conf.update(
    task_default_queue="exercise16-incident2",
    control_exchange="exercise16-incident2",
    task_ignore_result=True,
)


@app.task(ignore_result=False)  # the chord waits for it
def count(amount: int) -> int:
    """Count one order."""
    return amount


@app.task(ignore_result=False)
def report(amounts: list[int]) -> int:
    return sum(amounts)


def close_the_day(amounts: list[int]) -> AsyncResult:
    """The receipt of the report: the sum of what the tasks have counted."""
    return chord(count.s(amount) for amount in amounts)(report.s())
