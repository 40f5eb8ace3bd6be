"""By a function instead of a table; and the urgent call written down first, then sent."""

from celery import Celery
from celery.result import AsyncResult
from kombu import Queue

from global_config import POSTGRES_URL, RABBITMQ_URL


def route(name: str, *_: object, **__: object) -> dict[str, str]:
    """The queue of the task called `name`."""
    is_report = name.rpartition(".")[2].startswith("report_")
    return {"queue": "exercise05-low" if is_report else "exercise05-high"}


app = Celery("exercise", broker=RABBITMQ_URL, backend=POSTGRES_URL)
app.config_from_object("global_config")
app.conf.update(
    control_exchange="exercise05",
    task_queues=[
        Queue("exercise05-high", routing_key="exercise05-high"),
        Queue("exercise05-low", routing_key="exercise05-low"),
    ],
    task_default_queue="exercise05",
    task_routes=[route],
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
    return report_sales.s(month).set(queue="exercise05-high").delay()
