"""check_a_killed_process_costs_nothing: has the task run again, and the bank charges again."""

from celery import Celery

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


@app.task(
    acks_late=True,
    retry_on_worker_lost=True,
    autoretry_for=(shop.NoAnswer,),
    max_retries=3,
    default_retry_delay=0.1,
)
def pay(order: str, amount: int) -> str:
    """Charge the card for an order; returns what the customer reads."""
    shop.charge(order, amount)
    return f"order {order}: {amount} paid"
