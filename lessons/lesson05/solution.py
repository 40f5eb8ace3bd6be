"""Exercise 05 · Invoices must not wait behind reports.

One pattern catches every report, today's and next month's, and the default queue catches every other task. The urgent
report names its queue in apply_async(), which changes this one call and nothing else.
"""

from celery import Celery
from celery.result import AsyncResult
from kombu import Queue

from global_config import POSTGRES_URL, RABBITMQ_URL

app = Celery("exercise", broker=RABBITMQ_URL, backend=POSTGRES_URL)
app.config_from_object("global_config")
app.conf.update(
    control_exchange="exercise05",
    task_queues=[
        Queue("exercise05-high", routing_key="exercise05-high"),
        Queue("exercise05-low", routing_key="exercise05-low"),
    ],
    task_default_queue="exercise05-high",
    task_routes={"exercise.report_*": {"queue": "exercise05-low"}},
)


@app.task
def send_invoice(number: int) -> str:
    return f"invoice {number}"


@app.task
def report_sales(month: int) -> str:
    return f"sales of month {month}"


@app.task
def report_stock(day: int) -> str:
    return f"stock of day {day}"


def urgent_report(month: int) -> AsyncResult:
    """Send report_sales to exercise05-high, this once; returns its receipt."""
    return report_sales.apply_async(args=(month,), queue="exercise05-high")
