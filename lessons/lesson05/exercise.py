"""Exercise 05 · Invoices must not wait behind reports.

Customers wait for their invoices; reports take long, and nobody minds. There are two workers, one for each queue: look
at the Procfile beside this file. What is missing is the routing:

1. Every task of this file whose function's name begins with report_ goes to the queue exercise05-low. Catch them all by
   one pattern: next month there will be more of them.
2. Everything else goes to exercise05-high, including tasks that don't exist yet, in this file or in
   another one.
3. urgent_report(month) sends report_sales to exercise05-high, this one time, and returns its receipt without waiting.
4. Each queue keeps a worker of its own, which reads no other queue, as in the Procfile.
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
    task_default_queue="exercise05",  # TODO: nobody reads this queue
    # TODO: the routes
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
    raise NotImplementedError("urgent_report() is yours to write")
