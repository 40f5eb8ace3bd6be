"""The message goes back to the queue; the key comes last, and nothing is committed if an earlier run wrote it."""

from celery import Celery
from sqlalchemy.dialects.postgresql import insert

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


@app.task(acks_late=True, reject_on_worker_lost=True)
def transfer(order: str, payer: str, payee: str, amount: int) -> str:
    """Move an amount from one account to the other; returns what the customer reads."""
    key = insert(bank.orders).values(number=order).on_conflict_do_nothing(index_elements=["number"])
    with bank.engine.connect() as transaction:
        bank.take(transaction, order, payer, amount)
        bank.give(transaction, order, payee, amount)
        if transaction.execute(key).rowcount:
            transaction.commit()  # otherwise an earlier run, or another message, has done it: all is rolled back
    return f"order {order}: {amount} from {payer} to {payee}"
