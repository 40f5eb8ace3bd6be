"""A killed process hands its message back, and retry() is called by hand."""

from celery import Celery, Task

from global_config import POSTGRES_URL, RABBITMQ_URL
from lesson16 import exercise_shop as shop

app = Celery("exercise", broker=RABBITMQ_URL, backend=POSTGRES_URL)
app.config_from_object("global_config")
app.conf.update(
    task_default_queue="exercise16",
    control_exchange="exercise16",
    worker_timer_precision=0.05,  # the worker looks at its clock every 0.05 seconds: short waits come out exact
    worker_lost_wait=0.5,  # on files: seconds until a dead process's task counts as lost, instead of 10
)


@app.task(bind=True, acks_late=True, reject_on_worker_lost=True, max_retries=5, default_retry_delay=0.1)
def pay(self: Task, order: str, amount: int) -> str:
    """Charge the card for an order; returns what the customer reads."""
    try:
        shop.charge(order, amount, key=f"payment of {order}")
    except shop.NoAnswer as error:
        raise self.retry(exc=error)
    return f"order {order}: {amount} paid"
