"""Exercise 16 · The shop has had a bad week.

An order is paid by a task, and the customers are angry: some were charged twice, some orders were never paid. Make pay
safe. In the end the card has been charged exactly once for each order, and each of its receipts says the same sentence:

1. when the process that runs the task is killed, before the bank has charged or after;
2. when the whole worker is killed (there is a second one);
3. when an order's message comes twice, at the same moment, and the bank is slow;
4. when the bank doesn't answer (NoAnswer), up to twice in a row, and may have charged or not;
5. when one customer has two orders of the same amount, which are two charges.

All of this takes a few seconds at most. The shop's steps are in lessons/lesson16/exercise_shop.py: see what charge can
be told. After this exercise come three incidents, in folders next to it.
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


# TODO: who runs it again, and what does the bank know then?
@app.task
def pay(order: str, amount: int) -> str:
    """Charge the card for an order; returns what the customer reads."""
    shop.charge(order, amount)
    return f"order {order}: {amount} paid"
