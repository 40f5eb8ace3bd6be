"""Exercise 16 · The shop has had a bad week.

acks_late covers a killed worker, retry_on_worker_lost a killed process, and autoretry_for a bank that doesn't answer,
so paying is always tried again. The order is the bank's key, so trying again never charges twice.
"""

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
    acks_late=True,  # a killed worker's message goes to the other one
    retry_on_worker_lost=True,  # a killed process is noticed, and the task is sent again,
    autoretry_for=(shop.NoAnswer,),  # as it is where the bank doesn't answer,
    max_retries=3,  # at most three times
    default_retry_delay=0.1,
)
def pay(order: str, amount: int) -> str:
    """Charge the card for an order; returns what the customer reads."""
    shop.charge(order, amount, key=order)  # for all runs and all messages of an order the same
    return f"order {order}: {amount} paid"
