"""check_an_urgent_report_goes_to_high: delay() takes no options of the call; the queue is handed to the task."""

from celery import Celery
from celery.result import AsyncResult
from kombu import Queue

from global_config import POSTGRES_URL, RABBITMQ_URL

app = Celery("exercise", broker=RABBITMQ_URL, backend=POSTGRES_URL)
app.config_from_object("global_config")
app.conf.update(
    control_exchange="exercise05",
    task_queues=[Queue("exercise05-high"), Queue("exercise05-low")],
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
    return report_sales.delay(month, queue="exercise05-high")
