"""check_a_transfer_survives_its_process: believes that acks_late alone brings back what a killed process had."""

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


@app.task(acks_late=True)
def transfer(order: str, payer: str, payee: str, amount: int) -> str:
    """Move an amount from one account to the other; returns what the customer reads."""
    key = insert(bank.orders).values(number=order).on_conflict_do_nothing(index_elements=["number"])
    with bank.engine.begin() as transaction:
        if transaction.execute(key).rowcount:
            bank.take(transaction, order, payer, amount)
            bank.give(transaction, order, payee, amount)
    return f"order {order}: {amount} from {payer} to {payee}"
