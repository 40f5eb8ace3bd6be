"""Exercise 11 · Money and lightning.

The key and both payments are in one transaction, so they are kept together or not at all, and the key is the order's
number, the same for every run and every message. Celery retries a task whose process was killed, and the key tells
that run whether anything is left to do.
"""

from celery import Celery
from sqlalchemy.dialects.postgresql import insert  # SQLite understands ON CONFLICT, too

from global_config import POSTGRES_URL, RABBITMQ_URL
from lesson11 import exercise_bank as bank

app = Celery("exercise", broker=RABBITMQ_URL, backend=POSTGRES_URL)
app.config_from_object("global_config")
app.conf.update(
    task_default_queue="exercise11",
    control_exchange="exercise11",
    worker_timer_precision=0.05,  # the worker looks at its clock every 0.05 seconds: short waits come out exact
    worker_lost_wait=0.5,  # on files: seconds until a dead process's task counts as lost, instead of 10
)


# A lost process is noticed and the task is sent again, at most three times.
@app.task(acks_late=True, retry_on_worker_lost=True, max_retries=3, default_retry_delay=0.1)
def transfer(order: str, payer: str, payee: str, amount: int) -> str:
    """Move an amount from one account to the other; returns what the customer reads."""
    key = insert(bank.orders).values(number=order).on_conflict_do_nothing(index_elements=["number"])
    with bank.engine.begin() as transaction:  # all three, or none
        if transaction.execute(key).rowcount:  # 0 if another run has written it; one that is about to is waited for
            bank.take(transaction, order, payer, amount)
            bank.give(transaction, order, payee, amount)
    return f"order {order}: {amount} from {payer} to {payee}"
