"""The report that never comes.

The ticket: «The report of the day never comes. Every order has been counted, the log says so, and nothing has failed.
Last week we told Celery to keep no results, because nobody reads them, but for the report's.»

What is to hold:

1. The receipt that close_the_day returns has the sum, a moment after the last order was counted.
2. A worker counts each order with the task count, once, also orders of the same amount; and a worker makes the report,
   with the task report, of what was counted.
3. close_the_day waits for none of them: the office closes several days, one right after the other.

See it first, each in a terminal, in this folder:

    celery -A exercise worker --loglevel=info
    python symptom.py
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


@app.task
def count(amount: int) -> int:
    """Count one order."""
    return amount


@app.task(ignore_result=False)
def report(amounts: list[int]) -> int:
    return sum(amounts)


def close_the_day(amounts: list[int]) -> AsyncResult:
    """The receipt of the report: the sum of what the tasks have counted."""
    return chord(count.s(amount) for amount in amounts)(report.s())
